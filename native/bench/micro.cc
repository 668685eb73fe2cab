// What the parts of the fast path cost without input and output, in ns a packet: medians of interleaved rounds. Printed
// as lines of "name<TAB>ns", which .ci/bench shows as a table.   micro [ROUNDS [NAME]]
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

#include "../path/pipe.h"

using namespace sekisho;

namespace {

constexpr uint32_t kSizes[] = {64, 512, 1400, 8900};
constexpr size_t kBatchOf = 64;
constexpr double kRoundSeconds = 0.01;

double seconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

// A measure runs some packets and says how many and how long; what it prepares is not counted.
struct Cost {
  size_t packets;
  double seconds;
};
using Measure = std::function<Cost()>;

Cost timed(size_t packets, const std::function<void()>& work) {
  const double start = seconds();
  work();
  return {packets, seconds() - start};
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 5;
  std::vector<std::pair<std::string, Measure>> measures;
  std::vector<std::unique_ptr<Pipe>> pipes;
  const SuiteName names[] = {{"aes128-gcm16", ""}, {"aes256-gcm16", ""},      {"chacha20-poly1305", ""},
                             {"aes128", "sha1"},   {"aes256", "sha256"}};
  for (const SuiteName& name : names) {
    for (uint32_t size : kSizes) {
      Pipe& p = *pipes.emplace_back(std::make_unique<Pipe>(name));
      const uint32_t text = (size + 2 + p.suite.block - 1) / p.suite.block * p.suite.block;
      const uint32_t room = (text + 128) / 64 * 64;
      auto memory = std::make_shared<std::vector<uint8_t>>(room * kBatchOf);
      std::vector<Job> jobs(kBatchOf);
      for (size_t i = 0; i < kBatchOf; i++) jobs[i] = {memory->data() + i * room, text, 0, false};
      const std::string what = title(name) + " " + std::to_string(size);
      measures.push_back({"cipher seal " + what, [&p, jobs, memory]() mutable {
                            return timed(kBatchOf, [&] { p.out.cipher->seal(jobs.data(), kBatchOf); });
                          }});
      auto packet = std::make_shared<std::vector<uint8_t>>(tcp_packet(size < 64 ? 64 : size, 1));
      measures.push_back({"encapsulate " + what, [&p, packet] {
                            p.out.sequence = 0;
                            return timed(kBatchOf, [&] {
                              for (size_t i = 0; i < kBatchOf; i++) {
                                p.encapsulator.add(p.tunnel, VnetHeader{}, packet->data(), packet->size());
                              }
                              p.encapsulator.flush();
                            });
                          }});
      auto sequence = std::make_shared<uint64_t>(0);
      measures.push_back({"decapsulate " + what, [&p, packet, sequence] {
                            p.sink.keep = true;
                            p.sink.kept.clear();
                            p.sink.packets.clear();
                            p.out.sequence = *sequence;
                            for (size_t i = 0; i < kBatchOf; i++) {
                              p.encapsulator.add(p.tunnel, VnetHeader{}, packet->data(), packet->size());
                            }
                            p.encapsulator.flush();
                            *sequence = p.out.sequence;
                            p.sink.keep = false;
                            return timed(kBatchOf, [&] {
                              const Outer outer{{1, 1}, {1, 1}, false, 0};
                              for (const auto& [at, octets] : p.sink.packets) p.decapsulator.esp(&p.sink.kept[at], octets, outer);
                              p.decapsulator.finish();
                            });
                          }});
    }
  }
  auto window = std::make_shared<ReplayWindow>(4096, true);
  auto next = std::make_shared<uint64_t>(1);
  measures.push_back({"replay window, in order", [window, next] {
                        return timed(1000, [&] {
                          bool newest;
                          for (int i = 0; i < 1000; i++, ++*next) {
                            if (window->acceptable(window->expand(uint32_t(*next)))) window->mark(*next, &newest);
                          }
                        });
                      }});
  // A run of one flow as a 64 KB superpacket makes it.
  auto flow = std::make_shared<std::vector<std::vector<uint8_t>>>();
  for (uint32_t i = 0; i < 45; i++) flow->push_back(tcp_packet(1400, i));
  Pipe& p = *pipes[0];
  auto coalescer = std::make_shared<Coalescer>(p.nowhere);
  measures.push_back({"coalesce TCP 1400", [&p, flow, coalescer] {
                        auto copy = *flow;
                        return timed(copy.size(), [&] {
                          for (auto& packet : copy) coalescer->add(p.tunnel, packet.data(), packet.size());
                          coalescer->flush();
                        });
                      }});
  measures.push_back({"split TCP superpacket into 1400", [flow] {
                        std::vector<uint8_t> super = (*flow)[0];
                        for (size_t i = 1; i < flow->size(); i++) super.insert(super.end(), (*flow)[i].begin() + 40, (*flow)[i].end());
                        put16(&super[2], super.size());
                        VnetHeader h = {};
                        h.flags = VnetHeader::kNeedsChecksum;
                        h.gso_type = VnetHeader::kGsoTcp4;
                        h.gso_size = 1360;
                        h.checksum_start = 20;
                        h.checksum_offset = 16;
                        return timed(flow->size(), [&] {
                          split_superpacket(h, super.data(), super.size(),
                                            [](void*, const uint8_t*, uint32_t, const uint8_t*, uint32_t) {}, nullptr);
                        });
                      }});

  if (argc > 2) std::erase_if(measures, [&](const auto& m) { return m.first != argv[2]; });
  std::map<std::string, std::vector<double>> results;
  for (int round = 0; round < rounds; round++) {
    for (auto& [name, measure] : measures) {
      Cost sum = {0, 0};
      measure();  // warms up
      while (sum.seconds < kRoundSeconds) {
        const Cost c = measure();
        sum.packets += c.packets;
        sum.seconds += c.seconds;
      }
      results[name].push_back(sum.seconds / sum.packets * 1e9);
    }
    if (argc <= 2) fprintf(stderr, "round %d of %d\n", round + 1, rounds);
  }
  for (auto& [name, measure] : measures) {
    auto& r = results[name];
    std::sort(r.begin(), r.end());
    printf("%s\t%.1f\n", name.c_str(), r[r.size() / 2]);
  }
}
