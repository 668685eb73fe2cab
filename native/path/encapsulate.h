// Inner packets become ESP packets. No input or output here: what is sealed goes to a sink, which sends, counts, or
// compares.
//
//   1. add()        a superpacket from TUN: cut into packets as large as the sender's MSS, checksums completed (io/tun)
//   2. encapsulate  each into the arena: ESP header, IV, packet, padding, trailer, room for the ICV (RFC 4303 2)
//   3. seal         runs of packets of one SA, as many at once as its cipher likes (crypto/)
//   4. flush()      seals the rest and hands everything over
//
// Nothing here allocates, locks or calls the control plane, but for rare events.
#pragma once
#include <vector>

#include "../io/tun.h"
#include "../pages.h"
#include "../sa/sa.h"
#include "events.h"

namespace sekisho {

// A sealed packet: `octets` from the ESP header on, at `at` in the arena. Neighbours lie without a gap.
struct EspPacket {
  OutboundSa* sa;
  uint32_t at, octets;
  uint8_t tos;
  bool dont_fragment;
};

class EspSink {
 public:
  virtual void send(uint8_t* arena, const EspPacket* packets, size_t n) = 0;

 protected:
  ~EspSink() = default;
};

class Encapsulator {
 public:
  Encapsulator(Events& events, EspSink& sink);

  // Takes what one read of the tunnel's TUN gave; overwrites it. What cannot be carried is a named drop.
  void add(Tunnel& tunnel, const VnetHeader& header, uint8_t* packet, uint32_t octets);
  void flush();
  // Whether it is time to flush: more would leave the second cache, or keep the first too long.
  bool full() const { return packets_.size() >= kBatch || used_ >= kBatchOctets; }

  // Encapsulates one packet given in two parts; add() calls it for every segment.
  void encapsulate(Tunnel& tunnel, OutboundSa& sa, const uint8_t* headers, uint32_t header_octets,
                   const uint8_t* payload, uint32_t payload_octets);

 private:
  static constexpr size_t kArena = 2 << 20;
  static constexpr size_t kPackets = 4096;
  // A batch ends here or a superpacket later.
  static constexpr size_t kBatch = 1024, kBatchOctets = 320 << 10;

  void seal();  // what was not sealed yet

  Events& events_;
  EspSink& sink_;
  Pages arena_{kArena};
  size_t used_ = 0;
  std::vector<EspPacket> packets_;
  std::vector<Job> jobs_;
  size_t sealed_ = 0;  // of jobs_
};

}  // namespace sekisho
