#include "verify.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace sekisho {
namespace {

// A site's path has three certificates; a hostile one must not keep a thread busy.
constexpr size_t kMostCertificates = 16, kMostOctets = 1 << 20;
constexpr int kDeepest = 8;
// 112 bits of security: RSA from 2,048 bits, nothing signed over SHA-1 (SP 800-57 5.6.1).
constexpr int kSecurityLevel = 2;
// Clocks of two machines differ.
constexpr long kSkewSeconds = 300;
constexpr long kFreshSeconds = 86'400;

template <auto free>
struct Free {
  template <typename T>
  void operator()(T* p) const { free(p); }
};
template <typename T, auto free>
using Owned = std::unique_ptr<T, Free<free>>;

using Certificate = Owned<X509, X509_free>;
using RevocationList = Owned<X509_CRL, X509_CRL_free>;
using Store = Owned<X509_STORE, X509_STORE_free>;
using Context = Owned<X509_STORE_CTX, X509_STORE_CTX_free>;
using Text = Owned<BIO, BIO_free_all>;
void free_certificates(STACK_OF(X509)* s) { sk_X509_pop_free(s, X509_free); }
using Certificates = Owned<STACK_OF(X509), free_certificates>;

template <typename T, typename Read>
T* parse(const Der& der, Read read) {
  if (der.size() > kMostOctets) return nullptr;
  const uint8_t* p = der.data();
  T* out = read(nullptr, &p, static_cast<long>(der.size()));
  ERR_clear_error();
  return out;
}

Certificate certificate(const Der& der) { return Certificate(parse<X509>(der, d2i_X509)); }
RevocationList revocation_list(const Der& der) { return RevocationList(parse<X509_CRL>(der, d2i_X509_CRL)); }

template <typename T, typename Write>
Der der_of(T* value, Write write) {
  const int size = write(value, nullptr);
  if (size <= 0) return {};
  Der out(static_cast<size_t>(size));
  uint8_t* p = out.data();
  write(value, &p);
  return out;
}

std::string text_of(const X509_NAME* name) {
  Text out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

int64_t seconds_of(const ASN1_TIME* time) {
  tm parts = {};
  return time && ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

std::string text_of(const ASN1_STRING* s) {
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)), static_cast<size_t>(ASN1_STRING_length(s)));
}

// Nothing known of a certificate is no reason to refuse it, unless the configuration says so; the authority that is
// configured is believed without a list in any case.
int judge(int ok, X509_STORE_CTX* context) {
  if (ok) return 1;
  const auto& request = *static_cast<const PathRequest*>(X509_STORE_CTX_get_ex_data(context, 0));
  const int error = X509_STORE_CTX_get_error(context), depth = X509_STORE_CTX_get_error_depth(context);
  const bool unknown = error == X509_V_ERR_UNABLE_TO_GET_CRL || error == X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER ||
                       error == X509_V_ERR_CRL_HAS_EXPIRED || error == X509_V_ERR_CRL_NOT_YET_VALID;
  const bool anchor = depth == sk_X509_num(X509_STORE_CTX_get0_chain(context)) - 1;
  return unknown && (!request.require_revocation || anchor || (depth == 0 && request.own_is_known));
}

// RFC 4945 5.1.3.2 and 5.1.3.12: a key that must not sign, or is for something else altogether.
std::string wrong_usage(X509* own) {
  const uint32_t usage = X509_get_key_usage(own);
  if (usage != UINT32_MAX && !(usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
    return "its key usage does not allow digital signatures";
  const uint32_t extended = X509_get_extended_key_usage(own);
  if (extended == UINT32_MAX || extended & (XKU_ANYEKU | XKU_SSL_SERVER | XKU_SSL_CLIENT)) return "";
  using Usages = Owned<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>;
  Usages usages(static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(own, NID_ext_key_usage, nullptr, nullptr)));
  for (int i = 0; usages && i < sk_ASN1_OBJECT_num(usages.get()); i++) {
    const int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(usages.get(), i));
    if (nid == NID_ipsec_IKE || nid == NID_ipsecEndSystem || nid == NID_ipsecTunnel || nid == NID_ipsecUser) return "";
    char oid[32];
    OBJ_obj2txt(oid, sizeof oid, sk_ASN1_OBJECT_value(usages.get(), i), 1);
    if (std::string(oid) == "1.3.6.1.5.5.8.2.2") return "";  // iKEIntermediate of the drafts
  }
  return "its extended key usage names neither IKE nor a server or client";
}

std::vector<std::string> urls(X509* c, int kind) {
  std::vector<std::string> out;
  if (kind == NID_info_access) {
    STACK_OF(OPENSSL_STRING)* list = X509_get1_ocsp(c);
    for (int i = 0; i < sk_OPENSSL_STRING_num(list); i++) out.push_back(sk_OPENSSL_STRING_value(list, i));
    X509_email_free(list);
    return out;
  }
  using Points = Owned<CRL_DIST_POINTS, CRL_DIST_POINTS_free>;
  Points points(static_cast<CRL_DIST_POINTS*>(X509_get_ext_d2i(c, NID_crl_distribution_points, nullptr, nullptr)));
  for (int i = 0; points && i < sk_DIST_POINT_num(points.get()); i++) {
    const DIST_POINT_NAME* name = sk_DIST_POINT_value(points.get(), i)->distpoint;
    if (!name || name->type != 0) continue;
    for (int j = 0; j < sk_GENERAL_NAME_num(name->name.fullname); j++) {
      const GENERAL_NAME* g = sk_GENERAL_NAME_value(name->name.fullname, j);
      if (g->type == GEN_URI) out.push_back(text_of(g->d.uniformResourceIdentifier));
    }
  }
  return out;
}

}  // namespace

Path verify_path(const PathRequest& request) {
  if (request.chain.empty()) return {"there is no certificate", {}};
  if (request.chain.size() > kMostCertificates) return {"there are too many certificates", {}};
  Store store(X509_STORE_new());
  for (const Der& der : request.authorities) {
    if (Certificate c = certificate(der)) X509_STORE_add_cert(store.get(), c.get());
  }
  for (const Der& der : request.revocation_lists) {
    if (RevocationList l = revocation_list(der)) X509_STORE_add_crl(store.get(), l.get());
  }
  Certificate own = certificate(request.chain[0]);
  if (!own) return {"it cannot be read", {}};
  Certificates rest(sk_X509_new_null());
  for (size_t i = 1; i < request.chain.size(); i++) {
    if (Certificate c = certificate(request.chain[i])) sk_X509_push(rest.get(), c.release());
  }
  Context context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), store.get(), own.get(), rest.get()) != 1)
    return {"OpenSSL has no memory", {}};
  X509_VERIFY_PARAM* p = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_depth(p, kDeepest);
  X509_VERIFY_PARAM_set_auth_level(p, kSecurityLevel);
  // An authority that is configured is believed, whoever signed it.
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
  if (request.check_revocation || request.require_revocation) flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  X509_VERIFY_PARAM_set_flags(p, flags);
  X509_STORE_CTX_set_ex_data(context.get(), 0, const_cast<PathRequest*>(&request));
  X509_STORE_CTX_set_verify_cb(context.get(), judge);
  const int ok = X509_verify_cert(context.get());
  const int error = X509_STORE_CTX_get_error(context.get());
  std::string said;
  if (ok != 1) {
    const X509* at = X509_STORE_CTX_get_current_cert(context.get());
    said = X509_verify_cert_error_string(error);
    if (at && X509_STORE_CTX_get_error_depth(context.get()) > 0) said += " (" + text_of(X509_get_subject_name(at)) + ")";
  }
  ERR_clear_error();
  Path path = {said.empty() ? wrong_usage(own.get()) : said, {}};
  const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; path.error.empty() && i < sk_X509_num(chain); i++) path.chain.push_back(der_of(sk_X509_value(chain, i), i2d_X509));
  return path;
}

bool list_is_from(const Der& list_der, const Der& issuer_der) {
  RevocationList list = revocation_list(list_der);
  Certificate issuer = certificate(issuer_der);
  const bool from = list && issuer && X509_NAME_cmp(X509_CRL_get_issuer(list.get()), X509_get_subject_name(issuer.get())) == 0 &&
                    X509_CRL_verify(list.get(), X509_get0_pubkey(issuer.get())) == 1;
  ERR_clear_error();
  return from;
}

Description describe(const Der& der) {
  Description d;
  Certificate c = certificate(der);
  if (!c) {
    d.error = "it is no certificate";
    return d;
  }
  d.subject_der = der_of(X509_get_subject_name(c.get()), i2d_X509_NAME);
  d.issuer_der = der_of(X509_get_issuer_name(c.get()), i2d_X509_NAME);
  d.public_key = der_of(X509_get_X509_PUBKEY(c.get()), i2d_X509_PUBKEY);
  d.not_after = seconds_of(X509_get0_notAfter(c.get()));
  using Names = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
  Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(c.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); i++) {
    const GENERAL_NAME* g = sk_GENERAL_NAME_value(names.get(), i);
    if (g->type == GEN_DNS) d.dns.push_back(text_of(g->d.dNSName));
    if (g->type == GEN_EMAIL) d.emails.push_back(text_of(g->d.rfc822Name));
    if (g->type == GEN_IPADD) {
      const std::string octets = text_of(g->d.iPAddress);
      d.addresses.emplace_back(octets.begin(), octets.end());
    }
  }
  d.crl_urls = urls(c.get(), NID_crl_distribution_points);
  d.ocsp_urls = urls(c.get(), NID_info_access);
  ERR_clear_error();
  return d;
}

Der ocsp_request(const Der& der, const Der& issuer_der) {
  Certificate c = certificate(der), issuer = certificate(issuer_der);
  if (!c || !issuer) return {};
  Owned<OCSP_REQUEST, OCSP_REQUEST_free> request(OCSP_REQUEST_new());
  OCSP_CERTID* id = OCSP_cert_to_id(EVP_sha1(), c.get(), issuer.get());
  if (!id || !OCSP_request_add0_id(request.get(), id)) return {};
  return der_of(request.get(), i2d_OCSP_REQUEST);
}

OcspAnswer ocsp_answer(const Der& der, const Der& certificate_der, const Der& issuer_der) {
  OcspAnswer answer;
  Certificate c = certificate(certificate_der), issuer = certificate(issuer_der);
  Owned<OCSP_RESPONSE, OCSP_RESPONSE_free> response(parse<OCSP_RESPONSE>(der, d2i_OCSP_RESPONSE));
  if (!c || !issuer || !response) {
    answer.error = "it is no OCSP response";
    return answer;
  }
  const int status = OCSP_response_status(response.get());
  if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    answer.error = OCSP_response_status_str(status);
    return answer;
  }
  Owned<OCSP_BASICRESP, OCSP_BASICRESP_free> basic(OCSP_response_get1_basic(response.get()));
  Store store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), issuer.get());
  Certificates known(sk_X509_new_null());
  X509_up_ref(issuer.get());
  sk_X509_push(known.get(), issuer.get());
  X509_VERIFY_PARAM_set_flags(X509_STORE_get0_param(store.get()), X509_V_FLAG_PARTIAL_CHAIN);
  // Signed by the issuer itself or by one to whom it gave the right (RFC 6960 4.2.2.2).
  if (!basic || OCSP_basic_verify(basic.get(), known.get(), store.get(), 0) <= 0) {
    answer.error = "its signature does not verify";
    ERR_clear_error();
    return answer;
  }
  Owned<OCSP_CERTID, OCSP_CERTID_free> id(OCSP_cert_to_id(EVP_sha1(), c.get(), issuer.get()));
  int verdict = 0, reason = 0;
  ASN1_GENERALIZEDTIME *revoked = nullptr, *from = nullptr, *to = nullptr;
  if (!OCSP_resp_find_status(basic.get(), id.get(), &verdict, &reason, &revoked, &from, &to)) {
    answer.error = "it does not speak of the certificate";
    return answer;
  }
  // An answer that does not say how long it holds must be fresh (RFC 6960 3.2), or one from before the revocation serves for ever.
  if (!OCSP_check_validity(from, to, kSkewSeconds, to ? -1 : kFreshSeconds)) {
    answer.error = "it is out of date";
    ERR_clear_error();
    return answer;
  }
  answer.known = verdict != V_OCSP_CERTSTATUS_UNKNOWN;
  answer.revoked = verdict == V_OCSP_CERTSTATUS_REVOKED;
  answer.next_update = to ? seconds_of(to) : 0;
  return answer;
}

int64_t list_next_update(const Der& der) {
  RevocationList list = revocation_list(der);
  return list ? seconds_of(X509_CRL_get0_nextUpdate(list.get())) : -1;
}

}  // namespace sekisho
