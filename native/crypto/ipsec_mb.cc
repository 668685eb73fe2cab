// intel-ipsec-mb (x86-64): direct GCM and ChaCha20-Poly1305, and jobs that work on many CBC+HMAC packets at once.
#include <intel-ipsec-mb.h>

#include <cstdlib>

#include "esp_layout.h"
#include "kernels.h"

namespace sekisho {
namespace {

// The manager keeps jobs in flight, so each thread has its own; it lives as long as the thread.
struct Manager {
  IMB_MGR* mgr = alloc_mb_mgr(0);
  Manager() {
    if (mgr) init_mb_mgr_auto(mgr, nullptr);
  }
  ~Manager() {
    if (mgr) free_mb_mgr(mgr);
  }
};

IMB_MGR* manager() {
  static thread_local Manager m;
  return m.mgr;
}

bool available() { return manager() && (manager()->features & IMB_FEATURE_AESNI); }

class Gcm : public Cipher {
 public:
  Gcm(const Suite& s, const KeyMaterial& m) : suite_(s), esn_(m.esn), next_iv_(m.first_iv) {
    memcpy(nonce_, m.key + s.key, s.salt);
    if (s.key == 16) IMB_AES128_GCM_PRE(manager(), m.key, &key_);
    else IMB_AES256_GCM_PRE(manager(), m.key, &key_);
  }
  ~Gcm() override {
    wipe(&key_, sizeof key_);
    wipe(nonce_, sizeof nonce_);
  }

  size_t batch() const override { return kFewPackets; }
  void seal(Job* jobs, size_t n) override {
    IMB_MGR* m = manager();
    const auto run = suite_.key == 16 ? m->gcm128_enc : m->gcm256_enc;
    for (size_t i = 0; i < n; i++) {
      Job& j = jobs[i];
      put64(iv_of(j), next_iv_++);
      uint8_t aad[12];
      const uint32_t aad_octets = aad_of(j, esn_, aad);
      memcpy(nonce_ + 4, iv_of(j), 8);
      uint8_t* text = text_of(suite_, j);
      run(&key_, &context_, text, text, j.text, nonce_, aad, aad_octets, icv_of(suite_, j), suite_.icv);
      j.ok = true;
    }
  }

  void open(Job* jobs, size_t n) override {
    IMB_MGR* m = manager();
    const auto run = suite_.key == 16 ? m->gcm128_dec : m->gcm256_dec;
    for (size_t i = 0; i < n; i++) {
      Job& j = jobs[i];
      uint8_t aad[12], tag[16];
      const uint32_t aad_octets = aad_of(j, esn_, aad);
      memcpy(nonce_ + 4, iv_of(j), 8);
      uint8_t* text = text_of(suite_, j);
      run(&key_, &context_, text, text, j.text, nonce_, aad, aad_octets, tag, suite_.icv);
      j.ok = equal_constant_time(tag, icv_of(suite_, j), suite_.icv);
    }
  }

 private:
  const Suite suite_;
  const bool esn_;
  uint8_t nonce_[12];
  uint64_t next_iv_;
  alignas(64) gcm_key_data key_;
  gcm_context_data context_;
};

class ChaCha : public Cipher {
 public:
  ChaCha(const Suite& s, const KeyMaterial& m) : suite_(s), esn_(m.esn), next_iv_(m.first_iv) {
    memcpy(key_, m.key, s.key);
    memcpy(nonce_, m.key + s.key, s.salt);
  }
  ~ChaCha() override {
    wipe(key_, sizeof key_);
    wipe(nonce_, sizeof nonce_);
    wipe(&context_, sizeof context_);
  }

  size_t batch() const override { return kFewPackets; }
  void seal(Job* jobs, size_t n) override {
    IMB_MGR* m = manager();
    for (size_t i = 0; i < n; i++) {
      Job& j = jobs[i];
      put64(iv_of(j), next_iv_++);
      begin(m, j);
      uint8_t* text = text_of(suite_, j);
      IMB_CHACHA20_POLY1305_ENC_UPDATE(m, key_, &context_, text, text, j.text);
      IMB_CHACHA20_POLY1305_ENC_FINALIZE(m, &context_, icv_of(suite_, j), suite_.icv);
      j.ok = true;
    }
  }

  void open(Job* jobs, size_t n) override {
    IMB_MGR* m = manager();
    for (size_t i = 0; i < n; i++) {
      Job& j = jobs[i];
      uint8_t tag[16];
      begin(m, j);
      uint8_t* text = text_of(suite_, j);
      IMB_CHACHA20_POLY1305_DEC_UPDATE(m, key_, &context_, text, text, j.text);
      IMB_CHACHA20_POLY1305_DEC_FINALIZE(m, &context_, tag, suite_.icv);
      j.ok = equal_constant_time(tag, icv_of(suite_, j), suite_.icv);
    }
  }

 private:
  void begin(IMB_MGR* m, const Job& j) {
    uint8_t aad[12];
    const uint32_t aad_octets = aad_of(j, esn_, aad);
    memcpy(nonce_ + 4, iv_of(j), 8);
    IMB_CHACHA20_POLY1305_INIT(m, key_, &context_, nonce_, aad, aad_octets);
  }

  const Suite suite_;
  const bool esn_;
  uint8_t key_[32];
  uint8_t nonce_[12];
  uint64_t next_iv_;
  chacha20_poly1305_context_data context_;
};

class CbcHmac : public Cipher {
 public:
  CbcHmac(const Suite& s, const KeyMaterial& m) : suite_(s), esn_(m.esn) {
    IMB_MGR* mgr = manager();
    if (s.key == 16) IMB_AES_KEYEXP_128(mgr, m.key, encrypt_, decrypt_);
    else if (s.key == 24) IMB_AES_KEYEXP_192(mgr, m.key, encrypt_, decrypt_);
    else IMB_AES_KEYEXP_256(mgr, m.key, encrypt_, decrypt_);
    pad(mgr, m.mac_key, 0x36, inner_);
    pad(mgr, m.mac_key, 0x5c, outer_);
  }
  ~CbcHmac() override {
    wipe(encrypt_, sizeof encrypt_);
    wipe(decrypt_, sizeof decrypt_);
    wipe(inner_, sizeof inner_);
    wipe(outer_, sizeof outer_);
  }

  size_t batch() const override { return kMaxBatch; }
  void seal(Job* jobs, size_t n) override {
    for (size_t i = 0; i < n; i++) {
      random_iv(iv_of(jobs[i]), suite_.iv);
      high(jobs[i]);
    }
    run(jobs, n, true, nullptr);
  }

  void open(Job* jobs, size_t n) override {
    uint8_t tags[kMaxBatch][32], received[kMaxBatch][32];
    for (size_t i = 0; i < n; i++) {
      memcpy(received[i], icv_of(suite_, jobs[i]), suite_.icv);
      high(jobs[i]);
    }
    run(jobs, n, false, tags);
    for (size_t i = 0; i < n; i++) {
      jobs[i].ok = jobs[i].ok && equal_constant_time(tags[i], received[i], suite_.icv);
    }
  }

 private:
  // The upper half of an extended sequence number is hashed behind the text: for that it stands where the ICV goes.
  void high(const Job& j) {
    if (esn_) put32(icv_of(suite_, j), j.sequence_high);
  }

  // Sets each job's `ok` when the library did it: one that it refuses must neither be sent nor believed.
  void run(Job* jobs, size_t n, bool encrypt, uint8_t (*tags)[32]) {
    IMB_MGR* mgr = manager();
    auto done = [](IMB_JOB* job) {
      if (job) static_cast<Job*>(job->user_data)->ok = job->status == IMB_STATUS_COMPLETED;
    };
    for (size_t i = 0; i < n; i++) {
      Job& j = jobs[i];
      j.ok = false;
      IMB_JOB* job = IMB_GET_NEXT_JOB(mgr);
      job->user_data = &j;
      job->cipher_mode = IMB_CIPHER_CBC;
      job->cipher_direction = encrypt ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
      job->chain_order = encrypt ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
      job->hash_alg = algorithm();
      job->enc_keys = encrypt_;
      job->dec_keys = decrypt_;
      job->key_len_in_bytes = suite_.key;
      job->src = j.esp;
      job->dst = text_of(suite_, j);
      job->cipher_start_src_offset_in_bytes = kEspHeader + suite_.iv;
      job->msg_len_to_cipher_in_bytes = j.text;
      job->hash_start_src_offset_in_bytes = 0;
      job->msg_len_to_hash_in_bytes = kEspHeader + suite_.iv + j.text + (esn_ ? 4 : 0);
      job->iv = iv_of(j);
      job->iv_len_in_bytes = suite_.iv;
      job->auth_tag_output = tags ? tags[i] : icv_of(suite_, j);
      job->auth_tag_output_len_in_bytes = suite_.icv;
      job->u.HMAC._hashed_auth_key_xor_ipad = inner_;
      job->u.HMAC._hashed_auth_key_xor_opad = outer_;
      done(IMB_SUBMIT_JOB(mgr));
    }
    while (IMB_JOB* job = IMB_FLUSH_JOB(mgr)) done(job);
  }

  IMB_HASH_ALG algorithm() const {
    switch (suite_.integrity) {
      case Integrity::kMd5: return IMB_AUTH_MD5;
      case Integrity::kSha1: return IMB_AUTH_HMAC_SHA_1;
      case Integrity::kSha256: return IMB_AUTH_HMAC_SHA_256;
      case Integrity::kSha384: return IMB_AUTH_HMAC_SHA_384;
      default: return IMB_AUTH_HMAC_SHA_512;
    }
  }

  // HMAC's padded key, hashed once (RFC 2104 4).
  void pad(IMB_MGR* mgr, const uint8_t* key, uint8_t with, uint8_t* out) {
    alignas(64) uint8_t block[128];
    memset(block, with, sizeof block);
    for (size_t i = 0; i < suite_.mac_key; i++) block[i] ^= key[i];
    switch (suite_.integrity) {
      case Integrity::kMd5: IMB_MD5_ONE_BLOCK(mgr, block, out); break;
      case Integrity::kSha1: IMB_SHA1_ONE_BLOCK(mgr, block, out); break;
      case Integrity::kSha256: IMB_SHA256_ONE_BLOCK(mgr, block, out); break;
      case Integrity::kSha384: IMB_SHA384_ONE_BLOCK(mgr, block, out); break;
      default: IMB_SHA512_ONE_BLOCK(mgr, block, out);
    }
    wipe(block, sizeof block);
  }

  const Suite suite_;
  const bool esn_;
  alignas(64) uint32_t encrypt_[15 * 4];
  alignas(64) uint32_t decrypt_[15 * 4];
  alignas(64) uint8_t inner_[64];
  alignas(64) uint8_t outer_[64];
};

std::unique_ptr<Cipher> make(const Suite& s, const KeyMaterial& m) {
  switch (s.encryption) {
    case Encryption::kAesGcm: return std::make_unique<Gcm>(s, m);
    case Encryption::kChaCha20Poly1305: return std::make_unique<ChaCha>(s, m);
    case Encryption::kAesCbc: return std::make_unique<CbcHmac>(s, m);
    default: return nullptr;  // 3DES: nobody needs it fast
  }
}

}  // namespace

const Kernel kIpsecMb = {"intel-ipsec-mb", available, make, false};

}  // namespace sekisho
