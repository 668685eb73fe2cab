// Nothing is freed while a data thread may read it. ThreadSanitizer and AddressSanitizer see what the checks cannot.
#include "../path/quiescence.h"

#include <thread>

#include "choices.h"
#include "test.h"

using namespace sekisho;
using namespace sekisho::test;

TEST("a mark has passed when every thread that was awake has begun again, or sleeps") {
  Quiescence q;
  CHECK(q.passed(q.mark()));  // all asleep
  q.awake(0);
  const uint64_t first = q.mark();
  CHECK(!q.passed(first));
  q.awake(1);  // began behind the mark: cannot have what was unpublished
  CHECK(!q.passed(first));
  q.awake(0);
  CHECK(q.passed(first));
  const uint64_t second = q.mark();
  CHECK(!q.passed(second));
  q.asleep(0);
  CHECK(!q.passed(second));
  q.awake(0);
  CHECK(!q.passed(second));  // thread 1
  q.asleep(1);
  CHECK(q.passed(second));
  CHECK(q.passed(first));
  q.asleep(0);
  q.wait();
}

namespace {

struct Thing {
  uint64_t number, again;
  explicit Thing(uint64_t n) : number(n), again(~n) {}
  ~Thing() { number = again = 0; }
};

}  // namespace

TEST("what was unpublished stays alive until both threads have moved on") {
  Quiescence q;
  std::atomic<Thing*> published{new Thing(1)};
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> wrong{0}, turns{0};
  auto reader = [&](int thread) {
    Choices c(thread);
    while (!stop.load(std::memory_order_relaxed)) {
      q.awake(thread);
      const Thing* t = published.load(std::memory_order_acquire);
      for (uint32_t i = c.below(100); i; i--) {
        if (t->again != ~t->number) wrong.fetch_add(1);
        if (i == 50) sched_yield();
      }
      turns.fetch_add(1, std::memory_order_relaxed);
      if (c.one_in(8)) {
        q.asleep(thread);
        if (c.one_in(4)) usleep(10);
      }
    }
    q.asleep(thread);
  };
  std::thread a(reader, 0), b(reader, 1);
  while (turns.load() == 0) sched_yield();  // on a busy machine all would be over before they begin
  while (turns.load(std::memory_order_relaxed) < 100) sched_yield();
  // Half are waited for, half are retired and looked at later, as the engine's clock does.
  std::vector<std::pair<uint64_t, Thing*>> retired;
  for (uint64_t n = 2; n < 2 + uint64_t(rounds(3000)); n++) {
    Thing* old = published.exchange(new Thing(n), std::memory_order_acq_rel);
    if (n % 2) {
      q.wait();
      delete old;
    } else {
      retired.push_back({q.mark(), old});
    }
    std::erase_if(retired, [&](const auto& r) {
      if (!q.passed(r.first)) return false;
      delete r.second;
      return true;
    });
  }
  stop = true;
  a.join();
  b.join();
  for (const auto& [mark, thing] : retired) {
    CHECK(q.passed(mark));
    delete thing;
  }
  delete published.load();
  CHECK_EQUAL(wrong.load(), 0u);
}
