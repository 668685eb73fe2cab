// What the data threads tell the control plane: few and bounded. The queue is locked, the packet path never is.
#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <string>
#include <vector>

#include "../sa/sa.h"

namespace sekisho {

struct Event {
  enum class Kind : uint8_t { kIke, kAcquire, kExpire, kFirstPacket, kPeerMoved, kPathMtu };
  Kind kind;
  Endpoint local, remote;
  std::vector<uint8_t> data;
  std::string tunnel;
  uint32_t spi = 0;
  bool hard = false;
  Cause cause = Cause::kTime;
  uint32_t mtu = 0;
};

class Events {
 public:
  // `wake` is called from any thread when the queue was empty.
  explicit Events(std::function<void()> wake) : wake_(std::move(wake)) {}

  // False when full: a flood of IKE datagrams must not eat the memory. What an SA or tunnel says is said once and so
  // never lost: there is little of it.
  bool push(Event event) {
    bool was_empty;
    {
      std::lock_guard lock(mutex_);
      const bool anybody = event.kind == Event::Kind::kIke || event.kind == Event::Kind::kPathMtu;
      if (anybody && (queue_.size() >= kLimit || octets_ + event.data.size() > kOctets)) return false;
      octets_ += event.data.size();
      was_empty = queue_.empty();
      queue_.push_back(std::move(event));
    }
    if (was_empty) wake_();
    return true;
  }

  std::vector<Event> drain() {
    std::lock_guard lock(mutex_);
    octets_ = 0;
    return std::exchange(queue_, {});
  }

 private:
  static constexpr size_t kLimit = 4096, kOctets = 4 << 20;
  size_t octets_ = 0;
  std::mutex mutex_;
  std::vector<Event> queue_;
  std::function<void()> wake_;
};

}  // namespace sekisho
