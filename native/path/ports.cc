#include "ports.h"

namespace sekisho {

std::string Ports::use(const Address& local) {
  Port& port = ports_[local];
  const bool forced = wish_ != NativeEsp::kAuto && wish_ != NativeEsp::kRaw;
  if (port.users == 0 || (forced && !port.port)) open(local, port);
  if (forced && !port.port) {
    const std::string why = port.refused;
    if (port.users == 0) ports_.erase(local);
    return "native ESP cannot go the way that system.dataplane.native-esp forces: " + why;
  }
  port.users++;
  return "";
}

void Ports::leave(const Address& local) {
  const auto it = ports_.find(local);
  if (it == ports_.end() || --it->second.users > 0) return;
  close(it->second);
  ports_.erase(it);
  filter_raw();
}

std::shared_ptr<std::atomic<EspPort*>> Ports::now(const Address& local) const {
  const auto it = ports_.find(local);
  return it == ports_.end() ? nullptr : it->second.now;
}

void Ports::open(const Address& local, Port& port) {
  // One that was closed a moment ago may still hold the interface's queues.
  retired_.settle();
  port.interface = interface_of(local);
  port.port = open_esp_port(wish_, local, &port.refused);
  if (port.port) {
    std::string error;
    for (int fd : port.port->descriptors()) {
      if (error = crew_.watch(fd, nullptr, port.port.get()); !error.empty()) break;
    }
    port.now->store(port.port.get(), std::memory_order_release);
    if (!error.empty()) {
      close(port);
      port.refused = error;
    }
  }
  filter_raw();
}

// Its SAs use the raw socket until it is opened again.
void Ports::close(Port& port) {
  port.now->store(nullptr, std::memory_order_release);
  if (!port.port) return;
  for (int fd : port.port->descriptors()) crew_.unwatch(fd);
  retired_.add(std::move(port.port));
}

void Ports::set(NativeEsp wish) {
  if (wish == wish_) return;
  wish_ = wish;
  for (auto& [local, port] : ports_) {
    close(port);
    open(local, port);
  }
}

void Ports::follow_interfaces() {
  for (auto& [local, port] : ports_) {
    if (interface_of(local) == port.interface) continue;
    close(port);
    open(local, port);
  }
}

// What AF_PACKET receives the raw socket would receive again.
void Ports::filter_raw() {
  std::vector<Sockets::Elsewhere> list;
  for (const auto& [local, p] : ports_) {
    if (p.port && p.port->sees_all()) list.push_back({local.v4(), p.interface});
  }
  sockets_.leave_to_others(list);
}

std::vector<PortStatistics> Ports::statistics() const {
  std::vector<PortStatistics> out;
  for (const auto& [local, p] : ports_) {
    out.push_back({local, p.port ? p.port->name() : "raw", p.refused, p.port ? p.port->lost() : 0});
  }
  return out;
}

}  // namespace sekisho
