// Any octets as ESP packets, several in a batch and over two SAs; the SPI is mostly right. Nothing is believed: the
// fuzzer does not know the keys. Each packet is a named drop, within its memory.
#include "../pair.h"

using namespace sekisho;
using namespace sekisho::test;

namespace {

struct Receiver {
  Receiver() {
    Choices c(1);
    for (size_t i = 0; i < suites().size(); i++) {
      const Keys keys(suites()[i].suite, i % 2, c);
      in.push_back(inbound(0x10000 + i, suites()[i].suite, keys, tunnel));
      table.replace(in.back()->spi, in.back().get());
    }
  }
  Tunnel tunnel;
  Events events{[] {}};
  SaTable table;
  DropCounters drops;
  Recut got;
  std::vector<std::unique_ptr<InboundSa>> in;
  std::unique_ptr<Decapsulator> decapsulator = std::make_unique<Decapsulator>(table, events, drops, got);
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto receiver = std::make_unique<Receiver>();
  Receiver& r = *receiver;
  Choices c(data, size);
  std::vector<std::unique_ptr<uint8_t[]>> memory;
  const uint64_t before = total(r.drops) + total(r.tunnel.rx_drops);
  while (!c.used_up()) {
    // Up to 24 suites, and one SPI that nobody has.
    const uint32_t spi = 0x10000 + c.below(suites().size() + 1), octets = c.below(200);
    const Octets chosen = c.chosen(octets);
    memory.emplace_back(new uint8_t[octets]);
    if (octets) memcpy(memory.back().get(), chosen.data(), octets);
    if (octets >= 4) put32(memory.back().get(), spi);
    r.decapsulator->esp(memory.back().get(), octets, Outer{{}, {}, false, uint8_t(spi)});
  }
  r.decapsulator->finish();
  CHECK_EQUAL(total(r.drops) + total(r.tunnel.rx_drops) - before, memory.size());
  CHECK(r.got.packets.empty());
  return 0;
}
