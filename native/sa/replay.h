// The anti-replay window (RFC 4303 3.4.3, RFC 6479's ring of words) and extended sequence numbers (Appendix A).
#pragma once
#include <atomic>
#include <cstdint>
#include <cstring>

namespace sekisho {

class ReplayWindow {
 public:
  static constexpr uint32_t kMaxWindow = 4096;

  ReplayWindow(uint32_t window, bool esn) : window_(window), esn_(esn) { memset(ring_, 0, sizeof ring_); }

  // The full sequence number that a packet with these 32 bits must mean (RFC 4303 A2.2).
  uint64_t expand(uint32_t low) const {
    if (!esn_) return low;
    const uint64_t top = this->top();
    const uint32_t top_low = uint32_t(top), top_high = uint32_t(top >> 32);
    uint32_t high = top_high;
    if (top_low >= window_ - 1) {
      // The window lies within one subspace: lower numbers belong to the next.
      if (low < top_low - window_ + 1) high++;
    } else if (top_high && low >= top_low - window_ + 1) {
      // The window reaches back into the subspace before.
      high--;
    }
    return uint64_t(high) << 32 | low;
  }

  // Whether a packet may be new: asked before the ICV is verified.
  bool acceptable(uint64_t sequence) const {
    if (sequence == 0) return false;
    const uint64_t top = this->top();
    if (sequence > top) return true;
    if (top - sequence >= window_) return false;
    return !(ring_[word(sequence)] >> (sequence & 63) & 1);
  }

  // Marks an authentic packet; false when it was marked since acceptable() was asked. `newest`: it leads the window.
  bool mark(uint64_t sequence, bool* newest) {
    if (!acceptable(sequence)) return false;
    *newest = sequence > top();
    if (*newest) {
      const uint64_t from = top() >> 6, to = sequence >> 6;
      const uint64_t words = to - from < kWords ? to - from : kWords;
      for (uint64_t i = 1; i <= words; i++) ring_[(from + i) & (kWords - 1)] = 0;
      top_.store(sequence, std::memory_order_relaxed);
    }
    ring_[word(sequence)] |= uint64_t(1) << (sequence & 63);
    return true;
  }

  // The highest that was marked. Also for those who only watch: one thread at a time marks.
  uint64_t top() const { return top_.load(std::memory_order_relaxed); }

 private:
  // A power of two, and at least a word more than the window: the word being cleared is never one still in use.
  static constexpr uint64_t kWords = 128;
  static_assert(kWords * 64 >= kMaxWindow + 64);

  static uint64_t word(uint64_t sequence) { return sequence >> 6 & (kWords - 1); }

  const uint32_t window_;
  const bool esn_;
  std::atomic<uint64_t> top_{0};
  uint64_t ring_[kWords];
};

}  // namespace sekisho
