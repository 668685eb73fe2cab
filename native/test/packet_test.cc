#include "../path/packet.h"

#include <memory>

#include "inner.h"

using namespace sekisho;
using namespace sekisho::test;

TEST("checksums agree with the naive sum at any length and alignment") {
  for (long round = 0; round < rounds(1000); round++) {
    Choices c(seed() * 1'000'003 + round);
    const uint32_t offset = c.below(16), octets = round < 300 ? round : c.below(65'536);
    during = "offset " + std::to_string(offset) + " octets " + std::to_string(octets);
    Octets data = c.one_in(4) ? Octets(offset + octets, 0xff) : c.filler(offset + octets);
    const uint8_t* at = data.data() + offset;
    CHECK_EQUAL(checksum_finish(checksum_sum(at, octets)), naive_finish(naive_sum(at, octets)));
    // A sum goes on where another stopped at an even octet.
    const uint32_t part = c.below(octets / 2 + 1) * 2;
    CHECK_EQUAL(checksum_finish(checksum_sum(at + part, octets - part, checksum_sum(at, part))),
                naive_finish(naive_sum(at, octets)));
  }
}

TEST("a packet's own length") {
  Octets v4(30, 0), v6(60, 0);
  v4[0] = 0x45;
  v6[0] = 0x60;
  auto of = [](Octets p, uint16_t length, size_t octets) {
    put16(&p[p[0] >> 4 == 4 ? 2 : 4], length);
    std::unique_ptr<uint8_t[]> exact(new uint8_t[octets]);
    memcpy(exact.get(), p.data(), octets);
    return inner_length(exact.get(), octets);
  };
  CHECK_EQUAL(of(v4, 20, 20), 20u);
  CHECK_EQUAL(of(v4, 25, 30), 25u);
  CHECK_EQUAL(of(v4, 31, 30), 0u);
  CHECK_EQUAL(of(v4, 19, 30), 0u);
  CHECK_EQUAL(of(v4, 0, 30), 0u);
  CHECK_EQUAL(of(v4, 20, 19), 0u);
  CHECK_EQUAL(of(v4, 20, 1), 0u);
  CHECK_EQUAL(of(v6, 0, 40), 40u);
  CHECK_EQUAL(of(v6, 20, 60), 60u);
  CHECK_EQUAL(of(v6, 21, 60), 0u);
  CHECK_EQUAL(of(v6, 65'535, 60), 0u);
  CHECK_EQUAL(of(v6, 0, 39), 0u);
  v4[0] = 0x44;
  CHECK_EQUAL(of(v4, 30, 30), 0u);
  v4[0] = 0x46;
  CHECK_EQUAL(of(v4, 23, 30), 0u);
  CHECK_EQUAL(of(v4, 24, 30), 24u);
  v4[0] = 0x55;
  CHECK_EQUAL(of(v4, 30, 30), 0u);
  CHECK_EQUAL(inner_length(v4.data(), 0), 0u);
}

TEST("where the transport header is") {
  Inner p;
  uint8_t protocol = 0;
  auto of = [&](const Octets& b) { return transport_offset(b.data(), b.size(), &protocol); };
  CHECK_EQUAL(of(p.build()), 20u);
  CHECK_EQUAL(protocol, IPPROTO_TCP);
  p.ip_options = Octets(40, 1);
  CHECK_EQUAL(of(p.build()), 60u);
  for (const uint16_t fragment : {0x2000, 0x0001, 0x1fff, 0x6000}) {
    p.fragment = fragment;
    CHECK_EQUAL(of(p.build()), 0u);
  }
  for (const uint16_t fragment : {0x0000, 0x8000, 0xc000}) {
    p.fragment = fragment;
    CHECK_EQUAL(of(p.build()), 60u);
  }
  Octets cut = p.build();
  cut.resize(59);
  CHECK_EQUAL(of(cut), 0u);
  Inner six;
  six.make_v6();
  six.udp = true;
  CHECK_EQUAL(of(six.build()), 40u);
  CHECK_EQUAL(protocol, IPPROTO_UDP);
  cut = six.build();
  cut.resize(39);
  CHECK_EQUAL(of(cut), 0u);
}

namespace {

// Clamps within memory of exactly the packet's size.
Octets clamped(const Octets& packet, uint16_t mss4, uint16_t mss6, bool partial) {
  std::unique_ptr<uint8_t[]> copy(new uint8_t[packet.size()]);
  memcpy(copy.get(), packet.data(), packet.size());
  clamp_mss(copy.get(), packet.size(), mss4, mss6, partial);
  return {copy.get(), copy.get() + packet.size()};
}

}  // namespace

TEST("the MSS is lowered at any offset, and the checksum is the one that its sender would have made") {
  for (long round = 0; round < rounds(2000); round++) {
    Choices c(seed() * 1'000'003 + round);
    during = "seed " + std::to_string(seed()) + " round " + std::to_string(round);
    Inner p;
    const bool v6 = c.one_in(2);
    if (v6) p.make_v6();
    else p.ip_options = Octets(4 * c.below(5), 1);
    p.flags = c.one_in(4) ? 0x10 : c.one_in(2) ? 0x02 : 0x12;
    p.sequence = c.word();
    p.payload = c.filler(c.below(9));
    const uint32_t nops = c.below(8);  // odd and even offsets
    p.options = Octets(nops, 1);
    if (c.one_in(2)) p.options.insert(p.options.end(), {8, 10, 1, 2, 3, 4, 5, 6, 7, 8});
    const size_t at = p.options.size();
    p.options.insert(p.options.end(), {2, 4, 0, 0});
    p.options.resize((p.options.size() + 3) & ~3u);
    const uint16_t mss = c.below(65'536), own = c.below(65'536);
    put16(&p.options[at + 2], own);
    const bool partial = c.one_in(3), swapped = c.one_in(5);  // the other family's value is nothing to this packet
    const Octets before = p.build(partial);
    const Octets after = clamped(before, v6 == swapped ? mss : 0, v6 == swapped ? 0 : mss, partial);
    const uint16_t effective = swapped ? 0 : mss;
    if ((p.flags & 2) && effective && own > effective) put16(&p.options[at + 2], effective);
    Octets expected = p.build(partial);
    if (after != expected) {
      // 0xffff and 0x0000 are one number in ones' complement; RFC 1624 may leave either.
      const uint32_t sum = p.ip_octets() + 16;
      if (get16(&expected[sum]) == 0 && get16(&after[sum]) == 0xffff) put16(&expected[sum], 0xffff);
    }
    CHECK_EQUAL(after, expected);
  }
}

TEST("nothing but an MSS changes in a packet whose options lie") {
  for (long round = 0; round < rounds(20'000); round++) {
    Choices c(seed() * 1'000'003 + round);
    during = "seed " + std::to_string(seed()) + " round " + std::to_string(round);
    Inner p;
    if (c.one_in(2)) p.make_v6();
    p.flags = 0x02;
    p.options.resize(4 * c.below(11));
    for (uint8_t& o : p.options) o = c.one_in(2) ? c.below(6) : c.below(256);
    Octets packet = p.build();
    packet[p.ip_octets() + 12] = c.below(16) << 4;
    if (c.one_in(4)) packet.resize(c.between(1, packet.size()));
    if (c.one_in(4)) packet[0] = c.below(256);
    const Octets after = clamped(packet, 100, 100, true);
    const uint32_t tcp = (packet[0] >> 4 == 4 ? packet[0] & 15 : 10) * 4;
    for (size_t i = 0; i < packet.size(); i++) {
      if (after[i] != packet[i]) CHECK(i >= tcp + 20 + 2 && i < tcp + (packet[tcp + 12] >> 4) * 4u);
    }
  }
}
