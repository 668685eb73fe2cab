// What an authentic but hostile peer may send: any text, sealed with the right key, in batches. It reaches the parsers
// of trailers, inner headers, options and selectors, and the coalescer with what passed them.
#include "../pair.h"

using namespace sekisho;
using namespace sekisho::test;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Choices c(data, size);
  static const auto both = [] {
    Choices keys(1);
    auto p = std::make_unique<Pair>(suites().back().suite, true, keys);
    p->in->ecn = true;
    return p;
  }();
  Pair& p = *both;
  p.tunnel.udp_superpackets = c.below(2);
  p.tunnel.mss4 = p.tunnel.mss6 = c.below(2) ? 0 : c.below(2000);
  p.tunnel.ipv6 = c.below(4) != 1;
  p.in->selectors.enforced = c.below(4) == 1;
  p.in->selectors.local = p.in->selectors.remote = {
      Selector{4, uint8_t(c.below(20)), uint16_t(c.below(2)), 65'535, {}, {255, 255, 255, 255}}};
  const uint8_t tos = c.below(4);

  const uint64_t before = p.dropped();
  std::vector<std::unique_ptr<uint8_t[]>> memory;
  while (!c.used_up() && memory.size() < 64) {
    Octets text;
    if (c.below(2)) {
      // Octets as they are, trailer and all.
      text = c.chosen(2 + c.below(150));
    } else {
      // Whole packets, of which some octets are spoiled; the checksums stand or not.
      Inner inner;
      if (c.below(2)) inner.make_v6();
      inner.udp = c.below(2);
      inner.sequence = c.below(4) * 20;
      inner.flags = c.below(4) ? 0x10 : c.below(256);
      inner.options = c.chosen(4 * c.below(4));
      inner.payload = Octets(c.below(3) ? 20 : c.below(64), 7);
      Octets packet = inner.build();
      for (uint32_t n = c.below(4); n; n--) packet[c.below(packet.size())] = c.below(256);
      const uint32_t extra = c.below(4) == 1 ? c.below(64) : 0;
      text = text_of(p.out->suite, packet, inner.v6 ? 41 : 4, extra);
    }
    const Octets esp = p.seal(text);
    memory.emplace_back(new uint8_t[esp.size()]);
    memcpy(memory.back().get(), esp.data(), esp.size());
    p.decapsulator->esp(memory.back().get(), esp.size(), Outer{{}, {}, false, tos});
  }
  p.decapsulator->finish();
  // Every packet is delivered or a named drop, and none is for its key.
  CHECK_EQUAL(p.dropped() - before + p.got.packets.size(), memory.size());
  CHECK_EQUAL(count(p.tunnel.rx_drops, Drop::kAuthenticationFailed) + count(p.tunnel.rx_drops, Drop::kReplayed), 0u);
  p.got.packets.clear();
  p.events.drain();
  return 0;
}
