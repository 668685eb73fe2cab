#include "engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "../io/tun.h"

namespace sekisho {
namespace {

enum Thread { kOutboundThread, kInboundThread };

constexpr uint64_t kFollowMs = 2000;

uint64_t now_ms() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return uint64_t(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000;
}

void watch(int poll, int fd, void* tag) {
  epoll_event e = {};
  e.events = EPOLLIN;
  e.data.ptr = tag;
  epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
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
  if (!sockets_.open(&error)) return error;
  tun_poll_ = epoll_create1(EPOLL_CLOEXEC);
  socket_poll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (tun_poll_ < 0 || socket_poll_ < 0 || wake_ < 0) return std::string("cannot poll: ") + strerror(errno);
  const int fds[] = {sockets_.ike, sockets_.nat_t, sockets_.esp, wake_};
  for (size_t i = 0; i < 4; i++) {
    sources_[i].fd = fds[i];
    watch(socket_poll_, fds[i], &sources_[i]);
  }
  watch(tun_poll_, wake_, &wake_);
  threads_.emplace_back([this] { run_outbound(); });
  threads_.emplace_back([this] { run_inbound(); });
  threads_.emplace_back([this] { run_clock(); });
  const char* names[] = {"esp-out", "esp-in", "esp-clock"};
  for (size_t i = 0; i < threads_.size(); i++) pthread_setname_np(threads_[i].native_handle(), names[i]);
  return "";
}

void Engine::stop() {
  if (stopping_.exchange(true)) return;
  if (wake_ >= 0) eventfd_write(wake_, 1);  // level-triggered: every thread sees it
  for (std::thread& t : threads_) t.join();
  threads_.clear();
  for (auto& [name, tunnel] : tunnels_) ::close(tunnel->fd);
  tunnels_.clear();
  inbound_.clear();
  outbound_.clear();
  ports_.clear();
  retired_.clear();
  sockets_.close();
  for (int* fd : {&tun_poll_, &socket_poll_, &wake_}) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
}

// What is ready, asked only while awake: a tunnel in the answer cannot be freed before the next question. Sleeping
// waits for anything at all and forgets what it was.
static int ready_now(int poll, Quiescence& quiescence, int thread, epoll_event* ready, int most) {
  for (;;) {
    quiescence.awake(thread);
    const int n = epoll_wait(poll, ready, most, 0);
    if (n > 0) return n;
    quiescence.asleep(thread);
    epoll_wait(poll, ready, 1, -1);
  }
}

void Engine::run_outbound() {
  Outbound path(sockets_, events_);
  std::array<epoll_event, 64> ready;
  while (!stopping_.load(std::memory_order_relaxed)) {
    const int n = ready_now(tun_poll_, quiescence_, kOutboundThread, ready.data(), ready.size());
    for (int i = 0; i < n; i++) {
      if (ready[i].data.ptr == &wake_) continue;
      Tunnel& tunnel = *static_cast<Tunnel*>(ready[i].data.ptr);
      // Somebody deleted the interface: it will never be readable again, and would be reported for ever.
      if (ready[i].events & (EPOLLERR | EPOLLHUP)) epoll_ctl(tun_poll_, EPOLL_CTL_DEL, tunnel.fd, nullptr);
      else path.serve(tunnel);
    }
    path.flush();
  }
  quiescence_.asleep(kOutboundThread);
}

void Engine::run_inbound() {
  Inbound path(sockets_, table_, events_, drops_);
  std::array<epoll_event, 8> ready;
  while (!stopping_.load(std::memory_order_relaxed)) {
    const int n = ready_now(socket_poll_, quiescence_, kInboundThread, ready.data(), ready.size());
    for (int i = 0; i < n; i++) {
      const Source& source = *static_cast<Source*>(ready[i].data.ptr);
      if (source.fd == wake_) continue;
      if (source.port) path.serve(*source.port, source.fd);
      else path.serve(source.fd);
    }
  }
  quiescence_.asleep(kInboundThread);
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
    free_retired();
    if (now - followed_ms_ >= kFollowMs) {
      followed_ms_ = now;
      follow_interfaces();
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
  tunnel->mss4 = s.mss4;
  tunnel->mss6 = s.mss6;
  tunnel->tos = s.tos;
  tunnel->ipv6 = s.ipv6;
  tunnel->df = s.df;
  watch(tun_poll_, tunnel->fd, tunnel.get());
  tunnels_[s.name] = std::move(tunnel);
  return "";
}

std::string Engine::change_tunnel(const TunnelSettings& s) {
  std::lock_guard lock(mutex_);
  Tunnel* tunnel = find(s.name);
  if (!tunnel) return "there is no tunnel " + s.name;
  tunnel->mss4 = s.mss4;
  tunnel->mss6 = s.mss6;
  tunnel->tos = s.tos;
  tunnel->ipv6 = s.ipv6;
  tunnel->df = s.df;
  return "";
}

void Engine::close_tunnel(const std::string& name) {
  std::unique_ptr<Tunnel> tunnel;
  {
    std::lock_guard lock(mutex_);
    if (!find(name)) return;
    tunnel = std::move(tunnels_[name]);
    tunnels_.erase(name);
    epoll_ctl(tun_poll_, EPOLL_CTL_DEL, tunnel->fd, nullptr);
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
  sa.tunnel = tunnel;
  sa.local = spec.local;
  sa.remote = spec.remote.packed();
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
    sa->selectors = std::move(spec.selectors);
    if (!sa->cipher) return "no crypto kernel knows this suite";
    if (InboundSa* other = table_.at(spec.spi & (SaTable::kSlots - 1)); other && other->spi != spec.spi) {
      return "the SPI's place in the table is taken";
    }
    if (std::string error = use_port(*sa); !error.empty()) return error;
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
    if (!sa->cipher) return "no crypto kernel knows this suite";
    if (std::string error = use_port(*sa); !error.empty()) return error;
    if (!sa->encapsulated) sa->port = ports_[sa->local.address].port.get();
    tunnel->outbound.store(sa.get(), std::memory_order_release);
    tunnel->acquired.store(false);
    outbound_[spec.tunnel].push_back(std::move(sa));
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
  if (Tunnel* tunnel = find(name); tunnel && tunnel->outbound.load() == old.get()) {
    tunnel->outbound.store(list.empty() ? nullptr : list.back().get(), std::memory_order_release);
    tunnel->acquired.store(false);
  }
  if (list.empty()) outbound_.erase(it);
  end(std::move(old));
}

void Engine::retire(std::shared_ptr<void> thing) { retired_.push_back({quiescence_.mark(), std::move(thing)}); }

// No thread finds the SA any more.
void Engine::end(std::shared_ptr<Sa> sa) {
  if (!sa) return;
  const auto it = sa->encapsulated ? ports_.end() : ports_.find(sa->local.address);
  retire(std::move(sa));
  if (it == ports_.end() || --it->second.users > 0) return;
  close_port(it->second);
  ports_.erase(it);
  filter_raw();
}

// A native SA begins: its address's port is opened with the first of them.
std::string Engine::use_port(Sa& sa) {
  if (sa.encapsulated) return "";
  Port& port = ports_[sa.local.address];
  const bool forced = wish_ != NativeEsp::kAuto && wish_ != NativeEsp::kRaw;
  if (port.users == 0 || (forced && !port.port)) {
    open_port(sa.local.address, port);
    filter_raw();
  }
  if (forced && !port.port) {
    const std::string why = port.refused;
    if (port.users == 0) ports_.erase(sa.local.address);
    return "native ESP cannot go the way that system.dataplane.native-esp forces: " + why;
  }
  port.users++;
  return "";
}

void Engine::open_port(uint32_t local, Port& port) {
  // One that was closed a moment ago may still hold the interface's queues.
  quiescence_.wait();
  free_retired();
  port.interface = interface_of(local);
  port.port = open_esp_port(wish_, local, &port.refused);
  if (!port.port) return;
  for (int fd : port.port->descriptors()) {
    auto& source = port.sources.emplace_back(std::make_unique<Source>());
    source->fd = fd;
    source->port = port.port.get();
    watch(socket_poll_, fd, source.get());
  }
}

void Engine::close_port(Port& port) {
  for (auto& source : port.sources) {
    epoll_ctl(socket_poll_, EPOLL_CTL_DEL, source->fd, nullptr);
    retire(std::move(source));
  }
  port.sources.clear();
  if (port.port) retire(std::move(port.port));
}

// Native SAs of an address go over to another port; in between they use the raw socket.
void Engine::reopen_port(uint32_t local, Port& port) {
  auto point_to = [&](EspPort* to) {
    for (auto& [name, list] : outbound_) {
      for (auto& sa : list) {
        if (!sa->encapsulated && sa->local.address == local) sa->port.store(to, std::memory_order_release);
      }
    }
  };
  point_to(nullptr);
  close_port(port);
  open_port(local, port);
  point_to(port.port.get());
  filter_raw();
}

// An interface may have been replaced, or the address moved to another, or come to one only now.
void Engine::follow_interfaces() {
  for (auto& [local, port] : ports_) {
    if (interface_of(local) != port.interface) reopen_port(local, port);
  }
}

// What AF_PACKET receives the raw socket would receive again.
void Engine::filter_raw() {
  std::vector<Sockets::Elsewhere> list;
  for (const auto& [local, p] : ports_) {
    if (p.port && p.port->sees_all()) list.push_back({local, p.interface});
  }
  sockets_.leave_to_others(list);
}

void Engine::set_native_esp(NativeEsp wish) {
  std::lock_guard lock(mutex_);
  if (wish == wish_) return;
  wish_ = wish;
  for (auto& [local, port] : ports_) reopen_port(local, port);
}

void Engine::free_retired() {
  std::erase_if(retired_, [&](const auto& r) { return quiescence_.passed(r.first); });
}

std::vector<PortStatistics> Engine::ports() const {
  std::lock_guard lock(mutex_);
  std::vector<PortStatistics> out;
  for (const auto& [local, p] : ports_) out.push_back({local, p.port ? p.port->name() : "raw", p.refused, p.port ? p.port->lost() : 0});
  return out;
}

void Engine::move_peer(const std::string& name, Endpoint4 remote) {
  std::lock_guard lock(mutex_);
  if (const auto it = outbound_.find(name); it != outbound_.end()) {
    for (auto& sa : it->second) sa->remote = remote.packed();
  }
  for (auto& [spi, sa] : inbound_) {
    if (sa->tunnel->name == name) sa->remote = remote.packed();
  }
}

void Engine::send(Endpoint4 local, Endpoint4 remote, const uint8_t* data, size_t octets, bool marker) {
  static const uint8_t kMarker[4] = {};
  iovec parts[2] = {{const_cast<uint8_t*>(kMarker), marker ? sizeof kMarker : 0}, {const_cast<uint8_t*>(data), octets}};
  const sockaddr_in to = to_sockaddr(remote);
  alignas(cmsghdr) uint8_t control[kControlOctets];
  msghdr m = {};
  m.msg_name = const_cast<sockaddr_in*>(&to);
  m.msg_namelen = sizeof to;
  m.msg_iov = parts;
  m.msg_iovlen = 2;
  m.msg_control = control;
  set_control(&m, local.address, 0, 0);
  const int fd = local.port == htons(4500) ? sockets_.nat_t_cut : sockets_.ike;
  // IKE retransmits what is lost, here as under way.
  if (sendmsg(fd, &m, 0) < 0) drops_.count(Drop::kSendFailed);
}

std::vector<SaStatistics> Engine::sas() const {
  std::lock_guard lock(mutex_);
  const uint64_t now = now_ms();
  std::vector<SaStatistics> out;
  auto add = [&](const Sa& sa, bool inbound) {
    out.push_back({sa.spi, inbound, sa.tunnel->name, sa.packets.read(), sa.octets.read(), (now - sa.installed_ms) / 1000});
  };
  for (const auto& [spi, sa] : inbound_) add(*sa, true);
  for (const auto& [name, list] : outbound_) {
    for (const auto& sa : list) add(*sa, false);
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
