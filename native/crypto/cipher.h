// One interface over every crypto kernel: an SA's cipher seals or opens a batch of ESP packets in place.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sekisho {

enum class Encryption : uint8_t { kAesCbc, kTripleDesCbc, kAesGcm, kChaCha20Poly1305 };
enum class Integrity : uint8_t { kNone, kMd5, kSha1, kSha256, kSha384, kSha512 };

// Sizes in octets; RFC 2451, 3602, 4106, 7634 (ciphers), 2403, 2404, 4868 (integrity).
struct Suite {
  Encryption encryption;
  Integrity integrity;
  uint8_t key;      // cipher key without salt
  uint8_t salt;     // of an AEAD, taken from the key material
  uint8_t iv;       // in each packet
  uint8_t block;    // what padding aligns to
  uint8_t icv;
  uint8_t mac_key;
  bool aead() const { return salt != 0; }
};

// One packet of a batch. `esp` is the ESP header; IV, text and ICV follow it without a gap.
struct Job {
  uint8_t* esp;
  uint32_t text;      // octets between IV and ICV, a multiple of the block
  uint32_t sequence_high;
  bool ok;            // open(): the ICV verified
};

constexpr size_t kMaxBatch = 128;
constexpr size_t kFewPackets = 4;

class Cipher {
 public:
  virtual ~Cipher() = default;
  // How many packets it likes to get at once, at most kMaxBatch: few where it works packet by packet, so that they are
  // still in the first cache, many where it works on all of them side by side.
  virtual size_t batch() const = 0;
  // Fills in IV, ciphertext and ICV. `n` is at most kMaxBatch.
  virtual void seal(Job* jobs, size_t n) = 0;
  // Verifies first and decrypts what verified; sets each job's `ok`.
  virtual void open(Job* jobs, size_t n) = 0;
};

struct KeyMaterial {
  const uint8_t* key;      // suite.key + suite.salt octets
  const uint8_t* mac_key;  // suite.mac_key octets
  bool esn;
  // IVs of an AEAD count from here (RFC 4106 3.1): unique per key, which one sender alone uses.
  uint64_t first_iv;
};

// A kernel is one implementation. The first in order that supports a suite and passed its known answers is used.
struct Kernel {
  const char* name;
  bool (*available)();  // on this CPU
  std::unique_ptr<Cipher> (*make)(const Suite&, const KeyMaterial&);  // null where the suite is not supported
  bool disabled;        // failed its known answers
};

Kernel* kernels(size_t* count);

// The best kernel's cipher for a suite, or the named kernel's. Null when there is none.
std::unique_ptr<Cipher> make_cipher(const Suite&, const KeyMaterial&, const char* kernel = nullptr);

// Fills a suite from the names of the configuration ("aes256-gcm16", "sha256"); false for unknown names.
bool find_suite(const std::string& encryption, const std::string& integrity, Suite* out);

// Every suite there is, by the configuration's names.
struct SuiteName {
  const char* encryption;
  const char* integrity;
};
std::vector<SuiteName> suite_names();
// "aes256/sha256", "aes128-gcm16".
inline std::string title(const SuiteName& s) {
  return std::string(s.encryption) + (*s.integrity ? "/" : "") + s.integrity;
}

// Overwrites secrets so that the compiler cannot leave it out.
void wipe(void* secret, size_t octets);

// Octets that are wiped wherever they end.
struct Secret : std::vector<uint8_t> {
  using std::vector<uint8_t>::vector;
  Secret(Secret&&) = default;
  Secret& operator=(Secret&&) = default;
  ~Secret() {
    if (!empty()) wipe(data(), size());
  }
};

// Compares in time that depends on the length only.
bool equal_constant_time(const uint8_t* a, const uint8_t* b, size_t octets);

}  // namespace sekisho
