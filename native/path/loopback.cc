#include "loopback.h"

#include <time.h>

#include <algorithm>

#include "pipe.h"

namespace sekisho {
namespace {

constexpr uint32_t kLarge = 1400, kSmall = 64;
constexpr double kSeconds = 0.4;
constexpr size_t kBatch = 64, kAlone = 1000;

double seconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

// Packets a second. add() overwrites what it is given: each packet is a copy.
double flood(Pipe& pipe, const std::vector<uint8_t>& packet, uint64_t* sent) {
  std::vector<uint8_t> copy;
  uint64_t count = 0;
  const double start = seconds();
  double now = start;
  for (; now - start < kSeconds; now = seconds()) {
    for (size_t i = 0; i < kBatch; i++) {
      copy = packet;
      pipe.encapsulator.add(pipe.tunnel, VnetHeader{}, copy.data(), copy.size());
    }
    pipe.encapsulator.flush();
    count += kBatch;
  }
  *sent += count;
  return count / (now - start);
}

}  // namespace

bool measure_loopback(const SuiteName& name, Loopback* result) {
  Pipe pipe(name);
  if (!pipe.out.cipher || !pipe.in.cipher) return false;
  pipe.sink.other_end = &pipe.decapsulator;
  Loopback out = {};
  const std::vector<uint8_t> large = tcp_packet(kLarge, 1);
  out.gbit = flood(pipe, large, &out.sent) * kLarge * 8e-9;
  out.packets = flood(pipe, tcp_packet(kSmall, 1), &out.sent);
  std::vector<double> alone;
  std::vector<uint8_t> copy;
  for (size_t i = 0; i < kAlone; i++) {
    copy = large;
    const double start = seconds();
    pipe.encapsulator.add(pipe.tunnel, VnetHeader{}, copy.data(), copy.size());
    pipe.encapsulator.flush();
    alone.push_back(seconds() - start);
  }
  out.sent += kAlone;
  std::nth_element(alone.begin(), alone.begin() + kAlone / 2, alone.end());
  out.microseconds = alone[kAlone / 2] * 1e6;
  out.arrived = pipe.tunnel.rx_packets.read();
  *result = out;
  return true;
}

}  // namespace sekisho
