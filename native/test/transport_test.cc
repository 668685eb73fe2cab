// Transport mode (RFC 4303 3.1.1), and the choice among several SAs of one tunnel.
#include "../path/transport.h"

#include "pair.h"

using namespace sekisho;
using namespace sekisho::test;

namespace {

Address address_of(const Octets& octets) {
  Address a;
  memcpy(&a.octets[16 - octets.size()], octets.data(), octets.size());
  return a;
}

void make_transport(Pair& p) { p.in->transport = p.out->transport = true; }

// What was sent comes to the other side, from `source` to `destination`.
void carry(Pair& p, const Octets& source, const Octets& destination, uint8_t tos = 0) {
  for (const Sent::Packet& sent : p.sent.packets) {
    Octets exact(sent.octets);
    const Outer outer{{address_of(destination), 0}, {address_of(source), 0}, p.in->encapsulated, tos};
    p.decapsulator->esp(exact.data(), exact.size(), outer);
    p.decapsulator->finish();
  }
  p.sent.packets.clear();
}

Selector range(Octets first, Octets last, uint8_t protocol = 0, uint16_t first_port = 0, uint16_t last_port = 65'535) {
  Selector s{uint8_t(first.size() == 4 ? 4 : 6), protocol, first_port, last_port, {}, {}};
  memcpy(s.first, first.data(), first.size());
  memcpy(s.last, last.data(), last.size());
  return s;
}

}  // namespace

TEST("a packet without its header in ESP is the same packet with the outer one") {
  Choices c(seed());
  for (const NamedSuite& s : suites()) {
    for (const bool v6 : {false, true}) {
      for (const uint32_t payload : {0u, 1u, 7u, 100u, 1'399u}) {
        during = s.name + " " + std::to_string(payload);
        Pair p(s.suite, c.one_in(2), c);
        make_transport(p);
        Inner inner;
        if (v6) inner.make_v6();
        inner.udp = true;
        inner.payload = c.filler(payload);
        const Octets packet = inner.build();
        p.send(packet);
        CHECK_EQUAL(p.sent.packets.size(), 1u);
        // As short as RFC 4303 makes it: the transport header and its payload, nothing of the IP header.
        const uint32_t carried = packet.size() - inner.ip_octets();
        const uint32_t padding = -(carried + 2) & (s.suite.block - 1);
        CHECK_EQUAL(p.sent.packets[0].octets.size(), kEspHeader + s.suite.iv + carried + padding + 2 + s.suite.icv);
        carry(p, inner.source, inner.destination);
        CHECK_EQUAL(p.got.packets.size(), 1u);
        CHECK_EQUAL(p.got.packets[0].octets, packet);
      }
    }
  }
}

TEST("packets of transport mode are merged again, many in a turn") {
  Choices c(seed());
  Pair p(suites()[0].suite, false, c);
  make_transport(p);
  std::vector<Octets> sent;
  for (uint32_t i = 0; i < 300; i++) {
    Inner inner;
    inner.sequence = 1 + i * 1'200;
    inner.payload = c.filler(1'200);
    sent.push_back(inner.build());
    p.send(sent.back());
  }
  std::vector<Octets> wire;
  for (const Sent::Packet& s : p.sent.packets) wire.push_back(s.octets);
  for (Octets& w : wire) {
    const Outer outer{{address_of({10, 0, 0, 2}), 0}, {address_of({10, 0, 0, 1}), 0}, false, 0};
    p.decapsulator->esp(w.data(), w.size(), outer);
  }
  p.decapsulator->finish();
  CHECK_EQUAL(p.got.packets.size(), sent.size());
  // But for the numbers that cutting gives, which mean nothing in atomic datagrams (RFC 6864 4.1).
  const auto carried = [](const Octets& packet) { return Octets(packet.begin() + 20, packet.end()); };
  for (size_t i = 0; i < sent.size(); i++) CHECK_EQUAL(carried(p.got.packets[i].octets), carried(sent[i]));
}

TEST("behind a NAT the checksums fit the addresses that the packet came with (RFC 3948 3.1.2)") {
  Choices c(seed());
  for (const bool udp : {false, true}) {
    Pair p(suites()[0].suite, false, c);
    make_transport(p);
    p.in->encapsulated = p.out->encapsulated = true;
    Inner inner;
    inner.udp = udp;
    inner.payload = c.filler(99);
    p.send(inner.build());
    Inner seen = inner;
    seen.source = {203, 0, 113, 9};
    carry(p, seen.source, seen.destination);
    CHECK_EQUAL(p.got.packets.at(0).octets, seen.build());
    // No checksum stays none.
    if (udp) {
      inner.udp_checksum = seen.udp_checksum = false;
      p.send(inner.build());
      carry(p, seen.source, seen.destination);
      CHECK_EQUAL(p.got.packets.at(1).octets, seen.build());
    }
  }
}

TEST("transport mode carries whole datagrams only, and none that is too long") {
  Choices c(seed());
  Pair p(suites()[0].suite, false, c);
  make_transport(p);
  Inner inner;
  inner.udp = true;
  inner.payload = c.filler(64);
  inner.fragment = 0x2000;  // more of them
  p.send(inner.build());
  inner.fragment = 0x0003;
  p.send(inner.build());
  CHECK_EQUAL(count(p.tunnel.tx_drops, Drop::kFragment), 2u);
  CHECK(p.sent.packets.empty());
  std::vector<uint8_t> packet(70'000), payload(65'530);
  const Network v4{address_of({10, 0, 0, 1}), address_of({10, 0, 0, 2}), 0};
  CHECK(!restore_packet(packet.data(), v4, payload.data(), 65'516, IPPROTO_UDP, true));
  CHECK(restore_packet(packet.data(), v4, payload.data(), 65'515, IPPROTO_UDP, true));
}

TEST("inbound selectors hold in transport mode, and congestion is carried in") {
  Choices c(seed());
  Pair p(suites()[0].suite, false, c);
  make_transport(p);
  const Octets us = {10, 0, 0, 2}, peer = {10, 0, 0, 1};
  p.in->selectors = {true, {range(us, us, IPPROTO_UDP, 2000, 2000)}, {range(peer, peer, IPPROTO_UDP)}};
  Inner inner;
  inner.udp = true;
  inner.payload = c.filler(10);
  p.send(inner.build());
  carry(p, inner.source, inner.destination, 3);
  CHECK_EQUAL(p.got.packets.size(), 1u);
  CHECK_EQUAL(p.got.packets[0].octets[1] & 3, 3);
  inner.destination_port = 2001;
  p.send(inner.build());
  carry(p, inner.source, inner.destination);
  CHECK_EQUAL(count(p.tunnel.rx_drops, Drop::kSelectorMismatch), 1u);
}

TEST("among several SAs a packet leaves on the newest whose selectors name it") {
  Choices c(seed());
  const Suite suite = suites()[0].suite;
  Pair p(suite, false, c);
  const Octets zero = {0, 0, 0, 0}, all = {255, 255, 255, 255};
  auto second = outbound(0x2222'0001, suite, p.keys, p.tunnel), third = outbound(0x3333'0001, suite, p.keys, p.tunnel);
  auto only = [&](OutboundSa& sa, Octets first, Octets last) {
    sa.selectors = {true, {range(zero, all)}, {range(first, last)}};
  };
  only(*p.out, {10, 1, 0, 0}, {10, 1, 255, 255});
  only(*second, {10, 2, 0, 0}, {10, 2, 255, 255});
  only(*third, {10, 2, 3, 0}, {10, 2, 3, 255});
  third->older = second.get();
  second->older = p.out.get();
  p.tunnel.outbound = third.get();
  auto spi = [&](Octets destination) -> uint32_t {
    Inner inner;
    inner.destination = destination;
    p.sent.packets.clear();
    p.send(inner.build());
    return p.sent.packets.empty() ? 0 : p.sent.packets[0].sa->spi;
  };
  CHECK_EQUAL(spi({10, 1, 0, 9}), p.out->spi);
  CHECK_EQUAL(spi({10, 2, 0, 9}), second->spi);
  CHECK_EQUAL(spi({10, 2, 3, 9}), third->spi);
  CHECK_EQUAL(spi({10, 3, 0, 9}), 0u);
  CHECK_EQUAL(count(p.tunnel.tx_drops, Drop::kNoMatchingSa), 1u);
  // SEIL's proxy-ids say nothing about what is sent.
  second->loose = true;
  CHECK_EQUAL(spi({10, 3, 0, 9}), second->spi);
}
