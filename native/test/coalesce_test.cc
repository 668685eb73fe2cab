#include "flows.h"

using namespace sekisho;
using namespace sekisho::test;

namespace {

// One flow, in order.
struct Line {
  Inner inner;
  Tunnel tunnel;
  Recut sink;
  std::unique_ptr<Coalescer> coalescer = std::make_unique<Coalescer>(sink);
  std::vector<Octets> memory;

  Line() { tunnel.udp_superpackets = true; }
  void add(uint32_t payload) {
    inner.payload = Octets(payload, 0x55);
    add(inner.build());
    inner.sequence += payload;
    inner.id++;
  }
  void add(Octets packet) {
    memory.push_back(std::move(packet));
    coalescer->add(tunnel, memory.back().data(), memory.back().size());
  }
  // How many packets each write carried.
  Octets groups() {
    coalescer->flush();
    Octets out;
    for (size_t i = 0; i < sink.packets.size(); i += sink.packets[i].together) out.push_back(sink.packets[i].together);
    return out;
  }
};

}  // namespace

TEST("neighbours of a flow become one superpacket, TCP and UDP, IPv4 and IPv6") {
  for (int kind = 0; kind < 4; kind++) {
    Line l;
    if (kind & 1) l.inner.make_v6();
    l.inner.udp = kind & 2;
    for (int i = 0; i < 40; i++) l.add(1000);
    l.add(10);
    CHECK_EQUAL(l.groups(), Octets{41});
  }
}

TEST("a superpacket ends at 65,535 octets, at its most segments, and behind a shorter one") {
  Line octets;
  for (int i = 0; i < 60; i++) octets.add(1400);
  CHECK_EQUAL(octets.groups(), (Octets{46, 14}));  // 40 + 46 × 1,400
  Line segments;
  for (int i = 0; i < 250; i++) segments.add(20);
  CHECK_EQUAL(segments.groups(), (Octets{120, 120, 10}));
  Line shorter;
  for (uint32_t n : {100, 100, 99, 100, 100, 101, 101}) shorter.add(n);
  CHECK_EQUAL(shorter.groups(), (Octets{3, 2, 2}));
  Line exactly;
  exactly.inner.udp = true;
  for (int i = 0; i < 6; i++) exactly.add(10'917 + (i == 0));  // 28 + 10,918 + 5 × 10,917 = 65,531
  CHECK_EQUAL(exactly.groups(), (Octets{2, 4}));
  Line full;
  full.inner.make_v6();
  full.inner.udp = true;
  for (int i = 0; i < 3; i++) full.add(21'829);  // 48 + 65,487 = 65,535
  CHECK_EQUAL(full.groups(), Octets{3});
  Line over;
  over.inner.make_v6();
  over.inner.udp = true;
  for (int i = 0; i < 3; i++) over.add(21'830);
  CHECK_EQUAL(over.groups(), (Octets{2, 1}));
}

TEST("sequence numbers and IDs wrap in the middle of a superpacket") {
  Line l;
  l.inner.sequence = -250;
  l.inner.id = 0xfffe;
  l.inner.fragment = 0;
  for (int i = 0; i < 5; i++) l.add(100);
  CHECK_EQUAL(l.groups(), Octets{5});
}

TEST("a gap in the IDs counts only where a packet may be fragmented") {
  for (const uint16_t fragment : {0, 0x4000}) {
    Line l;
    l.inner.fragment = fragment;
    l.add(100);
    l.inner.id += 5;
    l.add(100);
    CHECK_EQUAL(l.groups(), fragment ? Octets{2} : (Octets{1, 1}));
  }
}

TEST("a kernel that does not cut UDP gets none") {
  Line l;
  l.tunnel.udp_superpackets = false;
  l.inner.udp = true;
  for (int i = 0; i < 3; i++) l.add(100);
  CHECK_EQUAL(l.groups(), (Octets{1, 1, 1}));
}

TEST("a wrong checksum anywhere in a run stands alone and unchanged") {
  for (int kind = 0; kind < 4; kind++) {
    for (size_t at = 0; at < 160; at++) {
      Line l;
      if (kind & 1) l.inner.make_v6();
      l.inner.udp = kind & 2;
      l.add(100);
      l.inner.payload = Octets(100, 0x55);
      Octets bad = l.inner.build();
      if (at >= bad.size()) break;
      bad[at] ^= 0x10;
      // What may change without a checksum knowing: class, flow label and hop limit of IPv6. And the lengths decide
      // where the packet ends, which is the caller's to know.
      if (kind & 1 ? at < 8 : at < 4) continue;
      l.add(bad);
      l.inner.sequence += 100;
      l.inner.id++;
      l.add(100);
      l.add(100);
      during = "kind " + std::to_string(kind) + " octet " + std::to_string(at);
      l.groups();
      int alone = 0;
      for (const auto& p : l.sink.packets) alone += p.together == 1 && p.octets == bad;
      CHECK_EQUAL(alone, 1);
      CHECK_EQUAL(l.sink.packets.size(), 4u);
    }
  }
}

TEST("a packet that is not merged overtakes nothing of its flow") {
  // Each of these follows two packets that wait; its ports may not even be visible.
  for (int kind = 0; kind < 7; kind++) {
    Line l;
    l.inner.udp = kind >= 3;
    if (kind >= 4) l.inner.make_v6();
    l.add(100);
    l.add(100);
    Inner p = l.inner;
    p.payload = Octets(100, 0x66);
    switch (kind) {
      case 0: p.flags |= 0x01; break;
      case 1: p.fragment = 0x2000; break;
      case 2: p.ip_options = Octets(4, 1); break;
      case 3: p.udp_checksum = false; break;
      default:
        p.extended = true;
        p.extension = kind == 4 ? IPPROTO_FRAGMENT : kind == 5 ? IPPROTO_HOPOPTS : IPPROTO_DSTOPTS;
    }
    l.add(p.build());
    l.inner.sequence += 100;
    l.add(100);
    l.groups();
    during = "kind " + std::to_string(kind);
    CHECK_EQUAL(l.sink.packets.size(), 4u);
    CHECK_EQUAL(normal(l.sink.packets[2].octets), normal(p.build()));
  }
}

TEST("more flows than slots, more packets than places") {
  Choices c(seed());
  Tunnel tunnel;
  tunnel.udp_superpackets = true;
  Recut sink;
  auto coalescer = std::make_unique<Coalescer>(sink);
  std::vector<Octets> memory;
  std::vector<uint32_t> next(3000, 0), seen(3000, 0);
  for (int i = 0; i < 20'000; i++) {
    Inner p;
    p.udp = true;
    const uint32_t flow = c.below(next.size());
    p.source_port = 1000 + flow;
    p.payload = Octets(8);
    put32(p.payload.data(), next[flow]++);
    memory.push_back(p.build());
    coalescer->add(tunnel, memory.back().data(), memory.back().size());
  }
  // A single flow then fills every place.
  for (int i = 0; i < 9000; i++) {
    Inner p;
    p.udp = true;
    p.payload = Octets(8);
    put32(p.payload.data(), next[0]++);
    memory.push_back(p.build());
    coalescer->add(tunnel, memory.back().data(), memory.back().size());
  }
  coalescer->flush();
  CHECK_EQUAL(sink.packets.size(), 29'000u);
  for (const auto& p : sink.packets) CHECK_EQUAL(get32(&p.octets[28]), seen[get16(&p.octets[20]) - 1000]++);
}

TEST("cut again, superpackets are the packets that came") {
  uint64_t packets = 0, writes = 0;
  for (long round = 0; round < rounds(400); round++) {
    during = "seed " + std::to_string(seed()) + " round " + std::to_string(round);
    Choices c(seed() * 1'000'003 + round);
    Flows f(c);
    const uint32_t n = c.between(1, 250), calm = c.between(2, 30);
    for (uint32_t i = 0; i < n; i++) f.next(calm);
    f.hold();
    packets += f.packets.size();
    writes += f.sink.writes;
  }
  // Else the property would hold of a coalescer that merges nothing.
  CHECK(writes < packets / 2);
}
