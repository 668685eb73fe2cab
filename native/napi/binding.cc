// The only room that knows Node: JavaScript values in, engine calls, JavaScript values out. Arguments were validated
// in src/dataplane/native.ts; what fails here throws an Error with one sentence.
#include <arpa/inet.h>
#include <napi.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "../crypto/measure.h"
#include "../crypto/selftest.h"
#include "../io/sockets.h"
#include "../path/engine.h"
#include "../path/loopback.h"
#include "x509.h"

namespace sekisho {
namespace {

Address address(const std::string& text) {
  uint32_t v4 = 0;
  in6_addr v6 = {};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return Address::of4(v4);
  inet_pton(AF_INET6, text.c_str(), &v6);
  return Address::of6(v6);
}

std::string from_address(const Address& a) {
  char text[INET6_ADDRSTRLEN] = {};
  const uint32_t v4 = a.v4();
  if (a.is4()) inet_ntop(AF_INET, &v4, text, sizeof text);
  else inet_ntop(AF_INET6, a.octets.data(), text, sizeof text);
  return text;
}

Endpoint endpoint(const Napi::Value& value) {
  const Napi::Object o = value.As<Napi::Object>();
  Endpoint e;
  e.address = address(o.Get("address").ToString().Utf8Value());
  e.port = htons(o.Get("port").ToNumber().Uint32Value());
  return e;
}

Napi::Object from_endpoint(Napi::Env env, const Endpoint& e) {
  Napi::Object o = Napi::Object::New(env);
  o.Set("address", from_address(e.address));
  o.Set("port", ntohs(e.port));
  return o;
}

Secret octets(const Napi::Value& value) {
  if (!value.IsTypedArray()) return {};
  const Napi::Uint8Array a = value.As<Napi::Uint8Array>();
  return Secret(a.Data(), a.Data() + a.ByteLength());
}

uint64_t number(const Napi::Object& o, const char* name) {
  const Napi::Value v = o.Get(name);
  return v.IsNumber() ? static_cast<uint64_t>(v.As<Napi::Number>().DoubleValue()) : 0;
}

Limits limits(const Napi::Value& value) {
  const Napi::Object o = value.As<Napi::Object>();
  return {number(o, "octets"), number(o, "packets"), number(o, "seconds")};
}

std::vector<Selector> selectors(const Napi::Value& value) {
  const Napi::Array list = value.As<Napi::Array>();
  std::vector<Selector> out;
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::Object o = list.Get(i).As<Napi::Object>();
    const Secret first = octets(o.Get("first")), last = octets(o.Get("last"));
    // Of a type that we do not know: nothing can match it.
    if (first.size() != last.size() || (first.size() != 4 && first.size() != 16)) continue;
    Selector s = {};
    s.version = first.size() == 4 ? 4 : 6;
    s.protocol = number(o, "protocol");
    s.first_port = number(o, "startPort");
    s.last_port = number(o, "endPort");
    memcpy(s.first, first.data(), first.size());
    memcpy(s.last, last.data(), last.size());
    out.push_back(s);
  }
  return out;
}

TunnelSettings settings(const Napi::Value& value) {
  const Napi::Object o = value.As<Napi::Object>();
  TunnelSettings s;
  s.name = o.Get("name").ToString().Utf8Value();
  s.mtu = number(o, "mtu");
  s.mss4 = number(o, "mss4");
  s.mss6 = number(o, "mss6");
  s.tos = o.Get("tos").IsNumber() ? static_cast<int>(number(o, "tos")) : -1;
  s.ipv6 = o.Get("ipv6").ToBoolean();
  const std::string df = o.Get("df").ToString().Utf8Value();
  s.df = df == "copy" ? DontFragment::kCopy : df == "clear" ? DontFragment::kClear : DontFragment::kSet;
  return s;
}

class Binding : public Napi::ObjectWrap<Binding> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Engine",
                       {InstanceMethod("allocateSpi", &Binding::AllocateSpi),
                        InstanceMethod("openTunnel", &Binding::OpenTunnel),
                        InstanceMethod("changeTunnel", &Binding::ChangeTunnel),
                        InstanceMethod("closeTunnel", &Binding::CloseTunnel),
                        InstanceMethod("installInbound", &Binding::InstallInbound),
                        InstanceMethod("installOutbound", &Binding::InstallOutbound),
                        InstanceMethod("removeInbound", &Binding::RemoveInbound),
                        InstanceMethod("removeOutbound", &Binding::RemoveOutbound),
                        InstanceMethod("setNativeEsp", &Binding::SetNativeEsp),
                        InstanceMethod("movePeer", &Binding::MovePeer), InstanceMethod("send", &Binding::Send),
                        InstanceMethod("statistics", &Binding::Statistics),
                        InstanceMethod("close", &Binding::Close)});
  }

  explicit Binding(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Binding>(info), env_(info.Env()) {
    // What a queued call needs is kept alive by the function itself: this object may be gone when it runs.
    auto* held = new Held;
    on_events_ = Napi::ThreadSafeFunction::New(
        info.Env(), info[0].As<Napi::Function>(), "sekisho events", 0, 1, [](Napi::Env, Held* h) { delete h; }, held);
    *held = engine_ = std::make_shared<Engine>([f = on_events_, held] {
      f.NonBlockingCall(held, [](Napi::Env env, Napi::Function callback, Held* h) { emit(env, callback, **h); });
    });
    napi_add_env_cleanup_hook(env_, on_exit, this);
    fail(info.Env(), engine_->start());
  }

  ~Binding() override {
    napi_remove_env_cleanup_hook(env_, on_exit, this);
    shut();
  }

 private:
  using Held = std::shared_ptr<Engine>;

  static void on_exit(void* self) { static_cast<Binding*>(self)->shut(); }

  static bool fail(Napi::Env env, const std::string& error) {
    if (error.empty()) return false;
    Napi::Error::New(env, error).ThrowAsJavaScriptException();
    return true;
  }

  // After close() every call is a mistake of ours, told as such.
  Engine* engine(Napi::Env env) {
    if (!engine_) fail(env, "the dataplane is closed");
    return engine_.get();
  }

  void shut() {
    if (!engine_) return;
    engine_->stop();
    engine_.reset();
    on_events_.Release();
  }

  static void emit(Napi::Env env, Napi::Function callback, Engine& engine) {
    if (engine.stopped()) return;
    Napi::HandleScope scope(env);
    const std::vector<Event> events = engine.drain();
    Napi::Array list = Napi::Array::New(env, events.size());
    if (list.IsEmpty()) return;
    for (size_t i = 0; i < events.size() && !env.IsExceptionPending(); i++) list.Set(i, to_object(env, events[i]));
    if (!env.IsExceptionPending()) callback.Call({list});
    // Nobody stands above a call from a thread: what is thrown there is an uncaught exception, not a lost one.
    if (env.IsExceptionPending()) napi_fatal_exception(env, env.GetAndClearPendingException().Value());
  }

  static Napi::Object to_object(Napi::Env env, const Event& e) {
    Napi::Object o = Napi::Object::New(env);
    switch (e.kind) {
      case Event::Kind::kIke:
        o.Set("kind", "ike");
        o.Set("local", from_endpoint(env, e.local));
        o.Set("remote", from_endpoint(env, e.remote));
        o.Set("data", to_bytes(env, e.data));
        break;
      case Event::Kind::kAcquire:
        o.Set("kind", "acquire");
        o.Set("tunnel", e.tunnel);
        break;
      case Event::Kind::kExpire: {
        static const char* const causes[] = {"time", "octets", "packets"};
        o.Set("kind", "expire");
        o.Set("spi", e.spi);
        o.Set("limit", e.hard ? "hard" : "soft");
        o.Set("cause", causes[static_cast<size_t>(e.cause)]);
        break;
      }
      case Event::Kind::kFirstPacket:
        o.Set("kind", "first-packet");
        o.Set("spi", e.spi);
        break;
      case Event::Kind::kPeerMoved:
        o.Set("kind", "peer-moved");
        o.Set("spi", e.spi);
        o.Set("remote", from_endpoint(env, e.remote));
        break;
      case Event::Kind::kPathMtu: {
        const uint32_t mtu = e.mtu ? e.mtu : path_mtu(e.remote.address);
        o.Set("kind", "path-mtu");
        o.Set("remote", from_endpoint(env, e.remote).Get("address"));
        o.Set("mtu", mtu);
        break;
      }
    }
    return o;
  }

  static Napi::Uint8Array to_bytes(Napi::Env env, const std::vector<uint8_t>& data) {
    Napi::Uint8Array out = Napi::Uint8Array::New(env, data.size());
    if (!out.IsEmpty() && !data.empty()) memcpy(out.Data(), data.data(), data.size());
    return out;
  }

  Napi::Value AllocateSpi(const Napi::CallbackInfo& info) {
    Engine* e = engine(info.Env());
    return e ? Napi::Number::New(info.Env(), e->allocate_spi()) : info.Env().Undefined();
  }

  void OpenTunnel(const Napi::CallbackInfo& info) {
    if (Engine* e = engine(info.Env())) fail(info.Env(), e->open_tunnel(settings(info[0])));
  }

  void ChangeTunnel(const Napi::CallbackInfo& info) {
    if (Engine* e = engine(info.Env())) fail(info.Env(), e->change_tunnel(settings(info[0])));
  }

  void CloseTunnel(const Napi::CallbackInfo& info) {
    if (Engine* e = engine(info.Env())) e->close_tunnel(info[0].ToString().Utf8Value());
  }

  bool spec(const Napi::CallbackInfo& info, SaSpec* out) {
    const Napi::Object o = info[0].As<Napi::Object>();
    out->tunnel = o.Get("tunnel").ToString().Utf8Value();
    out->spi = o.Get("spi").ToNumber().Uint32Value();
    if (!find_suite(o.Get("cipher").ToString().Utf8Value(), o.Get("integrity").ToString().Utf8Value(), &out->suite)) {
      return !fail(info.Env(), "the dataplane does not know this cipher suite");
    }
    out->key = octets(o.Get("key"));
    out->mac_key = octets(o.Get("integrityKey"));
    if (out->key.size() != out->suite.key + out->suite.salt || out->mac_key.size() != out->suite.mac_key) {
      return !fail(info.Env(), "a key has the wrong length for its cipher suite");
    }
    out->esn = o.Get("esn").ToBoolean();
    out->encapsulated = o.Get("encapsulated").ToBoolean();
    out->ecn = o.Get("ecn").ToBoolean();
    out->transport = o.Get("transport").ToBoolean();
    out->loose = o.Get("loose").ToBoolean();
    if (o.Get("traffic").IsObject()) {
      const Napi::Object traffic = o.Get("traffic").As<Napi::Object>();
      out->selectors = {true, selectors(traffic.Get("local")), selectors(traffic.Get("remote"))};
    }
    out->window = number(o, "replayWindow");
    out->local = endpoint(o.Get("local"));
    out->remote = endpoint(o.Get("remote"));
    out->soft = limits(o.Get("soft"));
    out->hard = limits(o.Get("hard"));
    return true;
  }

  void InstallInbound(const Napi::CallbackInfo& info) {
    SaSpec s;
    Engine* e = engine(info.Env());
    if (e && spec(info, &s)) fail(info.Env(), e->install_inbound(std::move(s)));
  }

  void InstallOutbound(const Napi::CallbackInfo& info) {
    SaSpec s;
    Engine* e = engine(info.Env());
    if (e && spec(info, &s)) fail(info.Env(), e->install_outbound(std::move(s)));
  }

  void RemoveInbound(const Napi::CallbackInfo& info) {
    if (Engine* e = engine(info.Env())) e->remove_inbound(info[0].ToNumber().Uint32Value());
  }

  void RemoveOutbound(const Napi::CallbackInfo& info) {
    Engine* e = engine(info.Env());
    if (e) e->remove_outbound(info[0].ToString().Utf8Value(), info[1].ToNumber().Uint32Value());
  }

  void SetNativeEsp(const Napi::CallbackInfo& info) {
    Engine* e = engine(info.Env());
    if (!e) return;
    const std::string wish = info[0].ToString().Utf8Value();
    e->set_native_esp(wish == "af-xdp"      ? NativeEsp::kAfXdp
                      : wish == "af-packet" ? NativeEsp::kAfPacket
                      : wish == "raw"       ? NativeEsp::kRaw
                                            : NativeEsp::kAuto);
  }

  void MovePeer(const Napi::CallbackInfo& info) {
    if (Engine* e = engine(info.Env())) e->move_peer(info[0].ToString().Utf8Value(), endpoint(info[1]));
  }

  void Send(const Napi::CallbackInfo& info) {
    Engine* e = engine(info.Env());
    if (!e) return;
    const Napi::Uint8Array data = info[2].As<Napi::Uint8Array>();
    e->send(endpoint(info[0]), endpoint(info[1]), data.Data(), data.ByteLength(), info[3].ToBoolean());
  }

  template <class Read>
  static Napi::Object drops(Napi::Env env, Read read) {
    Napi::Object o = Napi::Object::New(env);
    for (size_t i = 0; i < kDropCount; i++) {
      if (const uint64_t n = read(i)) o.Set(drop_name(i), Napi::Number::New(env, n));
    }
    return o;
  }

  Napi::Value Statistics(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    Engine* e = engine(env);
    if (!e) return env.Undefined();
    Napi::Array tunnels = Napi::Array::New(env), sas = Napi::Array::New(env);
    for (const TunnelStatistics& t : e->tunnels()) {
      Napi::Object o = Napi::Object::New(env);
      o.Set("name", t.name);
      o.Set("rxPackets", Napi::Number::New(env, t.rx_packets));
      o.Set("rxOctets", Napi::Number::New(env, t.rx_octets));
      o.Set("txPackets", Napi::Number::New(env, t.tx_packets));
      o.Set("txOctets", Napi::Number::New(env, t.tx_octets));
      o.Set("drops", drops(env, [&](size_t i) { return t.drops[i]; }));
      tunnels.Set(tunnels.Length(), o);
    }
    for (const SaStatistics& s : e->sas()) {
      Napi::Object o = Napi::Object::New(env);
      o.Set("spi", s.spi);
      o.Set("direction", s.inbound ? "in" : "out");
      o.Set("tunnel", s.tunnel);
      o.Set("packets", Napi::Number::New(env, s.packets));
    o.Set("highest", Napi::Number::New(env, s.highest));
      o.Set("octets", Napi::Number::New(env, s.octets));
      o.Set("age", Napi::Number::New(env, s.age_seconds));
      sas.Set(sas.Length(), o);
    }
    Napi::Array ports = Napi::Array::New(env);
    for (const PortStatistics& p : e->ports()) {
      Napi::Object o = from_endpoint(env, {p.local, 0});
      o.Delete("port");
      o.Set("name", p.name);
      o.Set("refused", p.refused);
      o.Set("lost", Napi::Number::New(env, p.lost));
      ports.Set(ports.Length(), o);
    }
    Napi::Object out = Napi::Object::New(env);
    out.Set("tunnels", tunnels);
    out.Set("ports", ports);
    out.Set("sas", sas);
    out.Set("drops", drops(env, [&](size_t i) { return e->drops(static_cast<Drop>(i)); }));
    return out;
  }

  void Close(const Napi::CallbackInfo&) { shut(); }

  napi_env env_;
  Held engine_;
  Napi::ThreadSafeFunction on_events_;
};

// Who connected a Unix socket, from the kernel: Node has no call for it.
Napi::Value peer_uid(const Napi::CallbackInfo& info) {
  ucred who = {};
  socklen_t length = sizeof who;
  const int fd = info[0].ToNumber().Int32Value();
  const bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) == 0;
  return Napi::Number::New(info.Env(), known ? static_cast<double>(who.uid) : -1);
}

// A word for systemd (sd_notify(3)): Node has no datagrams on Unix sockets. False where nobody listens.
Napi::Value notify(const Napi::CallbackInfo& info) {
  const std::string text = info[0].ToString();
  const char* place = getenv("NOTIFY_SOCKET");
  sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  const size_t length = place ? strlen(place) : 0;
  bool sent = false;
  if (length > 1 && length < sizeof to.sun_path && (place[0] == '/' || place[0] == '@')) {
    memcpy(to.sun_path, place, length);
    if (place[0] == '@') to.sun_path[0] = 0;  // a name without a file
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const socklen_t octets = offsetof(sockaddr_un, sun_path) + length;
    sent = fd >= 0 && sendto(fd, text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&to), octets) >= 0;
    if (fd >= 0) close(fd);
  }
  return Napi::Boolean::New(info.Env(), sent);
}

// Off the event loop: half a second of work.
class Measurement : public Napi::AsyncWorker {
 public:
  explicit Measurement(Napi::Env env) : Napi::AsyncWorker(env), done_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return done_.Promise(); }
  void Execute() override { speeds_ = measure_crypto(); }
  void OnOK() override {
    Napi::Array list = Napi::Array::New(Env(), speeds_.size());
    for (size_t i = 0; i < speeds_.size(); i++) {
      const Speed& s = speeds_[i];
      Napi::Object o = Napi::Object::New(Env());
      o.Set("suite", title({s.encryption.c_str(), s.integrity.c_str()}));
      o.Set("kernel", s.kernel);
      o.Set("chosen", s.chosen);
      o.Set("gbit", s.gbit);
      list.Set(i, o);
    }
    done_.Resolve(list);
  }

 private:
  Napi::Promise::Deferred done_;
  std::vector<Speed> speeds_;
};

Napi::Value measure(const Napi::CallbackInfo& info) {
  auto* work = new Measurement(info.Env());  // deletes itself when it is done
  work->Queue();
  return work->promise();
}

// The same for a tunnel of one suite, by its name as measureCrypto() has it: a second of work.
class LoopbackMeasurement : public Napi::AsyncWorker {
 public:
  LoopbackMeasurement(Napi::Env env, SuiteName name)
      : Napi::AsyncWorker(env), name_(name), done_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return done_.Promise(); }
  void Execute() override {
    if (!measure_loopback(name_, &found_)) SetError("no kernel of this processor can do the suite");
  }
  void OnError(const Napi::Error& e) override { done_.Reject(e.Value()); }
  void OnOK() override {
    Napi::Object o = Napi::Object::New(Env());
    o.Set("gbit", found_.gbit);
    o.Set("packets", found_.packets);
    o.Set("microseconds", found_.microseconds);
    o.Set("sent", static_cast<double>(found_.sent));
    o.Set("arrived", static_cast<double>(found_.arrived));
    done_.Resolve(o);
  }

 private:
  SuiteName name_;
  Napi::Promise::Deferred done_;
  Loopback found_ = {};
};

Napi::Value measure_loopback_of(const Napi::CallbackInfo& info) {
  const std::string wanted = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "";
  for (const SuiteName& name : suite_names()) {
    if (title(name) != wanted) continue;
    auto* work = new LoopbackMeasurement(info.Env(), name);  // deletes itself when it is done
    work->Queue();
    return work->promise();
  }
  Napi::TypeError::New(info.Env(), "there is no such suite").ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("Engine", Binding::define(env));
  exports.Set("peerUid", Napi::Function::New(env, peer_uid));
  exports.Set("notify", Napi::Function::New(env, notify));
  export_x509(env, exports);
  exports.Set("measureCrypto", Napi::Function::New(env, measure));
  exports.Set("measureLoopback", Napi::Function::New(env, measure_loopback_of));
  // Known answers at load: a kernel that fails is not used, and its sentence goes to the log.
  Napi::Array failures = Napi::Array::New(env);
  for (const std::string& f : run_selftest()) failures.Set(failures.Length(), f);
  exports.Set("selftestFailures", failures);
  Napi::Array names = Napi::Array::New(env);
  size_t count;
  const Kernel* list = kernels(&count);
  for (size_t i = 0; i < count; i++) {
    if (!list[i].disabled && list[i].available()) names.Set(names.Length(), list[i].name);
  }
  exports.Set("kernels", names);
  return exports;
}

}  // namespace
}  // namespace sekisho

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return sekisho::init(env, exports); }

NODE_API_MODULE(sekisho, Init)
