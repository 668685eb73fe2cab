// Certificates (RFC 5280) as IKE needs them: paths to an authority, revocation by list (6.3) and by OCSP (RFC 6960).
// OpenSSL does the work; what it is given came from the network and from files, and is bounded here.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace sekisho {

using Der = std::vector<uint8_t>;

struct PathRequest {
  std::vector<Der> chain;  // the peer's own first
  std::vector<Der> authorities;
  std::vector<Der> revocation_lists;
  bool check_revocation = true;    // refuse what a list names
  bool require_revocation = false;  // refuse what no valid list speaks of
  bool own_is_known = false;        // OCSP has spoken of the first: no list needs to
};

struct Path {
  std::string error;       // empty when the path holds, else why not, in words that end a sentence
  std::vector<Der> chain;  // what was believed, up to the authority
};
Path verify_path(const PathRequest& request);

// Whether a revocation list is signed by the holder of a certificate.
bool list_is_from(const Der& list, const Der& issuer);

// What a certificate says about itself and where its revocation is told; `error` when it is none.
struct Description {
  std::string error;
  Der subject_der, issuer_der, public_key;  // Name, Name, SubjectPublicKeyInfo
  std::vector<std::string> dns, emails;    // subjectAltName
  std::vector<Der> addresses;
  std::vector<std::string> crl_urls, ocsp_urls;
  int64_t not_after = 0;  // seconds since 1970
};
Description describe(const Der& certificate);

// RFC 6960 4.1: asks about one certificate, without a nonce, so that answers may be cached.
Der ocsp_request(const Der& certificate, const Der& issuer);

struct OcspAnswer {
  std::string error;        // the answer cannot be used
  bool revoked = false;
  bool known = false;       // good or revoked, not unknown
  int64_t next_update = 0;  // seconds since 1970; 0 when newer information is always available
};
OcspAnswer ocsp_answer(const Der& response, const Der& certificate, const Der& issuer);

// Of a revocation list: until when it is good (0: unknown), -1 when it is none.
int64_t list_next_update(const Der& list);

}  // namespace sekisho
