#include "kernels.h"

namespace sekisho {

Kernel* kernels(size_t* count) {
  static Kernel list[] = {
#ifdef SEKISHO_IPSEC_MB
      kIpsecMb,
#endif
#ifdef __aarch64__
      kArmv8Gcm, kNeonChaCha,
#endif
      kOpenssl,
  };
  *count = sizeof list / sizeof list[0];
  return list;
}

}  // namespace sekisho
