#include "pair.h"

using namespace sekisho;
using namespace sekisho::test;

TEST("what goes in comes out, with every suite, ESN on and off, IPv4 and IPv6, any size") {
  for (const NamedSuite& s : suites()) {
    for (const bool esn : {false, true}) {
      during = s.name + (esn ? " with ESN" : "");
      Choices c(seed() * 1000 + esn);
      Pair p(s.suite, esn, c);
      if (esn) {
        p.out->sequence = 0xffff'ffa0;  // the batch crosses 2^32
        bool newest;
        p.in->replay.mark(p.out->sequence, &newest);
      }
      std::vector<Octets> all;
      for (int i = 0; i < 300; i++) {
        const bool v6 = c.one_in(2);
        Octets packet = opaque(v6, c.one_in(20) ? c.between(1500, 9000) : c.between(v6 ? 40 : 20, 1500), c);
        all.push_back(packet);
        p.encapsulator->add(p.tunnel, VnetHeader{}, packet.data(), packet.size());
        if (c.one_in(40)) p.encapsulator->flush();
      }
      p.encapsulator->flush();
      CHECK_EQUAL(p.sent.packets.size(), all.size());
      for (auto& e : p.sent.packets) {
        p.decapsulator->esp(e.octets.data(), e.octets.size(), Outer{});
        if (c.one_in(50)) p.decapsulator->finish();
      }
      p.decapsulator->finish();
      CHECK_EQUAL(p.dropped(), 0u);
      CHECK_EQUAL(p.got.packets.size(), all.size());
      uint64_t octets = 0;
      for (size_t i = 0; i < all.size(); i++) {
        CHECK_EQUAL(p.got.packets[i].octets, all[i]);
        octets += all[i].size();
      }
      CHECK_EQUAL(p.out->packets.read(), all.size());
      CHECK_EQUAL(p.in->packets.read(), all.size());
      CHECK_EQUAL(p.out->octets.read(), octets);
      CHECK_EQUAL(p.in->octets.read(), octets);
      CHECK_EQUAL(p.tunnel.tx_octets.read(), octets);
      CHECK_EQUAL(p.tunnel.rx_octets.read(), octets);
    }
  }
}

TEST("a superpacket crosses the tunnel as its packets") {
  Choices c(seed());
  for (const NamedSuite& s : suites()) {
    during = s.name;
    Pair p(s.suite, false, c);
    p.tunnel.udp_superpackets = true;
    for (int kind = 0; kind < 4; kind++) {
      Inner inner;
      if (kind & 1) inner.make_v6();
      inner.udp = kind & 2;
      inner.sequence = c.word();
      const Octets payload = c.filler(c.between(2000, 60'000));
      inner.payload = payload;
      Octets whole = inner.build(true);
      VnetHeader h = {};
      h.flags = VnetHeader::kNeedsChecksum;
      h.gso_type = kind & 2 ? VnetHeader::kGsoUdp : kind & 1 ? VnetHeader::kGsoTcp6 : VnetHeader::kGsoTcp4;
      h.gso_size = c.between(500, 1400);
      h.header_octets = inner.headers();
      h.checksum_start = inner.ip_octets();
      h.checksum_offset = kind & 2 ? 6 : 16;
      p.encapsulator->add(p.tunnel, h, whole.data(), whole.size());
      p.encapsulator->flush();
      for (auto& e : p.sent.packets) p.decapsulator->esp(e.octets.data(), e.octets.size(), Outer{});
      p.decapsulator->finish();
      size_t at = 0;
      for (const auto& g : p.got.packets) {
        inner.payload.assign(payload.begin() + at, payload.begin() + std::min(payload.size(), at + h.gso_size));
        CHECK_EQUAL(g.octets, inner.build());
        inner.sequence += inner.payload.size();
        inner.id++;
        at += inner.payload.size();
      }
      CHECK_EQUAL(at, payload.size());
      CHECK_EQUAL(p.dropped(), 0u);
      p.got.packets.clear();
      p.sent.packets.clear();
    }
  }
}

TEST("a bit that flips anywhere in a packet, or an octet less or more: dropped and counted") {
  for (const NamedSuite& s : suites()) {
    for (const bool esn : {false, true}) {
      Choices c(seed());
      Pair p(s.suite, esn, c);
      p.out->sequence = 100;
      bool newest;
      p.in->replay.mark(100, &newest);
      p.send(opaque(false, 61, c));
      const Octets good = p.sent.packets[0].octets;
      uint64_t bad = 0;
      auto refuse = [&](const Octets& packet) {
        p.receive(packet);
        CHECK_EQUAL(p.dropped(), ++bad);
        CHECK(p.got.packets.empty());
      };
      for (size_t bit = 0; bit < good.size() * 8; bit++) {
        during = s.name + (esn ? " with ESN" : "") + " bit " + std::to_string(bit);
        Octets packet = good;
        packet[bit / 8] ^= 1 << bit % 8;
        refuse(packet);
      }
      CHECK_EQUAL(count(p.drops, Drop::kUnknownSpi), 32u);
      for (size_t n = 0; n < good.size(); n++) {
        during = s.name + " cut to " + std::to_string(n);
        refuse(Octets(good.begin(), good.begin() + n));
      }
      for (size_t n = 1; n <= 32; n++) {
        during = s.name + " longer by " + std::to_string(n);
        Octets packet = good;
        packet.resize(good.size() + n);
        refuse(packet);
      }
      // None of them moved the window or spoiled the SA.
      CHECK_EQUAL(p.in->packets.read(), 0u);
      p.receive(good);
      CHECK_EQUAL(p.got.packets.size(), 1u);
      p.receive(good);
      CHECK_EQUAL(count(p.tunnel.rx_drops, Drop::kReplayed), bad + 1 - count(p.drops, Drop::kUnknownSpi) -
                                                                 count(p.drops, Drop::kMalformedEsp) -
                                                                 count(p.tunnel.rx_drops, Drop::kMalformedEsp) -
                                                                 count(p.tunnel.rx_drops, Drop::kAuthenticationFailed));
      CHECK_EQUAL(p.got.packets.size(), 1u);
    }
  }
}

TEST("a packet twice in one batch is delivered once") {
  Choices c(seed());
  Pair p(suites()[0].suite, false, c);
  p.send(opaque(false, 100, c));
  Octets a = p.sent.packets[0].octets, b = a;
  p.decapsulator->esp(a.data(), a.size(), Outer{});
  p.decapsulator->esp(b.data(), b.size(), Outer{});
  p.decapsulator->finish();
  CHECK_EQUAL(p.got.packets.size(), 1u);
  CHECK_EQUAL(count(p.tunnel.rx_drops, Drop::kReplayed), 1u);
}

namespace {

// Many SAs of every suite, one sender and one receiver.
struct Many {
  explicit Many(size_t n, Choices& c) : tunnels(n) {
    for (size_t i = 0; i < n; i++) {
      const Suite& suite = suites()[c.below(suites().size())].suite;
      const Keys keys(suite, c.one_in(2), c);
      const uint32_t spi = 0x5000'0000 + i;
      in.push_back(inbound(spi, suite, keys, tunnels[i]));
      out.push_back(outbound(spi, suite, keys, tunnels[i]));
      tunnels[i].outbound = out.back().get();
      table.replace(spi, in.back().get());
    }
  }
  // Sends over the SAs named, receives everything in one batch; true when all arrived in that order.
  void carry(const std::vector<uint32_t>& order, Choices& c) {
    std::vector<Octets> all;
    sent.packets.clear();
    got.packets.clear();
    for (const uint32_t i : order) {
      Octets packet = opaque(c.one_in(2), c.between(40, 300), c);
      all.push_back(packet);
      encapsulator->add(tunnels[i], VnetHeader{}, packet.data(), packet.size());
    }
    encapsulator->flush();
    CHECK_EQUAL(sent.packets.size(), order.size());
    for (auto& e : sent.packets) decapsulator->esp(e.octets.data(), e.octets.size(), Outer{});
    decapsulator->finish();
    for (const Tunnel& t : tunnels) CHECK_EQUAL(total(t.rx_drops) + total(t.tx_drops), 0u);
    CHECK_EQUAL(got.packets.size(), order.size());
    for (size_t i = 0; i < order.size(); i++) {
      CHECK(got.packets[i].tunnel == &tunnels[order[i]]);
      CHECK_EQUAL(got.packets[i].octets, all[i]);
    }
  }

  std::vector<Tunnel> tunnels;
  Events events{[] {}};
  SaTable table;
  DropCounters drops;
  Sent sent;
  Recut got;
  std::vector<std::unique_ptr<InboundSa>> in;
  std::vector<std::unique_ptr<OutboundSa>> out;
  std::unique_ptr<Encapsulator> encapsulator = std::make_unique<Encapsulator>(events, sent);
  std::unique_ptr<Decapsulator> decapsulator = std::make_unique<Decapsulator>(table, events, drops, got);
};

}  // namespace

TEST("batches of two and three SAs, every order of up to six packets") {
  Choices c(seed());
  Many m(3, c);
  for (uint32_t n = 1; n <= 6; n++) {
    uint32_t all = 1;
    for (uint32_t i = 0; i < n; i++) all *= 3;
    for (uint32_t k = 0; k < all; k++) {
      std::vector<uint32_t> order;
      during = "order";
      for (uint32_t i = 0, left = k; i < n; i++, left /= 3) {
        order.push_back(left % 3);
        during += ' ' + std::to_string(left % 3);
      }
      m.carry(order, c);
    }
  }
}

TEST("SA batches interleaved over several SAs keep the order of arrival") {
  Choices c(seed());
  Many m(40, c);
  for (long round = 0; round < rounds(30); round++) {
    during = "seed " + std::to_string(seed()) + " round " + std::to_string(round);
    std::vector<uint32_t> order;
    // 5,000: more than one batch holds.
    const uint32_t n = round == 0 ? 5000 : c.between(1, 800), sas = c.between(1, 40);
    for (uint32_t i = 0, sa = 0; i < n; i++) {
      if (!c.one_in(3)) sa = c.below(sas);
      order.push_back(sa);
    }
    m.carry(order, c);
  }
}

TEST("without ESN the last number is 2^32 - 1") {
  Choices c(seed());
  Pair p(suites()[0].suite, false, c);
  p.out->sequence = UINT32_MAX - 2;
  for (int i = 0; i < 5; i++) p.send(opaque(false, 40, c));
  CHECK_EQUAL(p.sent.packets.size(), 2u);
  CHECK_EQUAL(count(p.tunnel.tx_drops, Drop::kSaExpired), 3u);
}

TEST("limits are said once, and a hard one ends the SA") {
  Choices c(seed());
  Pair p(suites()[0].suite, false, c);
  p.out->soft.packets = 3;
  p.out->hard.octets = 500;
  for (int i = 0; i < 10; i++) p.send(opaque(false, 100, c));
  CHECK_EQUAL(p.sent.packets.size(), 5u);
  CHECK_EQUAL(count(p.tunnel.tx_drops, Drop::kSaExpired), 5u);
  const auto events = p.events.drain();
  CHECK_EQUAL(events.size(), 2u);
  CHECK(!events[0].hard && events[0].cause == Cause::kPackets && events[1].hard && events[1].cause == Cause::kOctets);
}

TEST("without an SA one packet asks for it, and all are counted") {
  Choices c(seed());
  Pair p(suites()[0].suite, false, c);
  p.tunnel.outbound = nullptr;
  for (int i = 0; i < 3; i++) p.send(opaque(false, 100, c));
  CHECK_EQUAL(count(p.tunnel.tx_drops, Drop::kNoOutboundSa), 3u);
  const auto events = p.events.drain();
  CHECK_EQUAL(events.size(), 1u);
  CHECK(events[0].kind == Event::Kind::kAcquire && events[0].tunnel == "ipsec0");
}

TEST("what a kernel did not seal does not leave, and is counted") {
  struct Refusing : Cipher {
    explicit Refusing(size_t most_) : most(most_) {}
    size_t batch() const override { return most; }
    void seal(Job* jobs, size_t n) override {
      CHECK(n >= 1 && n <= most);
      for (size_t i = 0; i < n; i++) jobs[i].ok = get32(jobs[i].esp + 4) % 3 != 2;
    }
    void open(Job*, size_t) override {}
    const size_t most;
  };
  for (const size_t batch : {size_t(1), size_t(3), kMaxBatch}) {
    Choices c(seed());
    Pair p(suites()[0].suite, false, c);
    p.out->cipher = std::make_unique<Refusing>(batch);
    for (int i = 0; i < 8; i++) {
      Octets packet = opaque(false, 100, c);
      p.encapsulator->add(p.tunnel, VnetHeader{}, packet.data(), packet.size());
    }
    p.encapsulator->flush();
    std::vector<uint32_t> numbers;
    for (const auto& s : p.sent.packets) numbers.push_back(get32(&s.octets[4]));
    CHECK(numbers == (std::vector<uint32_t>{1, 3, 4, 6, 7}));
    CHECK_EQUAL(count(p.tunnel.tx_drops, Drop::kSendFailed), 3u);
  }
}

TEST("IPv6 packets that every link must carry may be cut on a path that is too narrow (RFC 8200 5, RFC 4213 3.2.2)") {
  struct Row {
    bool v6;
    uint32_t octets;
    bool outer_df;
  };
  const Row table[] = {
      {true, 1000, true}, {true, 1200, true}, {true, 1201, false}, {true, 1280, false}, {true, 1281, true}, {false, 1280, true},
  };
  Choices c(seed());
  Pair p(suites()[0].suite, false, c);
  p.tunnel.mtu = 1200;
  for (size_t i = 0; i < std::size(table); i++) {
    during = "row " + std::to_string(i);
    Octets packet = opaque(table[i].v6, table[i].octets, c);
    CHECK_EQUAL(packet.size(), table[i].octets);
    p.encapsulator->add(p.tunnel, VnetHeader{}, packet.data(), packet.size());
    p.encapsulator->flush();
    CHECK_EQUAL(p.sent.packets.back().dont_fragment, table[i].outer_df);
  }
}

TEST("outer ToS and DF follow the tunnel (RFC 4301 8.1, RFC 6040 4.1)") {
  struct Row {
    bool v6;
    uint8_t inner_tos;
    bool inner_df;
    int tos;
    bool ecn;
    DontFragment df;
    uint8_t outer_tos;
    bool outer_df;
  };
  const Row table[] = {
      {false, 0xb9, true, 0, false, DontFragment::kCopy, 0x00, true},
      {false, 0xb9, false, 0, true, DontFragment::kCopy, 0x01, false},
      {false, 0xb9, false, -1, true, DontFragment::kSet, 0xb9, true},
      {false, 0xb9, true, -1, false, DontFragment::kClear, 0xb8, false},
      {true, 0xb9, false, -1, true, DontFragment::kCopy, 0xb9, true},
      {true, 0x03, false, 0x28, true, DontFragment::kClear, 0x2b, false},
      {true, 0x03, false, 0x2b, false, DontFragment::kSet, 0x28, true},
  };
  Choices c(seed());
  Pair p(suites()[0].suite, false, c);
  for (size_t i = 0; i < std::size(table); i++) {
    const Row& r = table[i];
    during = "row " + std::to_string(i);
    p.tunnel.tos = r.tos;
    p.tunnel.df = r.df;
    p.out->ecn = r.ecn;
    Inner inner;
    if (r.v6) inner.make_v6();
    inner.tos = r.inner_tos;
    inner.fragment = r.inner_df ? 0x4000 : 0;
    p.send(inner.build());
    CHECK_EQUAL(p.sent.packets.back().tos, r.outer_tos);
    CHECK_EQUAL(p.sent.packets.back().dont_fragment, r.outer_df);
  }
}
