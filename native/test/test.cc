#include "test.h"

#include <cstdio>
#include <cstdlib>

namespace sekisho::test {

void fail(const char* file, int line, const std::string& what) {
  fprintf(stderr, "%s:%d: %s%s%s\n", file, line, what.c_str(), during.empty() ? "" : "\n  during ", during.c_str());
  throw Failure{};
}

void unequal(const char* file, int line, const char* what, const std::string& a, const std::string& b) {
  fail(file, line, std::string(what) + "\n  left  " + a + "\n  right " + b);
}

std::string hex(const Octets& octets) {
  std::string out;
  char two[3];
  for (uint8_t o : octets) {
    snprintf(two, sizeof two, "%02x", o);
    out += two;
  }
  return out;
}

long environment(const char* name, long otherwise) {
  const char* value = getenv(name);
  return value ? atol(value) : otherwise;
}

}  // namespace sekisho::test
