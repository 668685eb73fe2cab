// What ended and may still be in use by a data thread: kept until every thread has passed since, then freed, and keys
// wiped. The control plane's and the clock's, under their lock.
#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "quiescence.h"

namespace sekisho {

class Retired {
 public:
  explicit Retired(Quiescence& quiescence) : quiescence_(quiescence) {}

  // No thread finds `thing` any more.
  void add(std::shared_ptr<void> thing) {
    if (thing) list_.push_back({quiescence_.mark(), std::move(thing)});
  }
  void free() {
    std::erase_if(list_, [&](const auto& r) { return quiescence_.passed(r.first); });
  }
  // Frees everything, and waits for the threads: microseconds.
  void settle() {
    quiescence_.wait();
    free();
  }
  // When no threads are left.
  void clear() { list_.clear(); }

 private:
  Quiescence& quiescence_;
  std::vector<std::pair<uint64_t, std::shared_ptr<void>>> list_;
};

}  // namespace sekisho
