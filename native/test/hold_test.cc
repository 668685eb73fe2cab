// The packets of a tunnel may arrive by several sockets at once: two workers share its SAs, window and counters in turns.
// ThreadSanitizer sees what the checks cannot.
#include <algorithm>
#include <thread>

#include "pair.h"

using namespace sekisho;
using namespace sekisho::test;

namespace {

constexpr uint32_t kTunnels = 3;

// Numbers of the packets that arrived: the last four octets of each.
struct Numbers final : SuperpacketSink {
  std::vector<uint32_t> list;
  void write(Tunnel&, const VnetHeader&, const iovec* parts, int count, uint32_t) override {
    CHECK_EQUAL(count, 1);  // opaque: nobody merges them
    list.push_back(get32(static_cast<const uint8_t*>(parts[0].iov_base) + parts[0].iov_len - 4));
  }
};

}  // namespace

TEST("two workers with packets of the same tunnels: none twice, none lost but to the window, every one counted") {
  Choices c(seed());
  Suite suite;
  CHECK(find_suite("aes128-gcm16", "", &suite));
  std::vector<Tunnel> tunnels(kTunnels);
  std::vector<std::unique_ptr<InboundSa>> in;
  std::vector<std::unique_ptr<OutboundSa>> out;
  Events events{[] {}};
  SaTable table;
  Sent sent;
  Encapsulator encapsulator(events, sent);
  for (uint32_t i = 0; i < kTunnels; i++) {
    const Keys keys(suite, false, c);
    const uint32_t spi = 0x12340000 + i;
    in.push_back(inbound(spi, suite, keys, tunnels[i]));
    out.push_back(outbound(spi, suite, keys, tunnels[i]));
    tunnels[i].outbound = out[i].get();
    table.replace(spi, in[i].get());
  }
  const uint32_t made = rounds(30'000);
  for (uint32_t n = 0; n < made; n++) {
    Octets packet = opaque(false, 60, c);
    put32(&packet[packet.size() - 4], n);
    encapsulator.add(tunnels[c.below(kTunnels)], VnetHeader{}, packet.data(), packet.size());
    encapsulator.flush();
  }

  std::atomic<size_t> next{0};
  Numbers arrived[2];
  DropCounters drops[2];
  auto work = [&](int worker) {
    Decapsulator decapsulator(table, events, drops[worker], arrived[worker]);
    Choices mine(seed() + worker + 1);
    for (;;) {
      const uint32_t most = mine.between(1, 64);
      const size_t from = next.fetch_add(most), to = std::min<size_t>(from + most, made);
      if (from >= made) break;
      for (size_t i = from; i < to; i++) {
        Octets& p = sent.packets[i].octets;
        decapsulator.esp(p.data(), p.size(), Outer{});
      }
      decapsulator.finish();
    }
  };
  std::thread other(work, 1);
  work(0);
  other.join();

  std::vector<uint32_t> all = arrived[0].list;
  all.insert(all.end(), arrived[1].list.begin(), arrived[1].list.end());
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
  uint64_t counted = 0, late = 0;
  for (const Tunnel& t : tunnels) {
    counted += t.rx_packets.read();
    late += count(t.rx_drops, Drop::kReplayed);
    CHECK_EQUAL(total(t.rx_drops), count(t.rx_drops, Drop::kReplayed));
    CHECK(t.holder.load() == nullptr);
  }
  CHECK_EQUAL(counted, all.size());
  // A worker that is kept from the processor for long finds that the window has moved on.
  CHECK_EQUAL(counted + late, made);
  CHECK_EQUAL(total(drops[0]) + total(drops[1]), 0u);
}
