#include "esp_sender.h"

#include <errno.h>
#include <time.h>

#include "esp_port.h"

namespace sekisho {

EspSender::EspSender(Sockets& sockets, int worker, Events& events)
    : sockets_(sockets),
      worker_(worker),
      events_(events),
      messages_(kMessages),
      vectors_(kMessages),
      addresses_(kMessages),
      control_(kMessages * kControlOctets),
      counts_(kMessages) {}

int EspSender::socket_of(const EspPacket& p) const {
  const SocketFamily& s = sockets_.of(p.sa->local.address);
  if (p.sa->encapsulated) return !p.dont_fragment ? s.nat_t_cut : s.nat_t.empty() ? -1 : s.nat_t[worker_];
  return p.dont_fragment ? s.esp : s.esp_cut;
}

void EspSender::send(uint8_t* arena, const EspPacket* packets, size_t n) {
  auto port_of = [](const EspPacket& p) { return p.sa->port ? p.sa->port->load(std::memory_order_acquire) : nullptr; };
  for (size_t from = 0, to; from < n; from = to) {
    const int fd = socket_of(packets[from]);
    EspPort* port = port_of(packets[from]);
    for (to = from + 1; to < n && socket_of(packets[to]) == fd && port_of(packets[to]) == port; to++) {
    }
    if (port) send_through(*port, arena, packets + from, to - from);
    else send_on(fd, arena, packets + from, to - from);
  }
}

void EspSender::send_through(EspPort& port, uint8_t* arena, const EspPacket* packets, size_t n) {
  const EspPort::Turn turn(port);
  auto put = [&](const EspPacket& p) { return port.put(*p.sa, arena + p.at, p.octets, p.tos, p.dont_fragment); };
  for (size_t i = 0; i < n;) {
    if (put(packets[i])) {
      i++;
      continue;
    }
    port.kick();  // nothing may be overtaken
    // The kernel's way for this one and those that are refused behind it.
    size_t run = 1;
    bool taken = false;
    while (i + run < n && !(taken = put(packets[i + run]))) run++;
    send_on(socket_of(packets[i]), arena, packets + i, run);
    i += run + taken;
  }
  port.kick();
}

size_t EspSender::group(uint8_t* arena, const EspPacket* packets, size_t n, size_t most) {
  size_t count = 0;
  for (size_t i = 0; i < n;) {
    const EspPacket& first = packets[i];
    const size_t room = first.sa->encapsulated ? most : 1;
    size_t run = 1;
    uint32_t octets = first.octets;
    // Only the last of a group may be shorter (UDP_SEGMENT).
    while (run < room && i + run < n) {
      const EspPacket& next = packets[i + run];
      if (next.sa != first.sa || next.octets > first.octets || next.tos != first.tos) break;
      if (octets + next.octets > kMaxGsoOctets) break;
      if (next.at != first.at + octets) break;  // one between them was not sealed
      octets += next.octets;
      run++;
      if (next.octets < first.octets) break;
    }
    Endpoint remote = first.sa->remote.load();
    if (!first.sa->encapsulated) remote.port = 0;
    socklen_t length;
    addresses_[count] = remote.socket_address(&length);
    vectors_[count] = {arena + first.at, octets};
    counts_[count] = run;
    msghdr& m = messages_[count].msg_hdr;
    m = {};
    m.msg_name = &addresses_[count];
    m.msg_namelen = length;
    m.msg_iov = &vectors_[count];
    m.msg_iovlen = 1;
    m.msg_control = &control_[count * kControlOctets];
    set_control(&m, first.sa->local.address, first.tos, run > 1 ? first.octets : 0);
    count++;
    i += run;
  }
  return count;
}

void EspSender::send_on(int fd, uint8_t* arena, const EspPacket* packets, size_t n) {
  size_t count = group(arena, packets, n, sockets_.segments), done = 0;
  for (size_t sent = 0; sent < count;) {
    const int went = sendmmsg(fd, &messages_[sent], count - sent, 0);
    if (went > 0) {
      for (int i = 0; i < went; i++) done += counts_[sent++];
      continue;
    }
    if (errno == EINTR) continue;
    const int error = errno;
    const EspPacket& first = packets[done];
    const bool size = error == EMSGSIZE || (error == EINVAL && exceeds_path(first));
    if (counts_[sent] > 1 && (size ? !first.dont_fragment : error == EIO || error == EINVAL)) {
      // What may be cut under way is cut by the kernel, which does not do so with segments. Else: a device without
      // checksum offload (EIO, before Linux 6.11) or a kernel that carries fewer segments (EINVAL), from here on.
      if (!size) sockets_.segments = error == EINVAL && sockets_.segments > kOldSegments ? kOldSegments : 1;
      packets += done;
      n -= done;
      count = group(arena, packets, n, size ? 1 : sockets_.segments.load());
      done = sent = 0;
      continue;
    }
    first.sa->tunnel->tx_drops.count(size ? Drop::kTooBig : Drop::kSendFailed, counts_[sent]);
    if (size) report_path(*first.sa);
    done += counts_[sent++];
  }
}

// Older kernels answer EINVAL, not EMSGSIZE, to segments that are too long for the path.
bool EspSender::exceeds_path(const EspPacket& p) const {
  const Address remote = p.sa->remote.load().address;
  const uint32_t mtu = path_mtu(remote);
  return mtu && p.octets + ip_octets(remote) + (p.sa->encapsulated ? kUdpOctets : 0) > mtu;
}

// The path carries less than we thought; said at most once a second of an SA, for every packet says it.
void EspSender::report_path(OutboundSa& sa) {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  if (t.tv_sec == sa.path_reported) return;
  sa.path_reported = t.tv_sec;
  Event e{Event::Kind::kPathMtu, {}, sa.remote.load(), {}, {}};
  events_.push(std::move(e));
}

}  // namespace sekisho
