// ESP packets become inner packets. No input or output here: the same code runs behind UDP, a raw socket, a packet
// ring, a fuzzer and a benchmark.
//
//   1. esp()     find the SA by SPI, hold its tunnel, ask the replay window whether the packet may be new
//   2. finish()  open what was gathered, each SA's packets as one batch: verify, then decrypt (crypto/)
//   3.           mark the replay window in the order of arrival; strip trailer and padding; look at the inner header,
//                the selectors and the congestion mark
//   4.           hand over, merged into superpackets (path/coalesce); let the tunnels go
//
// A tunnel is held from its first packet in a turn to the turn's end: its SAs, windows and counters are one worker's, though
// its packets may arrive by several sockets. Usually all of a peer's arrive by one, and nobody ever waits.
//
// Nothing here allocates, locks or calls the control plane, but for rare events.
#pragma once
#include <vector>

#include "../pages.h"
#include "../sa/table.h"
#include "coalesce.h"
#include "events.h"

namespace sekisho {

// What stood around an ESP packet.
struct Outer {
  Endpoint local, from;
  bool encapsulated;
  uint8_t tos;
};

class Decapsulator {
 public:
  Decapsulator(SaTable& table, Events& events, DropCounters& drops, SuperpacketSink& sink);

  // Takes one packet, from the ESP header on. Its memory must live until finish().
  void esp(uint8_t* packet, uint32_t octets, const Outer& outer);
  void finish();
  // Counts a packet that a port could not read.
  void malformed() { drops_.count(Drop::kMalformedEsp); }

 private:
  // As many as one turn may bring: 16 messages of 64 KB. More end the batch early.
  static constexpr size_t kPackets = 2048;

  struct Pending {
    InboundSa* sa;
    uint64_t sequence;
    Outer outer;
    uint32_t next;  // of the same SA, or kNone
  };
  struct Batch {
    InboundSa* sa;
    uint32_t head, tail;
  };
  static constexpr uint32_t kNone = UINT32_MAX;

  void hold(Tunnel& tunnel);
  void open();
  void deliver(const Job& job, const Pending& p);
  uint8_t* lift(const InboundSa& sa, const Pending& p, const uint8_t* payload, uint32_t octets, uint8_t next);

  SaTable& table_;
  Events& events_;
  DropCounters& drops_;
  Coalescer coalescer_;
  std::vector<Job> jobs_;         // by arrival
  std::vector<Pending> pending_;  // beside them
  std::vector<Batch> batches_;    // one for each SA in this turn
  std::vector<Tunnel*> held_;
  Job sorted_[kMaxBatch];
  // Packets of transport mode, with their headers, until they are handed over.
  static constexpr uint32_t kLifted = 2 << 20;
  Pages lift_{kLifted};
  uint32_t lifted_ = 0;
};

}  // namespace sekisho
