// The kernels that exist, in order of preference; each lives in a file of its own.
#pragma once
#include "cipher.h"

namespace sekisho {

extern const Kernel kOpenssl;
#ifdef SEKISHO_IPSEC_MB
extern const Kernel kIpsecMb;
#endif

#ifdef __aarch64__
extern const Kernel kArmv8Gcm, kNeonChaCha;
#endif

// Fresh octets from the system's generator, for the IVs of CBC.
void random_iv(uint8_t* out, size_t octets);

}  // namespace sekisho
