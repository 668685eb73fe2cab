#include "x509.h"

#include "../x509/verify.h"

namespace sekisho {
namespace {

Der der(const Napi::Value& value) {
  if (!value.IsTypedArray()) return {};
  const Napi::Uint8Array a = value.As<Napi::Uint8Array>();
  return Der(a.Data(), a.Data() + a.ByteLength());
}

std::vector<Der> ders(const Napi::Value& value) {
  std::vector<Der> out;
  const Napi::Array list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) out.push_back(der(list.Get(i)));
  return out;
}

Napi::Value from(Napi::Env env, const Der& octets) {
  return Napi::Buffer<uint8_t>::Copy(env, octets.data(), octets.size());
}

template <typename T>
Napi::Array from_list(Napi::Env env, const std::vector<T>& values) {
  Napi::Array out = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); i++) {
    if constexpr (std::is_same_v<T, Der>) out.Set(i, from(env, values[i]));
    else out.Set(i, values[i]);
  }
  return out;
}

// Signatures of a whole path take milliseconds: not on the event loop.
class Verification : public Napi::AsyncWorker {
 public:
  Verification(Napi::Env env, PathRequest request)
      : Napi::AsyncWorker(env), request_(std::move(request)), done_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return done_.Promise(); }

 protected:
  void Execute() override { path_ = verify_path(request_); }
  void OnOK() override {
    Napi::Object o = Napi::Object::New(Env());
    o.Set("error", path_.error);
    o.Set("path", from_list(Env(), path_.chain));
    done_.Resolve(o);
  }

 private:
  PathRequest request_;
  Path path_;
  Napi::Promise::Deferred done_;
};

Napi::Value verify(const Napi::CallbackInfo& info) {
  const Napi::Object o = info[0].As<Napi::Object>();
  PathRequest request = {ders(o.Get("chain")), ders(o.Get("authorities")), ders(o.Get("revocationLists"))};
  const std::string revocation = o.Get("revocation").ToString();
  request.check_revocation = revocation != "disable";
  request.require_revocation = revocation == "require";
  request.own_is_known = o.Get("ownIsKnown").ToBoolean();
  auto* work = new Verification(info.Env(), std::move(request));
  const Napi::Promise promise = work->promise();
  work->Queue();
  return promise;
}

Napi::Value describe_certificate(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Description d = describe(der(info[0]));
  if (!d.error.empty()) return env.Undefined();
  Napi::Object o = Napi::Object::New(env);
  o.Set("subjectDer", from(env, d.subject_der));
  o.Set("issuerDer", from(env, d.issuer_der));
  o.Set("publicKey", from(env, d.public_key));
  o.Set("dns", from_list(env, d.dns));
  o.Set("emails", from_list(env, d.emails));
  o.Set("addresses", from_list(env, d.addresses));
  o.Set("crlUrls", from_list(env, d.crl_urls));
  o.Set("ocspUrls", from_list(env, d.ocsp_urls));
  o.Set("notAfter", static_cast<double>(d.not_after));
  return o;
}

Napi::Value request(const Napi::CallbackInfo& info) {
  return from(info.Env(), ocsp_request(der(info[0]), der(info[1])));
}

Napi::Value answer(const Napi::CallbackInfo& info) {
  const OcspAnswer a = ocsp_answer(der(info[0]), der(info[1]), der(info[2]));
  Napi::Object o = Napi::Object::New(info.Env());
  o.Set("error", a.error);
  o.Set("known", a.known);
  o.Set("revoked", a.revoked);
  o.Set("nextUpdate", static_cast<double>(a.next_update));
  return o;
}

Napi::Value next_update(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(list_next_update(der(info[0]))));
}

Napi::Value from_issuer(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), list_is_from(der(info[0]), der(info[1])));
}

}  // namespace

void export_x509(Napi::Env env, Napi::Object exports) {
  Napi::Object o = Napi::Object::New(env);
  o.Set("verify", Napi::Function::New(env, verify));
  o.Set("describe", Napi::Function::New(env, describe_certificate));
  o.Set("ocspRequest", Napi::Function::New(env, request));
  o.Set("ocspAnswer", Napi::Function::New(env, answer));
  o.Set("listIsFrom", Napi::Function::New(env, from_issuer));
  o.Set("listNextUpdate", Napi::Function::New(env, next_update));
  exports.Set("x509", o);
}

}  // namespace sekisho
