// Our test harness: TEST registers, CHECK fails the test it stands in, main.cc runs. A failed check prints at once and
// throws; in a fuzz target nobody catches it, which is what a fuzzer calls a crash.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace sekisho::test {

using Octets = std::vector<uint8_t>;

struct Failure {};

struct Case {
  const char* file;
  const char* name;
  void (*run)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

struct Registration {
  Registration(const char* file, const char* name, void (*run)()) { cases().push_back({file, name, run}); }
};

// What a loop is at (suite, seed, size): printed with a failure.
inline thread_local std::string during;

[[noreturn]] void fail(const char* file, int line, const std::string& what);

std::string hex(const Octets& octets);
inline std::string show(const Octets& octets) { return hex(octets); }
template <class T>
std::string show(T v) {
  return std::to_string(v);
}

[[noreturn]] void unequal(const char* file, int line, const char* what, const std::string& a, const std::string& b);
template <class A, class B>
[[noreturn, gnu::noinline]] void unequal(const A& a, const B& b, const char* file, int line, const char* what) {
  unequal(file, line, what, show(a), show(b));
}
template <class A, class B>
void check_equal(const A& a, const B& b, const char* file, int line, const char* what) {
  if (!(a == b)) unequal(a, b, file, line, what);
}

long environment(const char* name, long otherwise);

// Seeds and rounds of property tests, from the environment: the long run takes other seeds and more rounds.
inline uint64_t seed() { return environment("SEKISHO_TEST_SEED", 1); }
inline long rounds(long n) { return n * environment("SEKISHO_TEST_ROUNDS", 1); }

}  // namespace sekisho::test

#define SEKISHO_JOIN2(a, b) a##b
#define SEKISHO_JOIN(a, b) SEKISHO_JOIN2(a, b)
#define TEST(name)                                                                              \
  static void SEKISHO_JOIN(test_, __LINE__)();                                                  \
  static const ::sekisho::test::Registration SEKISHO_JOIN(registration_, __LINE__)(             \
      __FILE__, name, SEKISHO_JOIN(test_, __LINE__));                                           \
  static void SEKISHO_JOIN(test_, __LINE__)()
#define CHECK(condition) ((condition) ? void() : ::sekisho::test::fail(__FILE__, __LINE__, "not so: " #condition))
#define CHECK_EQUAL(a, b) ::sekisho::test::check_equal(a, b, __FILE__, __LINE__, #a " is not " #b)
