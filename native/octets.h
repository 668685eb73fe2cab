// Numbers in network order, in memory of any alignment.
#pragma once
#include <cstdint>

namespace sekisho {

inline uint16_t get16(const uint8_t* at) { return uint16_t(at[0] << 8 | at[1]); }
inline uint32_t get32(const uint8_t* at) { return uint32_t(get16(at)) << 16 | get16(at + 2); }

inline void put16(uint8_t* at, uint16_t v) {
  at[0] = v >> 8;
  at[1] = v;
}

inline void put32(uint8_t* at, uint32_t v) {
  put16(at, v >> 16);
  put16(at + 2, v);
}

inline void put64(uint8_t* at, uint64_t v) {
  put32(at, v >> 32);
  put32(at + 4, v);
}

}  // namespace sekisho
