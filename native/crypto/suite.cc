#include <cstring>

#include "cipher.h"

namespace sekisho {

namespace {

struct Enc { const char* name; Encryption kind; uint8_t key, salt, iv, block, icv; };
constexpr Enc kEncryptions[] = {
    {"aes128-gcm16", Encryption::kAesGcm, 16, 4, 8, 4, 16},
    {"aes256-gcm16", Encryption::kAesGcm, 32, 4, 8, 4, 16},
    {"chacha20-poly1305", Encryption::kChaCha20Poly1305, 32, 4, 8, 4, 16},
    {"aes128", Encryption::kAesCbc, 16, 0, 16, 16, 0},
    {"aes192", Encryption::kAesCbc, 24, 0, 16, 16, 0},
    {"aes256", Encryption::kAesCbc, 32, 0, 16, 16, 0},
    {"3des", Encryption::kTripleDesCbc, 24, 0, 8, 8, 0},
};
struct Mac { const char* name; Integrity kind; uint8_t key, icv; };
constexpr Mac kIntegrities[] = {
    {"", Integrity::kNone, 0, 0},           {"md5", Integrity::kMd5, 16, 12},
    {"sha1", Integrity::kSha1, 20, 12},     {"sha256", Integrity::kSha256, 32, 16},
    {"sha384", Integrity::kSha384, 48, 24}, {"sha512", Integrity::kSha512, 64, 32},
};

// An AEAD has its own integrity; every other cipher needs one (RFC 4303 1: no confidentiality alone).
bool fit(const Enc& e, const Mac& m) { return (e.salt != 0) == (m.kind == Integrity::kNone); }

}  // namespace

bool find_suite(const std::string& encryption, const std::string& integrity, Suite* out) {
  for (const Enc& e : kEncryptions) {
    for (const Mac& m : kIntegrities) {
      if (encryption != e.name || integrity != m.name || !fit(e, m)) continue;
      *out = Suite{e.kind, m.kind, e.key, e.salt, e.iv, e.block, static_cast<uint8_t>(e.icv + m.icv), m.key};
      return true;
    }
  }
  return false;
}

std::vector<SuiteName> suite_names() {
  std::vector<SuiteName> out;
  for (const Enc& e : kEncryptions) {
    for (const Mac& m : kIntegrities) {
      if (fit(e, m)) out.push_back({e.name, m.name});
    }
  }
  return out;
}

std::unique_ptr<Cipher> make_cipher(const Suite& suite, const KeyMaterial& material, const char* kernel) {
  size_t count;
  Kernel* list = kernels(&count);
  for (size_t i = 0; i < count; i++) {
    if (kernel && strcmp(kernel, list[i].name) != 0) continue;
    if (list[i].disabled || !list[i].available()) continue;
    if (auto cipher = list[i].make(suite, material)) return cipher;
  }
  return nullptr;
}

void wipe(void* secret, size_t octets) { explicit_bzero(secret, octets); }

bool equal_constant_time(const uint8_t* a, const uint8_t* b, size_t octets) {
  uint8_t difference = 0;
  for (size_t i = 0; i < octets; i++) difference |= a[i] ^ b[i];
  return difference == 0;
}

}  // namespace sekisho
