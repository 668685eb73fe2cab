// What TUN may hand over: any vnet header before any packet, through the encapsulator. What is sealed opens again, and
// is within what came.
#include "../pair.h"

using namespace sekisho;
using namespace sekisho::test;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Choices c(data, size);
  static const auto tunnel_pair = [] {
    Choices keys(1);
    return std::make_unique<Pair>(suites().back().suite, true, keys);
  }();
  Pair& p = *tunnel_pair;
  p.tunnel.udp_superpackets = c.below(2);
  p.tunnel.mss4 = p.tunnel.mss6 = c.below(2) ? 0 : c.below(2000);
  p.tunnel.tos = int(c.below(257)) - 1;
  p.tunnel.df = DontFragment(c.below(3));
  p.out->ecn = c.below(2);
  VnetHeader h;
  h.flags = c.below(2);
  h.gso_type = c.below(256);
  h.header_octets = c.below(65'536);
  h.gso_size = c.below(65'536);
  h.checksum_start = c.below(65'536);
  h.checksum_offset = c.below(65'536);
  Octets packet;
  while (!c.used_up()) packet.push_back(c.below(256));
  if (packet.empty()) return 0;

  const uint64_t before = p.dropped();
  Octets exact(packet);
  p.encapsulator->add(p.tunnel, h, exact.data(), exact.size());
  p.encapsulator->flush();
  // Either something left, or a drop says why not.
  CHECK_EQUAL(p.sent.packets.empty(), p.dropped() != before);
  CHECK(p.sent.packets.size() <= packet.size());
  uint64_t refused = p.dropped();
  for (auto& s : p.sent.packets) p.decapsulator->esp(s.octets.data(), s.octets.size(), Outer{});
  p.decapsulator->finish();
  // A header's own wrong lengths were mended where it was cut, and refused where it was not.
  CHECK_EQUAL(p.dropped(), refused);
  CHECK_EQUAL(p.got.packets.size(), p.sent.packets.size());
  p.sent.packets.clear();
  p.got.packets.clear();
  p.events.drain();
  return 0;
}
