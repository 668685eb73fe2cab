#include "kernels.h"

namespace sekisho {

Kernel* kernels(size_t* count) {
  static Kernel list[] = {
#ifdef SEKISHO_IPSEC_MB
      kIpsecMb,
#endif
      kOpenssl,
  };
  *count = sizeof list / sizeof list[0];
  return list;
}

}  // namespace sekisho
