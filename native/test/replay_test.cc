// The window by RFC 4303 3.4.3, extended sequence numbers by appendix A2, as tables: what arrives, and whether it is
// accepted.
#include "../sa/replay.h"

#include <set>

#include "choices.h"
#include "test.h"

using namespace sekisho;
using namespace sekisho::test;

namespace {

constexpr uint64_t k32 = uint64_t(1) << 32;

struct Step {
  int number;
  uint64_t sequence;
  bool accept;
};

// What a receiver does with a packet of this full number: it sees 32 bits of it, and verifies with what it expands.
bool receive(ReplayWindow& w, uint64_t sequence) {
  const uint64_t expanded = w.expand(uint32_t(sequence));
  if (!w.acceptable(expanded)) return false;
  if (expanded != sequence) return false;  // the ICV fails
  bool newest;
  const uint64_t top = w.top();
  CHECK(w.mark(expanded, &newest));
  CHECK_EQUAL(newest, sequence > top);
  CHECK_EQUAL(w.top(), newest ? sequence : top);
  return true;
}

void run(uint32_t window, bool esn, const std::vector<Step>& table, uint64_t reach = 0) {
  ReplayWindow w(window, esn);
  // Extended numbers are reached as traffic reaches them: never more than half a subspace at once.
  for (uint64_t at = 0; at < reach;) {
    at = reach - at > k32 / 2 ? at + k32 / 2 : reach;
    CHECK(receive(w, at));
  }
  for (const Step& s : table) {
    during = "window " + std::to_string(window) + (esn ? " with" : " without") + " ESN, step ";
    during += std::to_string(s.number);
    CHECK_EQUAL(receive(w, s.sequence), s.accept);
  }
}

}  // namespace

TEST("a window of 64 without ESN") {
  run(64, false,
      {
          {1, 0, false},  // never sent
          {2, 1, true},
          {3, 1, false},
          {4, 2, true},
          {5, 64, true},
          {6, 1, false},  // the left edge, seen
          {7, 3, true},
          {8, 3, false},
          {9, 65, true},  // 1 falls out, 2 is the edge
          {10, 1, false},
          {11, 2, false},
          {12, 4, true},
          {13, 128, true},  // 65 is the edge
          {14, 64, false},  // left of it
          {15, 65, false},
          {16, 66, true},
          {17, 127, true},
          {18, 127, false},
          {19, 192, true},  // a whole window on: only 129 and up
          {20, 128, false},
          {21, 129, true},
          {22, 256, true},
          {23, 193, true},
          {24, 192, false},
          {25, 100'000, true},  // far beyond
          {26, 99'936, false},
          {27, 99'937, true},
          {28, 256, false},
          {29, 99'999, true},
          {30, 100'000, false},
      });
}

TEST("a window of 4,096, the largest, across the ring's words") {
  run(4096, false,
      {
          {1, 1, true},
          {2, 4096, true},
          {3, 1, false},
          {4, 2, true},
          {5, 4097, true},
          {6, 1, false},
          {7, 2, false},
          {8, 3, true},
          {9, 8191, true},   // 4,096 is the edge, and was seen
          {10, 4095, false},
          {11, 4096, false},
          {12, 4098, true},
          {13, 8192, true},  // the ring's length: word 0 comes again
          {14, 4096, false},
          {15, 4097, false},
          {16, 4099, true},
          {17, 8255, true},
          {18, 8256, true},
          {19, 4160, false},
          {20, 4161, true},
          {21, 16'448, true},  // exactly the ring further
          {22, 12'352, false},
          {23, 12'353, true},
          {24, 16'447, true},
      });
}

TEST("without ESN numbers end at 2^32") {
  run(64, false,
      {
          {1, k32 - 2, true},
          {2, k32 - 1, true},
          {3, k32 - 1, false},
          {4, k32 - 64, true},   // the edge
          {5, k32 - 65, false},
          {6, k32, false},       // 0 on the wire
          {7, k32 + 1, false},   // 1 on the wire: long ago
          {8, k32 - 3, true},
      });
}

TEST("with ESN the window slides over 2^32") {
  run(64, true,
      {
          {1, k32 - 100, true},
          {2, k32 - 1, true},
          {3, k32 - 1, false},
          {4, k32, true},        // 0 on the wire, but not the number 0
          {5, k32, false},
          {6, k32 - 63, true},   // the edge, in the subspace before
          {7, k32 - 63, false},
          {8, k32 - 64, false},  // left of it: taken for one of the next subspace
          {9, k32 + 1, true},
          {10, k32 - 62, true},
          {11, k32 - 63, false},
          {12, k32 + 62, true},
          {13, k32 - 1, false},
          {14, k32 + 63, true},  // the window lies in one subspace again: 2^32 is the edge
          {15, k32 - 1, false},
          {16, k32, false},
          {17, k32 + 2, true},
          {18, k32 + 64, true},
          {19, k32, false},
          {20, k32 + 1, false},
          {21, k32 + 3, true},
          {22, 2 * k32 - 1, true},  // a jump over nearly a subspace, ...
          {23, k32 + 65, false},    // ... which leaves all that behind
          {24, 2 * k32 + 10, true},
          {25, 2 * k32 - 54, false},  // just left of the edge
          {26, 2 * k32 - 53, true},
          {27, 2 * k32 + 9, true},
          {28, 2 * k32 - 1, false},
      },
      k32 - 200);
}

TEST("with ESN in the first subspace nothing lies before it") {
  run(64, true,
      {
          {1, 0, false},
          {2, 1, true},
          {3, k32 + 1, false},
          {4, 5, true},
          {5, k32 - 1, true},  // a jump over nearly the whole subspace is one within it
          {6, k32 - 64, true},
          {7, k32 - 65, false},
          {8, k32 + 5, true},
          {9, k32 - 60, false},
          {10, k32 - 58, true},
      });
}

TEST("with ESN and a window of 4,096 over the third 2^32") {
  run(4096, true,
      {
          {1, 3 * k32 - 4096, true},
          {2, 3 * k32 - 1, true},
          {3, 3 * k32 - 4096, false},
          {4, 3 * k32 + 4094, true},  // 3 × 2^32 − 1 is the edge
          {5, 3 * k32 - 2, false},
          {6, 3 * k32 - 1, false},
          {7, 3 * k32, true},
          {8, 3 * k32 + 4095, true},  // 3 × 2^32 is the edge: the window lies in one subspace
          {9, 3 * k32 - 1, false},
          {10, 3 * k32, false},
          {11, 3 * k32 + 1, true},
          {12, 3 * k32 + 4096, true},
          {13, 3 * k32, false},
          {14, 3 * k32 + 2, true},
      },
      3 * k32 - 5000);
}

TEST("against a set of all numbers seen, for random walks") {
  for (long round = 0; round < rounds(60); round++) {
    Choices c(seed() * 1'000'003 + round);
    const bool esn = c.one_in(2);
    const uint32_t window = c.one_in(2) ? 64 * c.between(1, 64) : c.between(64, 4096);
    during = "round " + std::to_string(round) + " window " + std::to_string(window);
    ReplayWindow w(window, esn);
    std::set<uint64_t> seen;
    uint64_t top = esn ? c.below(3) * k32 : 0;
    const uint64_t start = top + (c.one_in(2) ? k32 - 20'000 : 1);
    for (uint64_t at = 0; at < start;) {
      at = start - at > k32 / 2 ? at + k32 / 2 : start;
      CHECK(receive(w, at));
      seen.insert(at);
    }
    top = start;
    for (int i = 0; i < 5000; i++) {
      const uint64_t ahead = c.one_in(50) ? c.below(10'000) : c.below(40);
      uint64_t s = c.one_in(2) ? top + ahead : top - c.below(window + 100 < top ? window + 100 : uint32_t(top));
      if (!esn && s >= k32) continue;
      const bool accept = s != 0 && (s > top || (top - s < window && !seen.contains(s)));
      CHECK_EQUAL(receive(w, s), accept);
      if (!accept) continue;
      seen.insert(s);
      if (s > top) top = s;
    }
  }
}

TEST("a number is the nearest that fits, by appendix A2.2 as it stands") {
  for (long round = 0; round < rounds(20'000); round++) {
    Choices c(seed() * 1'000'003 + round);
    const uint32_t window = c.between(64, 4096);
    const uint32_t th = c.below(4), seq = c.one_in(2) ? c.word() : c.below(2) ? 0u - c.below(9000) : c.below(9000);
    const uint32_t tl = c.one_in(2) ? c.word() : c.below(2) ? 0u - c.below(9000) : c.below(9000);
    const uint64_t top = uint64_t(th) << 32 | tl;
    if (top == 0) continue;
    ReplayWindow w(window, true);
    bool newest;
    CHECK(w.mark(top, &newest));
    uint32_t high;
    if (tl >= window - 1) high = seq >= tl - window + 1 ? th : th + 1;  // case A
    else high = seq >= tl - window + 1 ? th - 1 : th;                   // case B
    // Before the first subspace there is none: such a packet is one far ahead.
    if (high == UINT32_MAX) high = 0;
    CHECK_EQUAL(w.expand(seq), uint64_t(high) << 32 | seq);
  }
}
