// Where a test's decisions come from: a generator with a seed, or a fuzzer's octets. One property then serves both.
#pragma once
#include <cstddef>
#include <cstdint>

#include "test.h"

namespace sekisho::test {

class Choices {
 public:
  explicit Choices(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  Choices(const uint8_t* data, size_t octets) : data_(data), end_(data + octets) {}

  // Below `n`; 0 for ever once a fuzzer's octets are used up.
  uint32_t below(uint32_t n) {
    if (n <= 1) return 0;
    if (!data_) return next() % n;
    uint32_t v = 0;
    for (uint32_t most = n - 1; most; most >>= 8) v = v << 8 | (data_ < end_ ? *data_++ : 0);
    return v % n;
  }
  uint32_t between(uint32_t least, uint32_t most) { return least + below(most - least + 1); }
  bool one_in(uint32_t n) { return below(n) == 1; }
  uint64_t word() {
    if (!data_) return next();
    return uint64_t(below(UINT32_MAX)) << 32 | below(UINT32_MAX);
  }

  // Octets whose value is of little account: a fuzzer spends one octet on them.
  Octets filler(size_t n);
  // Octets that a fuzzer chooses one by one.
  Octets chosen(size_t n);

  bool used_up() const { return data_ && data_ == end_; }

 private:
  static uint64_t step(uint64_t* s) {  // splitmix64
    uint64_t z = *s += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  uint64_t next() { return step(&state_); }

  uint64_t state_ = 0;
  const uint8_t* data_ = nullptr;
  const uint8_t* end_ = nullptr;
};

}  // namespace sekisho::test
