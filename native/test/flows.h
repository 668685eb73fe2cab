// The coalescer's property: runs of packets of several flows, with all that breaks a run, go in; the superpackets that
// come out, cut again, are the same packets, none lost, none twice, in order within each flow.
//
// Octet for octet but for these, which no receiver can tell apart:
//   - the ID of an IPv4 packet with DF set, and so its header checksum: an atomic datagram's ID means nothing
//     (RFC 6864 4.1), and cutting numbers the packets one by one from the first one's ID
//   - a TCP or IPv4 header checksum of 0xffff, which cutting writes as 0x0000: the same number in ones' complement
// PSH is no exception: it ends a run, and cutting gives it to the last segment, which is the one that had it.
#pragma once
#include <memory>

#include "recut.h"

namespace sekisho::test {

// A packet in the form in which two that nobody can tell apart are equal.
Octets normal(Octets packet);

struct Flows {
  struct Packet {
    uint32_t flow;
    Octets octets, at;  // as it was made, and the copy that the coalescer may write to
  };

  explicit Flows(Choices& c);

  // The next packet of a flow, one in `calm` of them with something that breaks the run.
  void next(uint32_t calm);

  void add(uint32_t flow, Octets octets);
  Tunnel& tunnel(uint32_t flow) { return tunnels[tunnel_of[flow % flows.size()]]; }

  // A batch ends: its packets' memory may go.
  void end();

  // The property.
  void hold();

  static constexpr uint32_t kKinds = 30;
  Choices& choices;
  Tunnel tunnels[2];
  std::vector<Inner> flows;
  std::vector<uint32_t> sizes;
  std::vector<uint8_t> tunnel_of;
  std::vector<Packet> packets;
  uint32_t last = 0;
  Recut sink;
  std::unique_ptr<Coalescer> coalescer = std::make_unique<Coalescer>(sink);
};

}  // namespace sekisho::test
