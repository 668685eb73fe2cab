// Every kernel against OpenSSL: what one seals the other opens, AEADs to the same octet. Sanitizers do not look into
// intel-ipsec-mb, which is assembly: guards around each packet stand in for them where it writes.
#include "../crypto/kernels.h"

#include <algorithm>

#include "../crypto/selftest.h"
#include "pair.h"

using namespace sekisho;
using namespace sekisho::test;

namespace {

constexpr uint32_t kGuard = 64;

// Packets of one batch, each at its own offset between guards.
struct Batch {
  Batch(const Suite& s, size_t n, uint32_t most, Choices& c) : suite(s) {
    for (size_t i = 0; i < n; i++) {
      const uint32_t text = s.block * c.between(1, most / s.block), octets = kEspHeader + s.iv + text + s.icv;
      const uint32_t offset = kGuard + c.below(64);
      memory.push_back(c.filler(offset + octets + kGuard));
      jobs.push_back({memory.back().data() + offset, text, uint32_t(c.one_in(2) ? c.word() : 0), false});
      sizes.push_back(octets);
    }
    before = memory;
  }
  Batch(const Batch& other) : suite(other.suite), memory(other.memory), before(other.memory), sizes(other.sizes) {
    for (size_t i = 0; i < other.jobs.size(); i++) {
      jobs.push_back(other.jobs[i]);
      jobs[i].esp = memory[i].data() + (other.jobs[i].esp - other.memory[i].data());
      jobs[i].ok = false;
    }
  }

  Octets packet(size_t i) const { return {jobs[i].esp, jobs[i].esp + sizes[i]}; }
  Octets text(size_t i) const {
    const uint8_t* at = sekisho::text_of(suite, jobs[i]);
    return {at, at + jobs[i].text};
  }

  // SPI and number, and everything outside of the packets, are as they were.
  void hold() const {
    for (size_t i = 0; i < jobs.size(); i++) {
      const size_t at = jobs[i].esp - memory[i].data();
      CHECK(std::equal(memory[i].begin(), memory[i].begin() + at + kEspHeader, before[i].begin()));
      CHECK(std::equal(memory[i].begin() + at + sizes[i], memory[i].end(), before[i].begin() + at + sizes[i]));
    }
  }

  const Suite suite;
  std::vector<Octets> memory, before;
  std::vector<uint32_t> sizes;
  std::vector<Job> jobs;
};

// One kernel seals, the other opens; some packets are spoiled on the way.
void cross(Cipher& sealer, Cipher& opener, const Batch& plain, bool same, Cipher* reference, Choices& c) {
  Batch sealed(plain);
  sealer.seal(sealed.jobs.data(), sealed.jobs.size());
  sealed.hold();
  for (const Job& j : sealed.jobs) CHECK(j.ok);
  if (same) {
    Batch other(plain);
    reference->seal(other.jobs.data(), other.jobs.size());
    for (size_t i = 0; i < plain.jobs.size(); i++) CHECK_EQUAL(sealed.packet(i), other.packet(i));
  }
  Batch opened(sealed);
  std::vector<bool> spoiled;
  for (size_t i = 0; i < opened.jobs.size(); i++) {
    spoiled.push_back(c.one_in(8));
    if (!spoiled[i]) continue;
    // Also the ICV's own octets, and the half of the number that is not sent.
    const uint32_t bit = c.below(opened.sizes[i] * 8);
    opened.jobs[i].esp[bit / 8] ^= 1 << bit % 8;
  }
  opened.before = opened.memory;
  opener.open(opened.jobs.data(), opened.jobs.size());
  opened.hold();
  for (size_t i = 0; i < opened.jobs.size(); i++) {
    CHECK_EQUAL(opened.jobs[i].ok, !spoiled[i]);
    if (!spoiled[i]) CHECK_EQUAL(opened.text(i), plain.text(i));
  }
}

}  // namespace

TEST("known answers") {
  for (const std::string& failure : run_selftest()) fail(__FILE__, __LINE__, failure);
}

TEST("every kernel against OpenSSL on random lengths, offsets, keys and batches") {
  size_t n;
  Kernel* list = kernels(&n);
  int compared = 0;
  for (size_t k = 0; k < n; k++) {
    if (!list[k].available()) continue;
    for (const NamedSuite& s : suites()) {
      for (long round = 0; round < rounds(16); round++) {
        Choices c(seed() * 1'000'003 + round);
        const Keys keys(s.suite, c.one_in(2), c);
        during = std::string(list[k].name) + " " + s.name + (keys.esn ? " with ESN" : "") + ", seed " +
                 std::to_string(seed()) + " round " + std::to_string(round);
        auto cipher = list[k].make(s.suite, keys.material());
        if (!cipher) break;
        compared++;
        auto seals = kOpenssl.make(s.suite, keys.material()), opens = kOpenssl.make(s.suite, keys.material());
        const size_t batch = round < 4 ? (size_t[]){1, 2, 127, 128}[round] : c.between(1, 128);
        const uint32_t most = round % 8 == 7 ? 9000 : round % 3 ? 256 : 1600;
        Batch plain(s.suite, batch, most, c);
        cross(*cipher, *opens, plain, s.suite.aead(), seals.get(), c);
        cross(*seals, *cipher, plain, false, nullptr, c);
      }
    }
  }
  CHECK(compared > 0);
}

TEST("the upper half of an extended number counts, and only with ESN") {
  size_t n;
  Kernel* list = kernels(&n);
  for (size_t k = 0; k < n; k++) {
    if (!list[k].available()) continue;
    for (const NamedSuite& s : suites()) {
      for (const bool esn : {false, true}) {
        Choices c(seed());
        const Keys keys(s.suite, esn, c);
        auto cipher = list[k].make(s.suite, keys.material());
        if (!cipher) continue;
        during = std::string(list[k].name) + " " + s.name + (esn ? " with ESN" : "");
        Batch sealed(s.suite, 3, 100, c);
        cipher->seal(sealed.jobs.data(), 3);
        Batch opened(sealed);
        opened.jobs[1].sequence_high ^= 1;
        cipher->open(opened.jobs.data(), 3);
        CHECK(opened.jobs[0].ok && opened.jobs[2].ok);
        CHECK_EQUAL(opened.jobs[1].ok, !esn);
      }
    }
  }
}

TEST("AEAD texts of any length open, though ours are whole words") {
  size_t n;
  Kernel* list = kernels(&n);
  for (size_t k = 0; k < n; k++) {
    if (!list[k].available()) continue;
    for (const NamedSuite& s : suites()) {
      if (!s.suite.aead()) continue;
      Choices c(seed());
      const Keys keys(s.suite, false, c);
      auto cipher = list[k].make(s.suite, keys.material());
      if (!cipher) continue;
      auto reference = kOpenssl.make(s.suite, keys.material());
      for (uint32_t text = 2; text < 300; text++) {
        during = std::string(list[k].name) + " " + s.name + " " + std::to_string(text) + " octets";
        Octets packet = c.filler(kEspHeader + s.suite.iv + text + s.suite.icv), plain = packet;
        Job job{packet.data(), text, 0, false};
        reference->seal(&job, 1);
        job.ok = false;
        cipher->open(&job, 1);
        CHECK(job.ok);
        const uint32_t at = kEspHeader + s.suite.iv;
        CHECK(std::equal(&packet[at], &packet[at] + text, &plain[at]));
      }
    }
  }
}

TEST("IVs of one key never repeat") {
  for (const NamedSuite& s : suites()) {
    during = s.name;
    Choices c(seed());
    const Keys keys(s.suite, false, c);
    auto cipher = make_cipher(s.suite, keys.material());
    std::vector<Octets> ivs;
    for (int round = 0; round < 8; round++) {
      Batch b(s.suite, 128, s.suite.block, c);
      cipher->seal(b.jobs.data(), b.jobs.size());
      for (const Job& j : b.jobs) ivs.emplace_back(iv_of(j), iv_of(j) + s.suite.iv);
    }
    std::sort(ivs.begin(), ivs.end());
    CHECK(std::adjacent_find(ivs.begin(), ivs.end()) == ivs.end());
  }
}

TEST("unknown suites and pairs are refused") {
  Suite s;
  CHECK(!find_suite("aes128", "", &s));  // no confidentiality alone
  CHECK(!find_suite("aes128-gcm16", "sha256", &s));
  CHECK(!find_suite("", "sha256", &s));
  CHECK(!find_suite("aes512", "sha256", &s));
  CHECK_EQUAL(suites().size(), 23u);
}
