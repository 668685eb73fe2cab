// RFC 6040 4.2, figure 4, through the decapsulator.
#include "pair.h"

using namespace sekisho;
using namespace sekisho::test;

TEST("the congestion field after decapsulation, every inner with every outer") {
  constexpr int kDrop = -1;
  // Codepoints: 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE.
  constexpr int kTable[4][4] = {
      // outer:  0  1  2  3
      /* inner 0 */ {0, 0, 0, kDrop},
      /* inner 1 */ {1, 1, 1, 3},
      /* inner 2 */ {2, 1, 2, 3},
      /* inner 3 */ {3, 3, 3, 3},
  };
  Choices c(seed());
  Pair p(suites()[0].suite, false, c);
  uint64_t dropped = 0;
  for (int inner = 0; inner < 4; inner++) {
    for (int outer = 0; outer < 4; outer++) {
      for (const bool v6 : {false, true}) {
        for (const uint8_t dscp : {0x00, 0xb8, 0xfc}) {
          for (int id = 0; id < 70'000; id += 3001) {
            during = "inner " + std::to_string(inner) + " outer " + std::to_string(outer) + (v6 ? " IPv6" : " IPv4");
            Inner packet;
            if (v6) packet.make_v6();
            packet.protocol = 253;
            packet.tos = dscp | inner;
            packet.flow_label = 0xfffff;
            packet.id = id;
            packet.payload = Octets(20, 7);
            p.got.packets.clear();
            p.receive(p.seal(text_of(p.out->suite, packet.build(), v6 ? 41 : 4)), 0xa8 | outer);
            const int after = kTable[inner][outer];
            if (after == kDrop) dropped++;
            CHECK_EQUAL(count(p.tunnel.rx_drops, Drop::kCongestion), dropped);
            CHECK_EQUAL(p.got.packets.size(), after == kDrop ? 0u : 1u);
            if (after == kDrop) continue;
            // Its DSCP, flow label and checksum are as a sender with that mark would have made them.
            packet.tos = dscp | after;
            CHECK_EQUAL(p.got.packets[0].octets, packet.build());
          }
        }
      }
    }
  }
}
