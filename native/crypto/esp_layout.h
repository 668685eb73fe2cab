// Where the parts of an ESP packet are (RFC 4303 2), shared by the kernels.
#pragma once
#include <cstring>

#include "../octets.h"
#include "cipher.h"

namespace sekisho {

constexpr uint32_t kEspHeader = 8;  // SPI and sequence number

inline uint8_t* iv_of(const Job& j) { return j.esp + kEspHeader; }
inline uint8_t* text_of(const Suite& s, const Job& j) { return iv_of(j) + s.iv; }
inline uint8_t* icv_of(const Suite& s, const Job& j) { return text_of(s, j) + j.text; }

// AAD of an AEAD: SPI and sequence number, 64 bits of it with ESN (RFC 4106 5, RFC 7634 2.1). Returns its length.
inline uint32_t aad_of(const Job& j, bool esn, uint8_t* out) {
  if (!esn) {
    memcpy(out, j.esp, 8);
    return 8;
  }
  memcpy(out, j.esp, 4);
  put32(out + 4, j.sequence_high);
  memcpy(out + 8, j.esp + 4, 4);
  return 12;
}

}  // namespace sekisho
