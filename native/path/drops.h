// Every reason why a packet is dropped, once: the counters, their names in `show` and in src/dataplane/port.ts.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sekisho {

#define SEKISHO_DROPS(X)                                  \
  X(kNoOutboundSa, "no-outbound-sa")                      \
  X(kNoMatchingSa, "no-matching-sa")                      \
  X(kSaExpired, "sa-expired")                             \
  X(kIpv6Blocked, "ipv6-blocked")                         \
  X(kMalformedInner, "malformed-inner")                   \
  X(kFragment, "fragment")                                \
  X(kTooBig, "too-big")                                   \
  X(kSendFailed, "send-failed")                           \
  X(kUnknownSpi, "unknown-spi")                           \
  X(kMalformedEsp, "malformed-esp")                       \
  X(kReplayed, "replayed")                                \
  X(kAuthenticationFailed, "authentication-failed")       \
  X(kDummy, "dummy")                                      \
  X(kSelectorMismatch, "selector-mismatch")               \
  X(kCongestion, "congestion")                            \
  X(kTunnelDown, "tunnel-down")                           \
  X(kIkeQueueFull, "ike-queue-full")

enum class Drop : uint8_t {
#define X(name, text) name,
  SEKISHO_DROPS(X)
#undef X
  kCount
};

constexpr size_t kDropCount = static_cast<size_t>(Drop::kCount);

inline const char* drop_name(size_t i) {
  static const char* const names[] = {
#define X(name, text) text,
      SEKISHO_DROPS(X)
#undef X
  };
  return names[i];
}

// A counter that one thread at a time writes and others read: a plain add, no lock prefix.
class Counter {
 public:
  void add(uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct DropCounters {
  Counter by[kDropCount];
  void count(Drop reason, uint64_t n = 1) { by[static_cast<size_t>(reason)].add(n); }
};

}  // namespace sekisho
