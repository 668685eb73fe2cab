// SAs come, are renewed, replaced and go at full load: two data threads as in path/engine, joined by a queue instead of
// a network, and a third that does what the control plane does. SEKISHO_TEST_SECONDS makes it longer.
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <span>
#include <thread>

#include "../path/quiescence.h"
#include "pair.h"

using namespace sekisho;
using namespace sekisho::test;

namespace {

constexpr uint32_t kTunnels = 8, kFlows = 5;

// The network: keeps order and loses nothing; a sender that is too fast waits.
class Wire final : public EspSink {
 public:
  void send(uint8_t* arena, const EspPacket* packets, size_t n) override {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return queue_.size() < 4096 || closed_; });
    for (const EspPacket& p : std::span(packets, n)) queue_.emplace_back(arena + p.at, arena + p.at + p.octets);
    sent_ += n;
  }
  std::vector<Octets> take(size_t most) {
    std::lock_guard lock(mutex_);
    std::vector<Octets> out;
    for (; out.size() < most && !queue_.empty(); queue_.pop_front()) out.push_back(std::move(queue_.front()));
    if (queue_.size() < 4096) room_.notify_all();
    return out;
  }
  uint64_t sent() {
    std::lock_guard lock(mutex_);
    return sent_;
  }
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    room_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable room_;
  std::deque<Octets> queue_;
  uint64_t sent_ = 0;
  bool closed_ = false;
};

// Each flow numbers its packets; what arrives must be the next of its flow.
class Arrivals final : public SuperpacketSink {
 public:
  explicit Arrivals(std::vector<Tunnel>& tunnels) : tunnels_(tunnels), next_(kTunnels * kFlows, 0) {}
  void write(Tunnel& tunnel, const VnetHeader& header, const iovec* parts, int count, uint32_t n) override {
    recut_.write(tunnel, header, parts, count, n);
    for (const auto& p : recut_.packets) {
      const uint32_t ip = p.octets[0] >> 4 == 6 ? 40 : 20;
      const uint32_t flow = (p.tunnel - tunnels_.data()) * kFlows + get16(&p.octets[ip]) - 1000;
      const uint8_t* payload = &p.octets[p.octets.size() - 12];
      if (get32(payload) != flow || (uint64_t(get32(payload + 4)) << 32 | get32(payload + 8)) != next_[flow]++) wrong++;
      arrived++;
    }
    recut_.packets.clear();
  }
  uint64_t arrived = 0, wrong = 0;

 private:
  std::vector<Tunnel>& tunnels_;
  std::vector<uint64_t> next_;
  Recut recut_;
};

class Churn {
 public:
  void run(double seconds) {
    tunnels_ = std::vector<Tunnel>(kTunnels);
    for (uint32_t i = 0; i < kTunnels; i++) {
      tunnels_[i].udp_superpackets = true;
      renew(i);
    }
    std::thread sender([this] { send(); }), receiver([this] { receive(); });
    timespec from, now;
    clock_gettime(CLOCK_MONOTONIC, &from);
    do {
      const uint32_t tunnel = choices_.below(kTunnels);
      if (choices_.one_in(4)) replace(tunnel);
      else renew(tunnel);
      free_retired();
      clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - from.tv_sec + (now.tv_nsec - from.tv_nsec) / 1e9 < seconds);
    stop_ = true;
    sender.join();
    while (handled_.load() < wire_.sent()) usleep(100);
    done_ = true;
    receiver.join();
    wire_.close();
    free_retired();
    for (const Tunnel& t : tunnels_) {
      for (size_t i = 0; i < kDropCount; i++) {
        during = drop_name(i);
        CHECK_EQUAL(t.rx_drops.by[i].read(), 0u);
        CHECK_EQUAL(t.tx_drops.by[i].read(), 0u);
      }
    }
    during.clear();
    CHECK_EQUAL(total(drops_), 0u);
    CHECK_EQUAL(arrivals_.wrong, 0u);
    CHECK_EQUAL(arrivals_.arrived, made_);
    CHECK(retired_.empty());
    CHECK(renewed_ > 10 && made_ > 1000);
    printf("       %lu packets, %lu SAs renewed, %lu replaced\n", (unsigned long)made_, (unsigned long)renewed_,
           (unsigned long)replaced_);
  }

 private:
  struct Ends {
    std::unique_ptr<InboundSa> in;
    std::unique_ptr<OutboundSa> out;
    std::unique_ptr<Keys> keys;
  };

  // A new SA in use, then the old one away, as a rekey does (RFC 7296 2.8).
  void renew(uint32_t i) {
    Ends ends;
    const Suite& suite = suites()[choices_.below(suites().size())].suite;
    ends.keys = std::make_unique<Keys>(suite, choices_.one_in(2), choices_);
    // Two SAs of a tunnel stand beside each other for a while: each has two places in the table, in turn.
    const uint32_t spi = uint32_t(choices_.below(0xffff) + 1) << 16 | i * 2 | (generation_[i]++ & 1);
    ends.in = inbound(spi, suite, *ends.keys, tunnels_[i], 64);
    ends.out = outbound(spi, suite, *ends.keys, tunnels_[i]);
    CHECK(!table_.replace(spi, ends.in.get()));
    tunnels_[i].outbound.store(ends.out.get(), std::memory_order_release);
    std::swap(ends, ends_[i]);
    renewed_++;
    if (!ends.in) return;
    // The sender has moved on, and what it had sent has arrived; only then does the old SA go.
    quiescence_.wait();
    const uint64_t sent = wire_.sent();
    while (handled_.load() < sent) usleep(20);
    CHECK(table_.replace(ends.in->spi, nullptr) == ends.in.get());
    retire(std::move(ends.out));
    retire(std::move(ends.in));
  }

  // The same SA installed again, under load: packets under way open with either.
  void replace(uint32_t i) {
    Ends& e = ends_[i];
    if (e.keys->esn) return;  // its new window would have to be told the upper half
    auto again = inbound(e.in->spi, e.in->suite, *e.keys, tunnels_[i], 64);
    CHECK(table_.replace(again->spi, again.get()) == e.in.get());
    std::swap(again, e.in);
    retire(std::move(again));
    replaced_++;
  }

  void retire(std::shared_ptr<Sa> sa) { retired_.push_back({quiescence_.mark(), std::move(sa)}); }
  void free_retired() {
    std::erase_if(retired_, [&](const auto& r) { return quiescence_.passed(r.first); });
  }

  void send() {
    Encapsulator encapsulator(events_, wire_);
    Choices c(seed() + 1);
    std::vector<Inner> flows(kTunnels * kFlows);
    std::vector<uint64_t> number(flows.size(), 0);
    for (uint32_t i = 0; i < flows.size(); i++) {
      if (i % 2) flows[i].make_v6();
      flows[i].udp = i % 3 == 0;
      flows[i].source_port = 1000 + i % kFlows;
    }
    while (!stop_.load(std::memory_order_relaxed)) {
      quiescence_.awake(0);
      for (uint32_t turn = c.between(1, 6); turn; turn--) {
        const uint32_t tunnel = c.below(kTunnels);
        for (uint32_t run = c.between(1, 8), flow = tunnel * kFlows + c.below(kFlows); run; run--) {
          Inner& f = flows[flow];
          f.payload.assign(c.one_in(8) ? 40 : 60, 0x11);
          uint8_t* end = f.payload.data() + f.payload.size();
          put32(end - 12, flow);
          put64(end - 8, number[flow]++);
          Octets packet = f.build();
          encapsulator.add(tunnels_[tunnel], VnetHeader{}, packet.data(), packet.size());
          f.sequence += f.payload.size();
          f.id++;
          made_++;
        }
      }
      encapsulator.flush();
      if (!c.one_in(16)) continue;
      quiescence_.asleep(0);
      if (c.one_in(4)) usleep(20);
    }
    quiescence_.asleep(0);
  }

  void receive() {
    auto decapsulator = std::make_unique<Decapsulator>(table_, events_, drops_, arrivals_);
    Choices c(seed() + 2);
    while (!done_.load(std::memory_order_relaxed)) {
      quiescence_.awake(1);
      auto packets = wire_.take(c.between(1, 200));
      if (packets.empty()) {
        quiescence_.asleep(1);
        usleep(20);
        continue;
      }
      for (Octets& p : packets) decapsulator->esp(p.data(), p.size(), Outer{});
      decapsulator->finish();
      handled_.fetch_add(packets.size());
    }
    quiescence_.asleep(1);
  }

  Choices choices_{seed()};
  std::vector<Tunnel> tunnels_;
  Events events_{[] {}};
  SaTable table_;
  DropCounters drops_;
  Quiescence quiescence_;
  Wire wire_;
  Arrivals arrivals_{tunnels_};
  Ends ends_[kTunnels];
  uint32_t generation_[kTunnels] = {};
  std::vector<std::pair<uint64_t, std::shared_ptr<Sa>>> retired_;
  std::atomic<bool> stop_{false}, done_{false};
  std::atomic<uint64_t> handled_{0};
  uint64_t made_ = 0, renewed_ = 0, replaced_ = 0;
};

}  // namespace

TEST("SAs renewed, replaced and removed at full load: none lost, none twice, in order") {
  std::make_unique<Churn>()->run(environment("SEKISHO_TEST_SECONDS", 2));
}
