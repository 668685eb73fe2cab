// What an authentic packet may contain: each refusal is its own counter.
#include "pair.h"

using namespace sekisho;
using namespace sekisho::test;

namespace {

// Delivers one text; which reason it was dropped for, or kCount.
Drop fate(Pair& p, const Octets& text) {
  uint64_t before[kDropCount];
  for (size_t i = 0; i < kDropCount; i++) before[i] = p.tunnel.rx_drops.by[i].read();
  const size_t delivered = p.got.packets.size();
  p.receive(p.seal(text));
  Drop reason = Drop::kCount;
  uint64_t drops = 0;
  for (size_t i = 0; i < kDropCount; i++) {
    const uint64_t n = p.tunnel.rx_drops.by[i].read() - before[i];
    if (n) reason = Drop(i);
    drops += n;
  }
  CHECK_EQUAL(drops + p.got.packets.size() - delivered, 1u);
  return reason;
}

}  // namespace

TEST("trailer, padding, dummy packets and versions, with every suite") {
  Choices c(seed());
  for (const NamedSuite& s : suites()) {
    during = s.name;
    Pair p(s.suite, c.one_in(2), c);
    const Octets v4 = opaque(false, 100, c), v6 = opaque(true, 100, c);
    CHECK(fate(p, text_of(s.suite, v4, 4)) == Drop::kCount);
    CHECK(fate(p, text_of(s.suite, v6, 41)) == Drop::kCount);
    // Padding for traffic flow confidentiality goes unseen (RFC 4303 2.7).
    CHECK(fate(p, text_of(s.suite, v4, 4, 333)) == Drop::kCount);
    CHECK_EQUAL(p.got.packets.back().octets, v4);
    CHECK(fate(p, text_of(s.suite, v4, 59)) == Drop::kDummy);
    CHECK(fate(p, text_of(s.suite, {}, 59)) == Drop::kDummy);
    CHECK(fate(p, text_of(s.suite, {}, 4)) == Drop::kMalformedInner);
    CHECK(fate(p, text_of(s.suite, v4, 41)) == Drop::kMalformedInner);
    CHECK(fate(p, text_of(s.suite, v6, 4)) == Drop::kMalformedInner);
    CHECK(fate(p, text_of(s.suite, v4, 6)) == Drop::kMalformedInner);  // that is for transport mode
    CHECK(fate(p, text_of(s.suite, Octets(v4.begin(), v4.end() - 1), 4)) == Drop::kMalformedInner);
    Octets padding = text_of(s.suite, v4, 4);
    const uint32_t all = padding.size() - 2;
    padding[all] = all;  // nothing but padding
    CHECK(fate(p, padding) == Drop::kMalformedInner);
    padding[all] = all + 1;
    CHECK(fate(p, padding) == Drop::kMalformedEsp);
    padding[all] = 255;
    CHECK(fate(p, padding) == Drop::kMalformedEsp);
    p.tunnel.ipv6 = false;
    CHECK(fate(p, text_of(s.suite, v6, 41)) == Drop::kIpv6Blocked);
    CHECK(fate(p, text_of(s.suite, v4, 4)) == Drop::kCount);
  }
}

TEST("selectors hold the inner packet") {
  Choices c(seed());
  Pair p(suites()[0].suite, false, c);
  p.in->selectors.enforced = true;
  Selector any{4, 0, 0, 65'535, {}, {255, 255, 255, 255}}, net{4, 0, 0, 65'535, {10, 0, 0, 0}, {10, 0, 0, 255}};
  p.in->selectors.local = {net};
  p.in->selectors.remote = {any};
  Inner inner;
  CHECK(fate(p, text_of(p.out->suite, inner.build(), 4)) == Drop::kCount);
  inner.destination = {10, 0, 1, 2};
  CHECK(fate(p, text_of(p.out->suite, inner.build(), 4)) == Drop::kSelectorMismatch);
}

TEST("a hard limit ends an inbound SA behind the packet that reached it") {
  Choices c(seed());
  Pair p(suites()[0].suite, false, c);
  p.in->hard.packets = 2;
  const Octets text = text_of(p.out->suite, opaque(false, 60, c), 4);
  CHECK(fate(p, text) == Drop::kCount);
  CHECK(fate(p, text) == Drop::kCount);
  CHECK(fate(p, text) == Drop::kSaExpired);
}

TEST("the first packet is told once, a peer that moved each time, and only by new packets") {
  Choices c(seed());
  Pair p(suites()[0].suite, false, c);
  p.in->encapsulated = true;
  const Endpoint a{Address::of4(0x01020304), 4500}, b{Address::of6({{{0x20, 1, 0x0d, 0xb8}}}), 4500};
  p.in->remote = a;
  const Octets text = text_of(p.out->suite, opaque(false, 60, c), 4);
  std::vector<Octets> packets;
  for (int i = 0; i < 4; i++) packets.push_back(p.seal(text));
  auto from = [&](int i, Endpoint peer) {
    Octets packet = packets[i];
    p.decapsulator->esp(packet.data(), packet.size(), Outer{{}, peer, true, 0});
    p.decapsulator->finish();
    std::vector<Event::Kind> kinds;
    for (const Event& e : p.events.drain()) kinds.push_back(e.kind);
    return kinds;
  };
  using Kinds = std::vector<Event::Kind>;
  CHECK(from(1, a) == Kinds{Event::Kind::kFirstPacket});
  CHECK(from(0, b) == Kinds{});  // an old packet moves nobody
  CHECK(from(2, b) == Kinds{Event::Kind::kPeerMoved});
  CHECK(p.in->remote.load() == b);
  CHECK(from(3, b) == Kinds{});
  CHECK(from(3, a) == Kinds{});  // replayed
  CHECK(p.in->remote.load() == b);
}

TEST("the MSS is clamped on the way in") {
  Choices c(seed());
  Pair p(suites()[0].suite, false, c);
  p.tunnel.mss4 = 1300;
  Inner syn;
  syn.flags = 0x02;
  syn.options = {2, 4, 5, 180};
  CHECK(fate(p, text_of(p.out->suite, syn.build(), 4)) == Drop::kCount);
  syn.options = {2, 4, 5, 20};
  CHECK_EQUAL(p.got.packets.back().octets, syn.build());
}
