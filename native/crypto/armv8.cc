// arm64: AES-GCM with the AES and PMULL instructions of ARMv8 (not in every chip: a Raspberry Pi 5 has them, a 4 has not),
// and ChaCha20-Poly1305 with NEON, which every arm64 has.
#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

#include "esp_layout.h"
#include "kernels.h"

#pragma GCC target("arch=armv8-a+crypto")

namespace sekisho {
namespace {

// What both AEADs do packet by packet: `Own` has `run<kSeal>(job, tag)`, which transforms the text and makes the tag.
template <class Own>
class Aead : public Cipher {
 public:
  Aead(const Suite& s, const KeyMaterial& m) : suite_(s), esn_(m.esn), next_iv_(m.first_iv) {
    memcpy(salt_, m.key + s.key, sizeof salt_);
  }
  ~Aead() override { wipe(salt_, sizeof salt_); }
  size_t batch() const override { return kFewPackets; }

  void seal(Job* jobs, size_t n) override {
    for (size_t i = 0; i < n; i++) {
      put64(iv_of(jobs[i]), next_iv_++);
      own().template run<true>(jobs[i], icv_of(suite_, jobs[i]));
      jobs[i].ok = true;
    }
  }

  void open(Job* jobs, size_t n) override {
    for (size_t i = 0; i < n; i++) {
      uint8_t tag[16];
      own().template run<false>(jobs[i], tag);
      jobs[i].ok = equal_constant_time(tag, icv_of(suite_, jobs[i]), suite_.icv);
    }
  }

 protected:
  const Suite suite_;
  const bool esn_;
  uint8_t salt_[4];

 private:
  const Own& own() const { return static_cast<const Own&>(*this); }
  uint64_t next_iv_;
};

// ---- AES (FIPS 197) ----

struct AesKey {
  uint8x16_t round[15];
  int rounds;
};

// SubWord by the round instruction: with all columns equal, its shifting of rows changes nothing.
uint32_t sub_word(uint32_t w) {
  const uint8x16_t v = vaeseq_u8(vreinterpretq_u8_u32(vdupq_n_u32(w)), vdupq_n_u8(0));
  return vgetq_lane_u32(vreinterpretq_u32_u8(v), 0);
}

void expand(AesKey* key, const uint8_t* bytes, int octets) {
  uint32_t w[60];
  const int n = octets / 4;
  key->rounds = n + 6;
  memcpy(w, bytes, octets);
  uint8_t constant = 1;
  for (int i = n; i < 4 * (key->rounds + 1); i++) {
    uint32_t t = w[i - 1];
    if (i % n == 0) {
      t = sub_word(t >> 8 | t << 24) ^ constant;
      constant = constant << 1 ^ (constant & 0x80 ? 0x1b : 0);
    } else if (n > 6 && i % n == 4) {
      t = sub_word(t);
    }
    w[i] = w[i - n] ^ t;
  }
  for (int r = 0; r <= key->rounds; r++) key->round[r] = vreinterpretq_u8_u32(vld1q_u32(w + 4 * r));
  wipe(w, sizeof w);
}

template <int N>
void encrypt(const AesKey& key, uint8x16_t* b) {
  for (int r = 0; r < key.rounds - 1; r++) {
    for (int i = 0; i < N; i++) b[i] = vaesmcq_u8(vaeseq_u8(b[i], key.round[r]));
  }
  for (int i = 0; i < N; i++) b[i] = veorq_u8(vaeseq_u8(b[i], key.round[key.rounds - 1]), key.round[key.rounds]);
}

// ---- GHASH (NIST SP 800-38D 6.3) ----
// Its bits run backwards within each octet: turned round, a block is a polynomial whose bit i is the coefficient of x^i.

struct Product {
  uint64x2_t low, middle, high;
};

uint64x2_t multiply64(uint64_t a, uint64_t b) {
  return vreinterpretq_u64_p128(vmull_p64(static_cast<poly64_t>(a), static_cast<poly64_t>(b)));
}

void multiply_add(Product* sum, uint64x2_t a, uint64x2_t b) {
  const uint64_t a0 = vgetq_lane_u64(a, 0), a1 = vgetq_lane_u64(a, 1);
  const uint64_t b0 = vgetq_lane_u64(b, 0), b1 = vgetq_lane_u64(b, 1);
  sum->low = veorq_u64(sum->low, multiply64(a0, b0));
  sum->high = veorq_u64(sum->high, multiply64(a1, b1));
  sum->middle = veorq_u64(sum->middle, multiply64(a0 ^ a1, b0 ^ b1));  // Karatsuba
}

// Modulo x^128 + x^7 + x^2 + x + 1.
uint64x2_t reduce(const Product& p) {
  const uint64x2_t middle = veorq_u64(p.middle, veorq_u64(p.low, p.high));
  const uint64_t c0 = vgetq_lane_u64(p.low, 0);
  const uint64_t c1 = vgetq_lane_u64(p.low, 1) ^ vgetq_lane_u64(middle, 0);
  const uint64_t c2 = vgetq_lane_u64(p.high, 0) ^ vgetq_lane_u64(middle, 1);
  const uint64_t c3 = vgetq_lane_u64(p.high, 1);
  const uint64x2_t t = multiply64(c3, 0x87);
  const uint64x2_t u = multiply64(c2 ^ vgetq_lane_u64(t, 1), 0x87);
  return vcombine_u64(vcreate_u64(c0 ^ vgetq_lane_u64(u, 0)),
                      vcreate_u64(c1 ^ vgetq_lane_u64(t, 0) ^ vgetq_lane_u64(u, 1)));
}

uint64x2_t turned(uint8x16_t block) { return vreinterpretq_u64_u8(vrbitq_u8(block)); }

constexpr int kLanes = 4;

class Gcm : public Aead<Gcm> {
 public:
  Gcm(const Suite& s, const KeyMaterial& m) : Aead(s, m) {
    expand(&key_, m.key, s.key);
    uint8x16_t zero = vdupq_n_u8(0);
    encrypt<1>(key_, &zero);
    power_[0] = turned(zero);
    for (int i = 1; i < kLanes; i++) {
      Product p = {};
      multiply_add(&p, power_[i - 1], power_[0]);
      power_[i] = reduce(p);
    }
  }
  ~Gcm() override {
    wipe(&key_, sizeof key_);
    wipe(power_, sizeof power_);
  }

 private:
  friend Aead;

  void absorb(uint64x2_t* hash, const uint8_t* block) const {
    Product p = {};
    multiply_add(&p, veorq_u64(*hash, turned(vld1q_u8(block))), power_[0]);
    *hash = reduce(p);
  }

  uint8x16_t counter(const uint8_t* nonce, uint32_t n) const {
    uint8_t block[16];
    memcpy(block, nonce, 12);
    put32(block + 12, n);
    return vld1q_u8(block);
  }

  template <bool kSeal>
  void run(const Job& j, uint8_t* tag) const {
    uint8_t nonce[12], padded[16] = {};
    memcpy(nonce, salt_, 4);
    memcpy(nonce + 4, iv_of(j), 8);
    const uint32_t aad_octets = aad_of(j, esn_, padded);
    uint64x2_t hash = vdupq_n_u64(0);
    absorb(&hash, padded);

    uint8_t* at = text_of(suite_, j);
    uint32_t left = j.text, count = 2;
    for (; left >= 16 * kLanes; left -= 16 * kLanes, at += 16 * kLanes) {
      uint8x16_t stream[kLanes], in[kLanes], out[kLanes];
      for (int i = 0; i < kLanes; i++) stream[i] = counter(nonce, count++);
      encrypt<kLanes>(key_, stream);
      Product p = {};
      for (int i = 0; i < kLanes; i++) {
        in[i] = vld1q_u8(at + 16 * i);
        out[i] = veorq_u8(in[i], stream[i]);
        vst1q_u8(at + 16 * i, out[i]);
        const uint64x2_t block = turned(kSeal ? out[i] : in[i]);
        multiply_add(&p, i ? block : veorq_u64(block, hash), power_[kLanes - 1 - i]);
      }
      hash = reduce(p);
    }
    for (; left; count++) {
      const uint32_t n = left < 16 ? left : 16;
      uint8x16_t stream = counter(nonce, count);
      encrypt<1>(key_, &stream);
      uint8_t block[16] = {}, key_stream[16];
      vst1q_u8(key_stream, stream);
      memcpy(block, at, n);
      if (!kSeal) absorb(&hash, block);
      for (uint32_t i = 0; i < n; i++) block[i] ^= key_stream[i];
      memcpy(at, block, n);
      if (kSeal) absorb(&hash, block);
      at += n;
      left -= n;
    }

    uint8_t lengths[16] = {};
    put32(lengths + 4, aad_octets * 8);
    put32(lengths + 12, j.text * 8);
    absorb(&hash, lengths);
    uint8x16_t mask = counter(nonce, 1);
    encrypt<1>(key_, &mask);
    vst1q_u8(tag, veorq_u8(mask, vrbitq_u8(vreinterpretq_u8_u64(hash))));
  }

  AesKey key_;
  uint64x2_t power_[kLanes];  // H, H^2, ...
};

// ---- ChaCha20 (RFC 8439 2.3): four blocks side by side, a word of the state in each vector ----

template <int N>
uint32x4_t rotate(uint32x4_t v) {
  if constexpr (N == 16) return vreinterpretq_u32_u16(vrev32q_u16(vreinterpretq_u16_u32(v)));
  else return vsriq_n_u32(vshlq_n_u32(v, N), v, 32 - N);
}

void quarter(uint32x4_t* x, int a, int b, int c, int d) {
  x[a] = vaddq_u32(x[a], x[b]);
  x[d] = rotate<16>(veorq_u32(x[d], x[a]));
  x[c] = vaddq_u32(x[c], x[d]);
  x[b] = rotate<12>(veorq_u32(x[b], x[c]));
  x[a] = vaddq_u32(x[a], x[b]);
  x[d] = rotate<8>(veorq_u32(x[d], x[a]));
  x[c] = vaddq_u32(x[c], x[d]);
  x[b] = rotate<7>(veorq_u32(x[b], x[c]));
}

// Four blocks of key stream, 256 octets, from block number `count` on.
void chacha_blocks(const uint32_t* key, const uint8_t* nonce, uint32_t count, uint8_t* out) {
  static const uint32_t kConstant[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  static const uint32_t kSteps[4] = {0, 1, 2, 3};
  uint32x4_t start[16], x[16];
  for (int i = 0; i < 4; i++) start[i] = vdupq_n_u32(kConstant[i]);
  for (int i = 0; i < 8; i++) start[4 + i] = vdupq_n_u32(key[i]);
  start[12] = vaddq_u32(vdupq_n_u32(count), vld1q_u32(kSteps));
  for (int i = 0; i < 3; i++) {
    uint32_t word;
    memcpy(&word, nonce + 4 * i, 4);
    start[13 + i] = vdupq_n_u32(word);
  }
  memcpy(x, start, sizeof x);
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < 4; i++) quarter(x, i, 4 + i, 8 + i, 12 + i);
    for (int i = 0; i < 4; i++) quarter(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
  }
  for (int i = 0; i < 16; i++) x[i] = vaddq_u32(x[i], start[i]);
  // Words of one block lie across four vectors: turned, four at a time.
  for (int i = 0; i < 16; i += 4) {
    const uint32x4x2_t a = vtrnq_u32(x[i], x[i + 1]), b = vtrnq_u32(x[i + 2], x[i + 3]);
    const uint32x4_t rows[4] = {
        vcombine_u32(vget_low_u32(a.val[0]), vget_low_u32(b.val[0])),
        vcombine_u32(vget_low_u32(a.val[1]), vget_low_u32(b.val[1])),
        vcombine_u32(vget_high_u32(a.val[0]), vget_high_u32(b.val[0])),
        vcombine_u32(vget_high_u32(a.val[1]), vget_high_u32(b.val[1])),
    };
    for (int block = 0; block < 4; block++) vst1q_u8(out + 64 * block + 4 * i, vreinterpretq_u8_u32(rows[block]));
  }
}

// ---- Poly1305 (RFC 8439 2.5): three limbs of 44, 44 and 42 bits, products of 128 bits ----

class Poly1305 {
 public:
  explicit Poly1305(const uint8_t* key) {
    const uint64_t t0 = word(key), t1 = word(key + 8);
    r_[0] = t0 & 0xffc0fffffff;
    r_[1] = (t0 >> 44 | t1 << 20) & 0xfffffc0ffff;
    r_[2] = t1 >> 24 & 0x00ffffffc0f;
    s_[0] = word(key + 16);
    s_[1] = word(key + 24);
  }
  ~Poly1305() {
    wipe(r_, sizeof r_);
    wipe(s_, sizeof s_);
  }

  // Whole blocks and, padded with zeros to one, what is left: what the AEAD does with each of its parts.
  void absorb(const uint8_t* data, uint32_t octets) {
    for (; octets >= 16; data += 16, octets -= 16) block(data);
    if (!octets) return;
    uint8_t last[16] = {};
    memcpy(last, data, octets);
    block(last);
  }

  void finish(uint8_t* tag) {
    // Carried through, then less the prime where that is not negative.
    carry();
    carry();
    uint64_t g0 = h_[0] + 5, g1 = h_[1] + (g0 >> 44), g2 = h_[2] + (g1 >> 44) - (uint64_t(1) << 42);
    g0 &= k44;
    g1 &= k44;
    const uint64_t keep = -(g2 >> 63);
    const uint64_t a = (h_[0] & keep) | (g0 & ~keep), b = (h_[1] & keep) | (g1 & ~keep), c = (h_[2] & keep) | (g2 & ~keep);
    const uint64_t low = a | b << 44, high = b >> 20 | c << 24;
    const unsigned __int128 sum = (unsigned __int128)low + s_[0];
    const uint64_t out[2] = {uint64_t(sum), high + s_[1] + uint64_t(sum >> 64)};
    memcpy(tag, out, 16);
  }

 private:
  static constexpr uint64_t k44 = (uint64_t(1) << 44) - 1, k42 = (uint64_t(1) << 42) - 1;

  static uint64_t word(const uint8_t* p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
  }

  void carry() {
    h_[1] += h_[0] >> 44;
    h_[0] &= k44;
    h_[2] += h_[1] >> 44;
    h_[1] &= k44;
    h_[0] += (h_[2] >> 42) * 5;
    h_[2] &= k42;
  }

  void block(const uint8_t* m) {
    using Wide = unsigned __int128;
    const uint64_t t0 = word(m), t1 = word(m + 8);
    const uint64_t a = h_[0] + (t0 & k44), b = h_[1] + ((t0 >> 44 | t1 << 20) & k44),
                   c = h_[2] + (t1 >> 24 | uint64_t(1) << 40);
    // What overflows 2^130 comes back times 5, and the limbs' places give another 4.
    const uint64_t s1 = r_[1] * 20, s2 = r_[2] * 20;
    Wide d0 = Wide(a) * r_[0] + Wide(b) * s2 + Wide(c) * s1;
    Wide d1 = Wide(a) * r_[1] + Wide(b) * r_[0] + Wide(c) * s2;
    Wide d2 = Wide(a) * r_[2] + Wide(b) * r_[1] + Wide(c) * r_[0];
    d1 += uint64_t(d0 >> 44);
    d2 += uint64_t(d1 >> 44);
    h_[0] = (uint64_t(d0) & k44) + uint64_t(d2 >> 42) * 5;
    h_[1] = (uint64_t(d1) & k44) + (h_[0] >> 44);
    h_[0] &= k44;
    h_[2] = uint64_t(d2) & k42;
  }

  uint64_t r_[3], s_[2], h_[3] = {};
};

class ChaCha : public Aead<ChaCha> {
 public:
  ChaCha(const Suite& s, const KeyMaterial& m) : Aead(s, m) {
    memcpy(key_, m.key, sizeof key_);
  }
  ~ChaCha() override {
    wipe(key_, sizeof key_);
  }

 private:
  friend Aead;

  // RFC 7634 2, RFC 8439 2.8. The first block of key stream is the authenticator's key.
  template <bool kSeal>
  void run(const Job& j, uint8_t* tag) const {
    uint8_t nonce[12], aad[12], stream[256];
    memcpy(nonce, salt_, 4);
    memcpy(nonce + 4, iv_of(j), 8);
    const uint32_t aad_octets = aad_of(j, esn_, aad);
    chacha_blocks(key_, nonce, 0, stream);
    Poly1305 mac(stream);
    mac.absorb(aad, aad_octets);
    uint8_t* const text = text_of(suite_, j);
    if (!kSeal) mac.absorb(text, j.text);
    uint32_t used = 64, count = 4;
    for (uint32_t at = 0; at < j.text;) {
      if (used == sizeof stream) {
        chacha_blocks(key_, nonce, count, stream);
        count += 4;
        used = 0;
      }
      const uint32_t left = j.text - at, room = sizeof stream - used, n = left < room ? left : room;
      uint32_t i = 0;
      for (; i + 16 <= n; i += 16) vst1q_u8(text + at + i, veorq_u8(vld1q_u8(text + at + i), vld1q_u8(stream + used + i)));
      for (; i < n; i++) text[at + i] ^= stream[used + i];
      at += n;
      used += n;
    }
    if (kSeal) mac.absorb(text, j.text);
    const uint64_t lengths[2] = {aad_octets, j.text};
    mac.absorb(reinterpret_cast<const uint8_t*>(lengths), sizeof lengths);
    mac.finish(tag);
    wipe(stream, sizeof stream);
  }

  uint32_t key_[8];
};

std::unique_ptr<Cipher> make_gcm(const Suite& s, const KeyMaterial& m) {
  if (s.encryption == Encryption::kAesGcm) return std::make_unique<Gcm>(s, m);
  return nullptr;
}

std::unique_ptr<Cipher> make_chacha(const Suite& s, const KeyMaterial& m) {
  if (s.encryption == Encryption::kChaCha20Poly1305) return std::make_unique<ChaCha>(s, m);
  return nullptr;
}

}  // namespace

const Kernel kArmv8Gcm = {"armv8-aes-pmull",
                          [] {
                            const unsigned long has = getauxval(AT_HWCAP);
                            return (has & HWCAP_AES) && (has & HWCAP_PMULL);
                          },
                          make_gcm, false};
const Kernel kNeonChaCha = {"neon-chacha", [] { return true; }, make_chacha, false};

}  // namespace sekisho
