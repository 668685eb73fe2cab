#include "../io/tun.h"

#include <algorithm>
#include <memory>

#include "inner.h"

using namespace sekisho;
using namespace sekisho::test;

namespace {

struct Cut {
  bool ok;
  std::vector<Octets> packets;
};

Cut cut(const VnetHeader& header, const Octets& packet) {
  // Memory of exactly this size: a sanitizer sees what reads behind it.
  std::unique_ptr<uint8_t[]> copy(new uint8_t[packet.size()]);
  memcpy(copy.get(), packet.data(), packet.size());
  Cut out;
  out.ok = split_superpacket(
      header, copy.get(), packet.size(),
      [](void* to, const uint8_t* h, uint32_t n, const uint8_t* payload, uint32_t octets) {
        Octets p(h, h + n);
        if (octets) p.insert(p.end(), payload, payload + octets);
        static_cast<std::vector<Octets>*>(to)->push_back(std::move(p));
      },
      &out.packets);
  return out;
}

VnetHeader header_of(const Inner& p, uint16_t size) {
  VnetHeader h = {};
  h.flags = VnetHeader::kNeedsChecksum;
  h.gso_type = p.udp ? VnetHeader::kGsoUdp : p.v6 ? VnetHeader::kGsoTcp6 : VnetHeader::kGsoTcp4;
  h.gso_size = size;
  h.header_octets = p.headers();
  h.checksum_start = p.ip_octets();
  h.checksum_offset = p.udp ? 6 : 16;
  return h;
}

}  // namespace

TEST("a superpacket is cut into the packets that its sender would have made") {
  for (long round = 0; round < rounds(200); round++) {
    Choices c(seed() * 1'000'003 + round);
    during = "seed " + std::to_string(seed()) + " round " + std::to_string(round);
    Inner p;
    if (c.one_in(2)) p.make_v6();
    p.udp = c.one_in(2);
    p.tos = c.below(256);
    p.id = c.word();
    p.sequence = c.one_in(2) ? -c.below(5000) : c.word();
    p.acknowledged = c.word();
    p.options = c.filler(4 * c.below(11));
    p.flags = c.below(256) & ~0x02;
    if (!p.v6) p.ip_options = c.filler(4 * c.below(11));
    else if (c.one_in(3)) p.extended = true, p.extension = IPPROTO_DSTOPTS;
    const uint32_t size = c.one_in(4) ? c.between(1, 20) : c.between(21, 9000);
    const uint32_t most = 65'535 - p.headers();
    const Octets payload = c.filler(std::min(most, c.one_in(3) ? size * c.between(1, 5) : c.between(1, 65'535)));
    const uint8_t flags = p.flags;
    p.payload = payload;
    VnetHeader h = header_of(p, size);
    if (!p.udp && c.one_in(2)) h.gso_type |= VnetHeader::kGsoEcn;
    const Cut got = cut(h, p.build(true));
    CHECK(got.ok);
    CHECK_EQUAL(got.packets.size(), (payload.size() + size - 1) / size);
    for (size_t i = 0; i < got.packets.size(); i++) {
      const auto from = payload.begin() + i * size;
      p.payload.assign(from, from + std::min<size_t>(size, payload.end() - from));
      const bool last = i + 1 == got.packets.size();
      // FIN and PSH stand on the last, CWR on the first (RFC 3168 6.1.2).
      p.flags = flags & ~(last ? 0 : 0x09) & ~(i ? 0x80 : 0);
      CHECK_EQUAL(got.packets[i], p.build());
      p.sequence += p.payload.size();
      p.id++;
    }
  }
}

TEST("a plain packet's partial checksum is completed, a UDP sum of zero is sent as 0xffff") {
  for (long round = 0; round < rounds(300); round++) {
    Choices c(seed() * 1'000'003 + round);
    during = "round " + std::to_string(round);
    Inner p;
    if (c.one_in(2)) p.make_v6();
    p.udp = c.one_in(2);
    p.payload = c.filler(c.between(2, 1500));
    if (c.one_in(2)) {  // make the sum zero
      put16(&p.payload[0], 0);
      const uint32_t at = p.ip_octets() + (p.udp ? 6 : 16);
      Octets b = p.build();
      if (!(p.udp && get16(&b[at]) == 0xffff)) put16(&p.payload[0], get16(&b[at]));
      b = p.build();
      CHECK_EQUAL(get16(&b[at]), p.udp ? 0xffff : 0);
    }
    VnetHeader h = header_of(p, 0);
    h.gso_type = VnetHeader::kGsoNone;
    const Cut got = cut(h, p.build(true));
    CHECK(got.ok);
    CHECK_EQUAL(got.packets.size(), 1u);
    CHECK_EQUAL(got.packets[0], p.build());
    const Cut whole = cut(VnetHeader{}, p.build());
    CHECK(whole.ok && whole.packets.size() == 1 && whole.packets[0] == p.build());
  }
}

TEST("UDP segments whose sum is zero are sent as 0xffff, TCP's as zero") {
  for (const bool udp : {false, true}) {
    Inner p;
    p.udp = udp;
    p.payload = Octets(100, 3);
    const uint32_t at = p.ip_octets() + (udp ? 6 : 16);
    put16(&p.payload[0], 0);
    const Octets first = p.build();
    put16(&p.payload[0], get16(&first[at]));
    const Octets expected = p.build();
    p.payload.resize(150, 3);
    const Cut got = cut(header_of(p, 100), p.build(true));
    CHECK_EQUAL(got.packets.size(), 2u);
    CHECK_EQUAL(get16(&expected[at]), udp ? 0xffff : 0);
    CHECK_EQUAL(got.packets[0], expected);
  }
}

TEST("headers that do not fit the packet are refused, and nothing is emitted") {
  struct Row {
    const char* what;
    void (*spoil)(VnetHeader&, Octets&);
  };
  const Row table[] = {
      {"a segment size of zero", [](VnetHeader& h, Octets&) { h.gso_size = 0; }},
      {"no partial checksum", [](VnetHeader& h, Octets&) { h.flags = 0; }},
      {"a checksum inside the IP header", [](VnetHeader& h, Octets&) { h.checksum_start = 19; }},
      {"a checksum at the packet's end", [](VnetHeader& h, Octets& p) { h.checksum_start = p.size() - 19; }},
      {"a checksum behind the packet", [](VnetHeader& h, Octets&) { h.checksum_start = 65'535; }},
      {"IPv6 segments of IPv4", [](VnetHeader& h, Octets&) { h.gso_type = VnetHeader::kGsoTcp6; }},
      {"an unknown kind", [](VnetHeader& h, Octets&) { h.gso_type = 3; }},
      {"a TCP header of four words", [](VnetHeader&, Octets& p) { p[32] = 0x40; }},
      {"a TCP header behind the packet", [](VnetHeader&, Octets& p) { put16(&p[2], 41), p[32] = 0xf0; }},
      {"no payload", [](VnetHeader&, Octets& p) { put16(&p[2], 40); }},
      {"no IP version", [](VnetHeader&, Octets& p) { p[0] = 0x55; }},
      {"an IP header of four words", [](VnetHeader&, Octets& p) { p[0] = 0x44; }},
      {"an IP length behind the packet", [](VnetHeader&, Octets& p) { put16(&p[2], p.size() + 1); }},
      {"an IP length before its header", [](VnetHeader&, Octets& p) { put16(&p[2], 19); }},
      {"nothing", [](VnetHeader&, Octets& p) { p.resize(1); }},
      {"a plain packet's checksum inside the IP header",
       [](VnetHeader& h, Octets&) { h.gso_type = 0, h.checksum_start = 2, h.checksum_offset = 0; }},
      {"a plain packet's checksum behind it",
       [](VnetHeader& h, Octets& p) { h.gso_type = 0, h.checksum_start = p.size() - 17; }},
      {"a plain packet's checksum far behind it",
       [](VnetHeader& h, Octets&) { h.gso_type = 0, h.checksum_start = 65'535, h.checksum_offset = 65'535; }},
  };
  for (const Row& r : table) {
    during = r.what;
    Inner p;
    p.payload = Octets(500, 1);
    VnetHeader h = header_of(p, 100);
    Octets packet = p.build(true);
    CHECK(cut(h, packet).ok);
    r.spoil(h, packet);
    const Cut got = cut(h, packet);
    CHECK(!got.ok);
    CHECK(got.packets.empty());
  }
}

TEST("hostile headers and packets stay within their memory") {
  uint64_t cut_up = 0;
  for (long round = 0; round < rounds(20'000); round++) {
    Choices c(seed() * 1'000'003 + round);
    during = "seed " + std::to_string(seed()) + " round " + std::to_string(round);
    Inner p;
    if (c.one_in(2)) p.make_v6();
    p.udp = c.one_in(2);
    p.options = c.filler(4 * c.below(11));
    p.payload = c.filler(c.below(300));
    VnetHeader h = header_of(p, c.between(1, 100));
    Octets packet = p.build(true);
    for (uint32_t n = c.below(4); n; n--) packet[c.below(c.one_in(2) ? packet.size() : p.headers())] = c.below(256);
    uint8_t raw[sizeof h];
    memcpy(raw, &h, sizeof h);
    for (uint32_t n = c.below(3); n; n--) raw[c.below(sizeof raw)] = c.below(256);
    memcpy(&h, raw, sizeof h);
    packet.resize(c.one_in(3) ? c.between(1, packet.size()) : packet.size());
    const Cut got = cut(h, packet);
    CHECK_EQUAL(got.ok, !got.packets.empty());
    for (const Octets& o : got.packets) CHECK(o.size() <= packet.size());
    cut_up += got.packets.size() > 1;
  }
  CHECK(cut_up > 100);
}
