#include "choices.h"

namespace sekisho::test {

Octets Choices::filler(size_t n) {
  uint64_t s = data_ ? below(256) : next();
  Octets out(n);
  for (uint8_t& o : out) o = step(&s) >> 24;
  return out;
}

Octets Choices::chosen(size_t n) {
  Octets out(n);
  for (uint8_t& o : out) o = below(256);
  return out;
}

}  // namespace sekisho::test
