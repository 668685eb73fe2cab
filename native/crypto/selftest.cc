#include "selftest.h"

#include "esp_layout.h"
#include "kernels.h"
#include "known_answers.h"

namespace sekisho {
namespace {

std::vector<uint8_t> from_hex(const char* hex) {
  std::vector<uint8_t> out;
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (; hex[0] && hex[1]; hex += 2) out.push_back(digit(hex[0]) << 4 | digit(hex[1]));
  return out;
}

// Opens the known packet, refuses it with one bit flipped, and seals: what an AEAD makes is known too, what CBC makes
// under its random IV must open again in the reference.
bool holds(const Kernel& kernel, const KnownAnswer& known, bool* supported) {
  Suite suite;
  if (!find_suite(known.encryption, known.integrity, &suite)) return false;
  const auto key = from_hex(known.key), mac = from_hex(known.mac_key);
  const auto packet = from_hex(known.packet), text = from_hex(known.text);
  uint64_t iv = 0;
  if (suite.aead()) iv = uint64_t(get32(&packet[8])) << 32 | get32(&packet[12]);
  const KeyMaterial material{key.data(), mac.data(), known.esn, iv};
  auto cipher = kernel.make(suite, material);
  *supported = cipher != nullptr;
  if (!cipher) return true;

  const uint32_t octets = text.size(), high = known.esn ? 0xa : 0;
  auto work = packet;
  Job job{work.data(), octets, high, false};
  cipher->open(&job, 1);
  if (!job.ok || memcmp(text_of(suite, job), text.data(), octets) != 0) return false;

  for (size_t at : {size_t(4), packet.size() / 2, packet.size() - 1}) {
    work = packet;
    work[at] ^= 0x10;
    job = {work.data(), octets, high, true};
    cipher->open(&job, 1);
    if (job.ok) return false;
  }

  work = packet;
  job = {work.data(), octets, high, false};
  memcpy(text_of(suite, job), text.data(), octets);
  memset(icv_of(suite, job), 0, suite.icv);
  cipher->seal(&job, 1);
  if (suite.aead()) return work == packet;
  auto reference = kOpenssl.make(suite, material);
  job.ok = false;
  reference->open(&job, 1);
  return job.ok && memcmp(text_of(suite, job), text.data(), octets) == 0;
}

}  // namespace

std::vector<std::string> run_selftest() {
  std::vector<std::string> failures;
  size_t count;
  Kernel* list = kernels(&count);
  for (size_t i = 0; i < count; i++) {
    if (!list[i].available()) continue;
    for (const KnownAnswer& known : kKnownAnswers) {
      bool supported;
      if (holds(list[i], known, &supported)) continue;
      list[i].disabled = true;
      failures.push_back(std::string(list[i].name) + " fails the known answer of " + known.encryption +
                         (known.integrity[0] ? "+" : "") + known.integrity + (known.esn ? " with ESN" : "") +
                         " and is not used");
      break;
    }
  }
  return failures;
}

}  // namespace sekisho
