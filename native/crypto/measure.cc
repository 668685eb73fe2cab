#include "measure.h"

#include <time.h>

#include "esp_layout.h"

namespace sekisho {
namespace {

constexpr uint32_t kPacket = 1400, kRoom = 1600, kBatch = 32;
constexpr double kLeastSeconds = 0.006;

double seconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

double gbit_of(Cipher& cipher, const Suite& suite) {
  std::vector<uint8_t> packets(kRoom * kBatch);
  std::vector<Job> jobs(kBatch);
  const uint32_t text = (kPacket + 2 + suite.block - 1) / suite.block * suite.block;
  for (uint32_t i = 0; i < kBatch; i++) jobs[i] = {&packets[i * kRoom], text, 0, false};
  cipher.seal(jobs.data(), kBatch);  // the first one warms up
  uint64_t count = 0;
  const double start = seconds();
  double now = start;
  for (; now - start < kLeastSeconds; now = seconds()) {
    cipher.seal(jobs.data(), kBatch);
    count += kBatch;
  }
  return count * kPacket * 8 / (now - start) * 1e-9;
}

}  // namespace

std::vector<Speed> measure_crypto() {
  std::vector<Speed> out;
  const std::vector<uint8_t> zeros(128);
  size_t count;
  Kernel* list = kernels(&count);
  for (const SuiteName& name : suite_names()) {
    Suite suite;
    if (!find_suite(name.encryption, name.integrity, &suite)) continue;
    bool chosen = true;
    for (size_t i = 0; i < count; i++) {
      if (list[i].disabled || !list[i].available()) continue;
      auto cipher = list[i].make(suite, {zeros.data(), zeros.data(), false, 0});
      if (!cipher) continue;
      out.push_back({name.encryption, name.integrity, list[i].name, chosen, gbit_of(*cipher, suite)});
      chosen = false;
    }
  }
  return out;
}

}  // namespace sekisho
