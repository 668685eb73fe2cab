#include "engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "../io/tun.h"

namespace sekisho {
namespace {

constexpr uint64_t kFollowMs = 2000;

uint64_t now_ms() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return uint64_t(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000;
}

void set(Tunnel& tunnel, const TunnelSettings& s) {
  tunnel.mtu = s.mtu;
  tunnel.mss4 = s.mss4;
  tunnel.mss6 = s.mss6;
  tunnel.tos = s.tos;
  tunnel.ipv6 = s.ipv6;
  tunnel.df = s.df;
}

template <class T>
T random_value() {
  T value;
  while (getrandom(&value, sizeof value, 0) != sizeof value) {
  }
  return value;
}

}  // namespace

Engine::Engine(std::function<void()> wake) : events_(std::move(wake)) {}

Engine::~Engine() { stop(); }

std::string Engine::start() {
  std::string error;
  if (!sockets_.open(Crew::workers(), &error)) return error;
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) return std::string("cannot wake a clock: ") + strerror(errno);
  if (error = crew_.start(); !error.empty()) return error;
  for (const SocketFamily* family : {&sockets_.v4, &sockets_.v6}) {
    for (int fd : family->readable()) {
      if (error = crew_.watch(fd); !error.empty()) return error;
    }
  }
  clock_ = std::thread([this] { run_clock(); });
  pthread_setname_np(clock_.native_handle(), "esp-clock");
  return "";
}

void Engine::stop() {
  if (stopping_.exchange(true)) return;
  if (wake_ >= 0) eventfd_write(wake_, 1);
  if (clock_.joinable()) clock_.join();
  crew_.stop();
  for (auto& [name, tunnel] : tunnels_) ::close(tunnel->fd);
  tunnels_.clear();
  inbound_.clear();
  outbound_.clear();
  ports_.clear();
  retired_.clear();
  sockets_.close();
  if (wake_ >= 0) ::close(std::exchange(wake_, -1));
}

void Engine::run_clock() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    pollfd wake = {wake_, POLLIN, 0};
    if (poll(&wake, 1, 250) > 0) break;
    std::lock_guard lock(mutex_);
    const uint64_t now = now_ms();
    for (auto& [spi, sa] : inbound_) expire_by_time(*sa, now);
    for (auto& [name, list] : outbound_) {
      for (auto& sa : list) expire_by_time(*sa, now);
    }
    retired_.free();
    if (now - followed_ms_ >= kFollowMs) {
      followed_ms_ = now;
      ports_.follow_interfaces();
    }
  }
}

void Engine::expire_by_time(Sa& sa, uint64_t now) {
  const uint64_t age = (now - sa.installed_ms) / 1000;
  auto say = [&](std::atomic<bool>& said, uint64_t limit, bool hard) {
    if (!limit || age < limit || said.exchange(true)) return;
    Event e{Event::Kind::kExpire, {}, {}, {}, {}};
    e.spi = sa.spi;
    e.hard = hard;
    events_.push(std::move(e));
  };
  say(sa.said_soft, sa.soft.seconds, false);
  say(sa.said_hard, sa.hard.seconds, true);
}

uint32_t Engine::allocate_spi() {
  std::lock_guard lock(mutex_);
  const uint64_t now = now_ms();
  std::erase_if(reserved_, [&](const auto& r) { return r.second < now; });
  for (;;) {
    const uint32_t spi = random_value<uint32_t>();
    const uint32_t slot = spi & (SaTable::kSlots - 1);
    // 0 to 255 are reserved (RFC 4303 2.1), and a slot holds one SA.
    if (spi < 0x10000 || table_.at(slot)) continue;
    bool taken = false;
    for (const auto& [other, until] : reserved_) taken |= (other & (SaTable::kSlots - 1)) == slot;
    if (taken) continue;
    reserved_[spi] = now + 60'000;
    return spi;
  }
}

Tunnel* Engine::find(const std::string& name) const {
  const auto it = tunnels_.find(name);
  return it == tunnels_.end() ? nullptr : it->second.get();
}

std::string Engine::open_tunnel(const TunnelSettings& s) {
  std::lock_guard lock(mutex_);
  if (find(s.name)) return s.name + " is open already";
  std::string error;
  auto tunnel = std::make_unique<Tunnel>();
  tunnel->name = s.name;
  tunnel->fd = open_tun(s.name, &tunnel->udp_superpackets, &error);
  if (tunnel->fd < 0) return error;
  set(*tunnel, s);
  if (error = crew_.watch(tunnel->fd, tunnel.get()); !error.empty()) {
    ::close(tunnel->fd);
    return "cannot open " + s.name + ": " + error;
  }
  tunnels_[s.name] = std::move(tunnel);
  return "";
}

std::string Engine::change_tunnel(const TunnelSettings& s) {
  std::lock_guard lock(mutex_);
  Tunnel* tunnel = find(s.name);
  if (!tunnel) return "there is no tunnel " + s.name;
  set(*tunnel, s);
  return "";
}

void Engine::close_tunnel(const std::string& name) {
  std::unique_ptr<Tunnel> tunnel;
  {
    std::lock_guard lock(mutex_);
    if (!find(name)) return;
    tunnel = std::move(tunnels_[name]);
    tunnels_.erase(name);
    crew_.unwatch(tunnel->fd);
    tunnel->outbound.store(nullptr, std::memory_order_release);
    if (const auto it = outbound_.find(name); it != outbound_.end()) {
      for (auto& sa : it->second) end(std::move(sa));
      outbound_.erase(it);
    }
    for (auto it = inbound_.begin(); it != inbound_.end();) {
      if (it->second->tunnel != tunnel.get()) {
        ++it;
        continue;
      }
      table_.replace(it->first, nullptr);
      end(std::move(it->second));
      it = inbound_.erase(it);
    }
  }
  quiescence_.wait();
  ::close(tunnel->fd);
}

void Engine::fill(Sa& sa, const SaSpec& spec, Tunnel* tunnel) {
  sa.spi = spec.spi;
  sa.suite = spec.suite;
  sa.esn = spec.esn;
  sa.encapsulated = spec.encapsulated;
  sa.ecn = spec.ecn;
  sa.transport = spec.transport;
  sa.selectors = spec.selectors;
  sa.tunnel = tunnel;
  sa.local = spec.local;
  sa.remote = spec.remote;
  sa.soft = spec.soft;
  sa.hard = spec.hard;
  sa.installed_ms = now_ms();
  const KeyMaterial material{spec.key.data(), spec.mac_key.data(), spec.esn, random_value<uint64_t>()};
  sa.cipher = make_cipher(spec.suite, material);
}

std::string Engine::install_inbound(SaSpec spec) {
  auto sa = std::make_unique<InboundSa>(spec.window, spec.esn);
  {
    std::lock_guard lock(mutex_);
    Tunnel* tunnel = find(spec.tunnel);
    if (!tunnel) return "there is no tunnel " + spec.tunnel;
    fill(*sa, spec, tunnel);
    if (!sa->cipher) return "no crypto kernel knows this suite";
    if (InboundSa* other = table_.at(spec.spi & (SaTable::kSlots - 1)); other && other->spi != spec.spi) {
      return "the SPI's place in the table is taken";
    }
    if (!sa->encapsulated) {
      if (std::string error = ports_.use(sa->local.address); !error.empty()) return error;
    }
    reserved_.erase(spec.spi);
    table_.replace(spec.spi, sa.get());
    end(std::exchange(inbound_[spec.spi], std::move(sa)));
  }
  return "";
}

std::string Engine::install_outbound(SaSpec spec) {
  auto sa = std::make_unique<OutboundSa>();
  {
    std::lock_guard lock(mutex_);
    Tunnel* tunnel = find(spec.tunnel);
    if (!tunnel) return "there is no tunnel " + spec.tunnel;
    fill(*sa, spec, tunnel);
    sa->loose = spec.loose;
    if (!sa->cipher) return "no crypto kernel knows this suite";
    if (!sa->encapsulated) {
      if (std::string error = ports_.use(sa->local.address); !error.empty()) return error;
      sa->port = ports_.now(sa->local.address);
    }
    auto& list = outbound_[spec.tunnel];
    list.push_back(std::move(sa));
    link(*tunnel, list);
  }
  return "";
}

void Engine::remove_inbound(uint32_t spi) {
  std::lock_guard lock(mutex_);
  reserved_.erase(spi);
  const auto it = inbound_.find(spi);
  if (it == inbound_.end()) return;
  table_.replace(spi, nullptr);
  end(std::move(it->second));
  inbound_.erase(it);
}

void Engine::remove_outbound(const std::string& name, uint32_t spi) {
  std::lock_guard lock(mutex_);
  const auto it = outbound_.find(name);
  if (it == outbound_.end()) return;
  auto& list = it->second;
  const auto found = std::find_if(list.begin(), list.end(), [&](const auto& sa) { return sa->spi == spi; });
  if (found == list.end()) return;
  std::unique_ptr<OutboundSa> old = std::move(*found);
  list.erase(found);
  if (Tunnel* tunnel = find(name)) link(*tunnel, list);
  if (list.empty()) outbound_.erase(it);
  end(std::move(old));
}

// A worker under way may follow old links and new: all of them lead to SAs that are not freed before it is through.
void Engine::link(Tunnel& tunnel, const std::vector<std::unique_ptr<OutboundSa>>& list) {
  OutboundSa* newest = nullptr;
  for (const auto& sa : list) {
    sa->older.store(newest, std::memory_order_release);
    newest = sa.get();
  }
  if (tunnel.outbound.exchange(newest, std::memory_order_acq_rel) != newest) tunnel.acquired.store(false);
}

// No thread finds the SA any more.
void Engine::end(std::shared_ptr<Sa> sa) {
  if (!sa) return;
  const bool native = !sa->encapsulated;
  const Address local = sa->local.address;
  retired_.add(std::move(sa));
  if (native) ports_.leave(local);
}

void Engine::set_native_esp(NativeEsp wish) {
  std::lock_guard lock(mutex_);
  ports_.set(wish);
}

std::vector<PortStatistics> Engine::ports() const {
  std::lock_guard lock(mutex_);
  return ports_.statistics();
}

void Engine::move_peer(const std::string& name, Endpoint remote) {
  std::lock_guard lock(mutex_);
  if (const auto it = outbound_.find(name); it != outbound_.end()) {
    for (auto& sa : it->second) sa->remote = remote;
  }
  for (auto& [spi, sa] : inbound_) {
    if (sa->tunnel->name == name) sa->remote = remote;
  }
}

void Engine::send(Endpoint local, Endpoint remote, const uint8_t* data, size_t octets, bool marker) {
  static const uint8_t kMarker[4] = {};
  iovec parts[2] = {{const_cast<uint8_t*>(kMarker), marker ? sizeof kMarker : 0}, {const_cast<uint8_t*>(data), octets}};
  socklen_t length;
  sockaddr_storage to = remote.socket_address(&length);
  alignas(cmsghdr) uint8_t control[kControlOctets];
  msghdr m = {};
  m.msg_name = &to;
  m.msg_namelen = length;
  m.msg_iov = parts;
  m.msg_iovlen = 2;
  m.msg_control = control;
  set_control(&m, local.address, 0, 0);
  const SocketFamily& s = sockets_.of(local.address);
  const int fd = local.port == htons(4500) ? s.nat_t_cut : s.ike;
  // IKE retransmits what is lost, here as under way.
  if (sendmsg(fd, &m, 0) < 0) unsent_++;
}

uint64_t Engine::drops(Drop reason) const {
  return crew_.drops(reason) + (reason == Drop::kSendFailed ? unsent_.load() : 0);
}

std::vector<SaStatistics> Engine::sas() const {
  std::lock_guard lock(mutex_);
  const uint64_t now = now_ms();
  std::vector<SaStatistics> out;
  auto add = [&](const Sa& sa, bool inbound, uint64_t highest) {
    const uint64_t age = (now - sa.installed_ms) / 1000;
    out.push_back({sa.spi, inbound, sa.tunnel->name, sa.packets.read(), sa.octets.read(), age, highest});
  };
  for (const auto& [spi, sa] : inbound_) add(*sa, true, sa->replay.top());
  for (const auto& [name, list] : outbound_) {
    for (const auto& sa : list) add(*sa, false, 0);
  }
  return out;
}

std::vector<TunnelStatistics> Engine::tunnels() const {
  std::lock_guard lock(mutex_);
  std::vector<TunnelStatistics> out;
  for (const auto& [name, t] : tunnels_) {
    TunnelStatistics s{name, t->rx_packets.read(), t->rx_octets.read(), t->tx_packets.read(), t->tx_octets.read(), {}};
    for (size_t i = 0; i < kDropCount; i++) s.drops[i] = t->rx_drops.by[i].read() + t->tx_drops.by[i].read();
    out.push_back(std::move(s));
  }
  return out;
}

}  // namespace sekisho
