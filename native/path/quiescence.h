// Freeing what data threads may still read: they pass a quiescent point once a turn, or are asleep. No lock, no
// reference count on the path; what was removed is freed when every thread has passed since.
#pragma once
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace sekisho {

class Quiescence {
 public:
  // A data thread begins a batch: what it reads from now on stays alive until it begins the next, or sleeps.
  void awake(int thread) {
    seen_[thread].turn.store(now_.load(std::memory_order_seq_cst), std::memory_order_seq_cst);
    // Nothing published may be read before the store is seen by wait().
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  void asleep(int thread) { seen_[thread].turn.store(kAsleep, std::memory_order_seq_cst); }

  // What was unpublished before the call may be freed once passed(mark()).
  uint64_t mark() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return now_.fetch_add(1, std::memory_order_seq_cst) + 1;
  }
  bool passed(uint64_t mark) const {
    for (const auto& seen : seen_) {
      if (seen.turn.load(std::memory_order_seq_cst) < mark) return false;
    }
    return true;
  }

  // Returns when nothing unpublished before the call can be in use any more: microseconds.
  void wait() {
    const uint64_t target = mark();
    for (int n = 0; !passed(target); n++) {
      if (n < 10) sched_yield();
      else usleep(50);
    }
  }

  static constexpr int kThreads = 16;

 private:
  static constexpr uint64_t kAsleep = UINT64_MAX;
  std::atomic<uint64_t> now_{1};
  // A line each: every thread writes its own once a turn.
  struct alignas(64) Seen {
    std::atomic<uint64_t> turn{kAsleep};
  };
  Seen seen_[kThreads];
};

}  // namespace sekisho
