// The reference kernel: OpenSSL's EVP, one context a direction of an SA. Works everywhere, one packet at a time.
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstdlib>

#include "esp_layout.h"
#include "kernels.h"

namespace sekisho {
namespace {

const EVP_CIPHER* evp(const Suite& s) {
  switch (s.encryption) {
    case Encryption::kAesCbc:
      return s.key == 16 ? EVP_aes_128_cbc() : s.key == 24 ? EVP_aes_192_cbc() : EVP_aes_256_cbc();
    case Encryption::kTripleDesCbc: return EVP_des_ede3_cbc();
    case Encryption::kAesGcm: return s.key == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
    case Encryption::kChaCha20Poly1305: return EVP_chacha20_poly1305();
  }
  return nullptr;
}

const EVP_MD* digest(Integrity i) {
  switch (i) {
    case Integrity::kNone: return nullptr;
    case Integrity::kMd5: return EVP_md5();
    case Integrity::kSha1: return EVP_sha1();
    case Integrity::kSha256: return EVP_sha256();
    case Integrity::kSha384: return EVP_sha384();
    case Integrity::kSha512: return EVP_sha512();
  }
  return nullptr;
}

class Aead : public Cipher {
 public:
  Aead(const Suite& s, const KeyMaterial& m) : suite_(s), esn_(m.esn), next_iv_(m.first_iv) {
    memcpy(nonce_, m.key + s.key, s.salt);
    seal_ = EVP_CIPHER_CTX_new();
    open_ = EVP_CIPHER_CTX_new();
    ok_ = EVP_CipherInit_ex(seal_, evp(s), nullptr, m.key, nullptr, 1) == 1 &&
          EVP_CipherInit_ex(open_, evp(s), nullptr, m.key, nullptr, 0) == 1;
  }
  ~Aead() override {
    EVP_CIPHER_CTX_free(seal_);
    EVP_CIPHER_CTX_free(open_);
    wipe(nonce_, sizeof nonce_);
  }
  bool ready() const { return ok_; }

  size_t batch() const override { return kFewPackets; }
  void seal(Job* jobs, size_t n) override {
    for (size_t i = 0; i < n; i++) {
      Job& j = jobs[i];
      put64(iv_of(j), next_iv_++);
      uint8_t aad[12];
      const uint32_t aad_octets = aad_of(j, esn_, aad);
      memcpy(nonce_ + 4, iv_of(j), 8);
      uint8_t* text = text_of(suite_, j);
      int length;
      EVP_CipherInit_ex(seal_, nullptr, nullptr, nullptr, nonce_, 1);
      EVP_CipherUpdate(seal_, nullptr, &length, aad, aad_octets);
      EVP_CipherUpdate(seal_, text, &length, text, j.text);
      EVP_CipherFinal_ex(seal_, text + length, &length);
      EVP_CIPHER_CTX_ctrl(seal_, EVP_CTRL_AEAD_GET_TAG, suite_.icv, icv_of(suite_, j));
      j.ok = true;
    }
  }

  void open(Job* jobs, size_t n) override {
    for (size_t i = 0; i < n; i++) {
      Job& j = jobs[i];
      uint8_t aad[12];
      const uint32_t aad_octets = aad_of(j, esn_, aad);
      memcpy(nonce_ + 4, iv_of(j), 8);
      uint8_t* text = text_of(suite_, j);
      int length;
      EVP_CipherInit_ex(open_, nullptr, nullptr, nullptr, nonce_, 0);
      EVP_CIPHER_CTX_ctrl(open_, EVP_CTRL_AEAD_SET_TAG, suite_.icv, icv_of(suite_, j));
      EVP_CipherUpdate(open_, nullptr, &length, aad, aad_octets);
      EVP_CipherUpdate(open_, text, &length, text, j.text);
      j.ok = EVP_CipherFinal_ex(open_, text + length, &length) == 1;
    }
  }

 private:
  const Suite suite_;
  const bool esn_;
  bool ok_;
  uint8_t nonce_[12];
  uint64_t next_iv_;
  EVP_CIPHER_CTX* seal_;
  EVP_CIPHER_CTX* open_;
};

class CbcHmac : public Cipher {
 public:
  CbcHmac(const Suite& s, const KeyMaterial& m) : suite_(s), esn_(m.esn) {
    seal_ = EVP_CIPHER_CTX_new();
    open_ = EVP_CIPHER_CTX_new();
    mac_ = HMAC_CTX_new();
    ok_ = EVP_CipherInit_ex(seal_, evp(s), nullptr, m.key, nullptr, 1) == 1 &&
          EVP_CipherInit_ex(open_, evp(s), nullptr, m.key, nullptr, 0) == 1 &&
          HMAC_Init_ex(mac_, m.mac_key, s.mac_key, digest(s.integrity), nullptr) == 1;
    if (!ok_) return;
    EVP_CIPHER_CTX_set_padding(seal_, 0);
    EVP_CIPHER_CTX_set_padding(open_, 0);
  }
  ~CbcHmac() override {
    EVP_CIPHER_CTX_free(seal_);
    EVP_CIPHER_CTX_free(open_);
    HMAC_CTX_free(mac_);
  }
  bool ready() const { return ok_; }

  size_t batch() const override { return kFewPackets; }
  void seal(Job* jobs, size_t n) override {
    for (size_t i = 0; i < n; i++) {
      Job& j = jobs[i];
      random_iv(iv_of(j), suite_.iv);
      run(seal_, j, 1);
      uint8_t full[EVP_MAX_MD_SIZE];
      mac(j, full);
      memcpy(icv_of(suite_, j), full, suite_.icv);
      j.ok = true;
    }
  }

  void open(Job* jobs, size_t n) override {
    for (size_t i = 0; i < n; i++) {
      Job& j = jobs[i];
      uint8_t full[EVP_MAX_MD_SIZE];
      mac(j, full);
      j.ok = equal_constant_time(full, icv_of(suite_, j), suite_.icv);
      if (j.ok) run(open_, j, 0);
    }
  }

 private:
  void run(EVP_CIPHER_CTX* ctx, const Job& j, int encrypt) {
    uint8_t* text = text_of(suite_, j);
    int length;
    EVP_CipherInit_ex(ctx, nullptr, nullptr, nullptr, iv_of(j), encrypt);
    EVP_CipherUpdate(ctx, text, &length, text, j.text);
  }

  // With ESN the upper half of the sequence number follows the text, though it is not sent (RFC 4303 2.2.1).
  void mac(const Job& j, uint8_t* out) {
    unsigned length;
    HMAC_Init_ex(mac_, nullptr, 0, nullptr, nullptr);
    HMAC_Update(mac_, j.esp, kEspHeader + suite_.iv + j.text);
    if (esn_) {
      uint8_t high[4];
      put32(high, j.sequence_high);
      HMAC_Update(mac_, high, 4);
    }
    HMAC_Final(mac_, out, &length);
  }

  const Suite suite_;
  const bool esn_;
  bool ok_;
  EVP_CIPHER_CTX* seal_;
  EVP_CIPHER_CTX* open_;
  HMAC_CTX* mac_;
};

std::unique_ptr<Cipher> make(const Suite& s, const KeyMaterial& m) {
  if (s.aead()) {
    auto c = std::make_unique<Aead>(s, m);
    if (c->ready()) return c;
  } else {
    auto c = std::make_unique<CbcHmac>(s, m);
    if (c->ready()) return c;
  }
  return nullptr;
}

}  // namespace

// CBC needs IVs that nobody can foretell (RFC 3602 3): drawn in one go, used up octet by octet.
void random_iv(uint8_t* out, size_t octets) {
  static thread_local uint8_t pool[4096];
  static thread_local size_t used = sizeof pool;
  if (used + octets > sizeof pool) {
    // No packet leaves under an IV that could be foretold: without randomness there is nothing to do but stop.
    if (RAND_bytes(pool, sizeof pool) != 1) abort();
    used = 0;
  }
  memcpy(out, pool + used, octets);
  used += octets;
}

const Kernel kOpenssl = {"openssl", [] { return true; }, make, false};

}  // namespace sekisho
