#include "outbound.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../crypto/esp_layout.h"
#include "../io/tun.h"
#include "packet.h"

namespace sekisho {
namespace {

constexpr uint8_t kNextIpv4 = 4, kNextIpv6 = 41;  // RFC 4303 2.6

void expire(Sa& sa, Events& events, bool hard, Cause cause) {
  std::atomic<bool>& said = hard ? sa.said_hard : sa.said_soft;
  if (said.exchange(true)) return;
  Event e{Event::Kind::kExpire, {}, {}, {}, {}};
  e.spi = sa.spi;
  e.hard = hard;
  e.cause = cause;
  events.push(std::move(e));
}

}  // namespace

bool within_limits(Sa& sa, Events& events) {
  const uint64_t octets = sa.octets.read(), packets = sa.packets.read();
  auto over = [](uint64_t limit, uint64_t value) { return limit != 0 && value >= limit; };
  if (over(sa.soft.octets, octets)) expire(sa, events, false, Cause::kOctets);
  if (over(sa.soft.packets, packets)) expire(sa, events, false, Cause::kPackets);
  if (over(sa.hard.octets, octets)) expire(sa, events, true, Cause::kOctets);
  if (over(sa.hard.packets, packets)) expire(sa, events, true, Cause::kPackets);
  return sa.usable();
}

Outbound::Outbound(Sockets& sockets, Events& events)
    : sockets_(sockets),
      events_(events),
      arena_(new uint8_t[kArena]),
      superpacket_(new uint8_t[1 << 17]),
      messages_(kPackets),
      vectors_(kPackets),
      control_(kPackets * kControlOctets),
      counts_(kPackets) {
  packets_.reserve(kPackets);
  jobs_.reserve(kPackets);
}

bool Outbound::serve(Tunnel& tunnel) {
  tunnel_ = &tunnel;
  sa_ = tunnel.outbound.load(std::memory_order_acquire);
  bool more = true;
  for (size_t n = 0; n < kSuperpackets && packets_.size() < kBatch; n++) {
    VnetHeader header;
    iovec parts[2] = {{&header, sizeof header}, {superpacket_.get(), 1 << 17}};
    const ssize_t got = readv(tunnel.fd, parts, 2);
    if (got <= static_cast<ssize_t>(sizeof header)) {
      more = false;
      break;
    }
    const uint32_t octets = got - sizeof header;
    uint8_t* packet = superpacket_.get();
    if (packet[0] >> 4 == 6 && !tunnel.ipv6.load(std::memory_order_relaxed)) {
      tunnel.tx_drops.count(Drop::kIpv6Blocked);
      continue;
    }
    if (!sa_) {
      tunnel.tx_drops.count(Drop::kNoOutboundSa);
      if (!tunnel.acquired.exchange(true)) {
        Event e{Event::Kind::kAcquire, {}, {}, {}, tunnel.name};
        events_.push(std::move(e));
      }
      continue;
    }
    if (!within_limits(*sa_, events_)) {
      tunnel.tx_drops.count(Drop::kSaExpired);
      continue;
    }
    clamp_mss(packet, octets, tunnel.mss4.load(std::memory_order_relaxed), tunnel.mss6.load(std::memory_order_relaxed),
              header.flags & VnetHeader::kNeedsChecksum);
    if (!split_superpacket(header, packet, octets, on_segment, this)) {
      tunnel.tx_drops.count(Drop::kMalformedInner);
    }
  }
  flush();
  return more;
}

void Outbound::on_segment(void* self, const uint8_t* headers, uint32_t header_octets, const uint8_t* payload,
                          uint32_t payload_octets) {
  static_cast<Outbound*>(self)->encapsulate(headers, header_octets, payload, payload_octets);
}

void Outbound::encapsulate(const uint8_t* headers, uint32_t header_octets, const uint8_t* payload,
                           uint32_t payload_octets) {
  const Suite& s = sa_->suite;
  const uint32_t inner = header_octets + payload_octets;
  const uint32_t padding = (s.block - (inner + 2) % s.block) % s.block;
  const uint32_t text = inner + padding + 2;
  const uint32_t octets = kEspHeader + s.iv + text + s.icv;
  // Segments of a handful of octets could fill the arena in the middle of a superpacket.
  if (used_ + octets > kArena || packets_.size() == kPackets) flush();
  // Without ESN a number is never used twice (RFC 4303 3.3.3); the packet limit renews the SA long before.
  if (!sa_->esn && sa_->sequence == UINT32_MAX) return tunnel_->tx_drops.count(Drop::kSaExpired);

  uint8_t* esp = arena_.get() + used_;
  const uint64_t sequence = ++sa_->sequence;
  put32(esp, sa_->spi);
  put32(esp + 4, sequence);
  uint8_t* at = esp + kEspHeader + s.iv;
  memcpy(at, headers, header_octets);
  if (payload_octets) memcpy(at + header_octets, payload, payload_octets);
  at += inner;
  for (uint32_t i = 1; i <= padding; i++) *at++ = i;  // RFC 4303 2.4
  *at++ = padding;
  *at = headers[0] >> 4 == 6 ? kNextIpv6 : kNextIpv4;

  int tos = tunnel_->tos.load(std::memory_order_relaxed);
  // The ECN field stays outside: decapsulation does not carry a congestion mark back in yet (RFC 6040 3.2).
  if (tos < 0) tos = (headers[0] >> 4 == 6 ? headers[0] << 4 | headers[1] >> 4 : headers[1]) & 0xfc;
  packets_.push_back({static_cast<uint32_t>(used_), octets, static_cast<uint8_t>(tos)});
  jobs_.push_back({esp, text, static_cast<uint32_t>(sequence >> 32), false});
  used_ += octets;
  sa_->packets.add(1);
  sa_->octets.add(inner);
  tunnel_->tx_packets.add(1);
  tunnel_->tx_octets.add(inner);
}

void Outbound::seal() {
  for (size_t i = 0; i < jobs_.size(); i += kMaxBatch) {
    const size_t n = jobs_.size() - i < kMaxBatch ? jobs_.size() - i : kMaxBatch;
    sa_->cipher->seal(&jobs_[i], n);
  }
  // What a kernel did not seal must not leave: it is still clear.
  for (size_t i = jobs_.size(); i-- > 0;) {
    if (jobs_[i].ok) continue;
    tunnel_->tx_drops.count(Drop::kSendFailed);
    packets_.erase(packets_.begin() + i);
  }
}

size_t Outbound::group(size_t from) {
  const Endpoint4 remote = Endpoint4::unpack(sa_->remote.load(std::memory_order_relaxed));
  to_ = to_sockaddr(sa_->encapsulated ? remote : Endpoint4{remote.address, 0});
  const size_t most = sa_->encapsulated ? sockets_.segments : 1;
  size_t count = 0;
  for (size_t i = from; i < packets_.size();) {
    const Packet& first = packets_[i];
    size_t n = 1;
    uint32_t octets = first.octets;
    // Neighbours lie without a gap in the arena; only the last of a group may be shorter (UDP_SEGMENT).
    while (n < most && i + n < packets_.size()) {
      const Packet& next = packets_[i + n];
      if (next.octets > first.octets || next.tos != first.tos || octets + next.octets > kMaxGsoOctets) break;
      if (next.at != first.at + octets) break;  // one between them was not sealed
      octets += next.octets;
      n++;
      if (next.octets < first.octets) break;
    }
    vectors_[count] = {arena_.get() + first.at, octets};
    counts_[count] = n;
    msghdr& m = messages_[count].msg_hdr;
    m = {};
    m.msg_name = &to_;
    m.msg_namelen = sizeof to_;
    m.msg_iov = &vectors_[count];
    m.msg_iovlen = 1;
    m.msg_control = &control_[count * kControlOctets];
    set_control(&m, sa_->local.address, first.tos, n > 1 ? first.octets : 0);
    count++;
    i += n;
  }
  return count;
}

void Outbound::flush() {
  if (packets_.empty()) return;
  seal();
  const int fd = sa_->encapsulated ? sockets_.nat_t : sockets_.esp;
  size_t count = group(0), packets = 0;
  for (size_t sent = 0; sent < count;) {
    const int n = sendmmsg(fd, &messages_[sent], count - sent, 0);
    if (n > 0) {
      for (int i = 0; i < n; i++) packets += counts_[sent++];
      continue;
    }
    if (errno == EINTR) continue;
    const int error = errno;
    const bool size = error == EMSGSIZE || (error == EINVAL && exceeds_path(packets_[packets].octets));
    if (!size && counts_[sent] > 1 && (error == EIO || error == EINVAL)) {
      // A device without checksum offload (EIO, before Linux 6.11) or a kernel that carries fewer segments (EINVAL):
      // smaller groups from here on, and what is left is grouped anew.
      sockets_.segments = error == EINVAL && sockets_.segments > kOldSegments ? kOldSegments : 1;
      count = group(packets);
      sent = 0;
      continue;
    }
    tunnel_->tx_drops.count(size ? Drop::kTooBig : Drop::kSendFailed, counts_[sent]);
    if (size) report_path();
    packets += counts_[sent++];
  }
  packets_.clear();
  jobs_.clear();
  used_ = 0;
}

// Older kernels answer EINVAL, not EMSGSIZE, to segments that are too long for the path.
bool Outbound::exceeds_path(uint32_t octets) const {
  const uint32_t mtu = path_mtu(Endpoint4::unpack(sa_->remote.load(std::memory_order_relaxed)).address);
  return mtu && octets + 28 > mtu;
}

// The path carries less than we thought; said at most once a second, for every packet says it.
void Outbound::report_path() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  if (t.tv_sec == path_reported_) return;
  path_reported_ = t.tv_sec;
  Event e{Event::Kind::kPathMtu, {}, Endpoint4::unpack(sa_->remote.load(std::memory_order_relaxed)), {}, {}};
  events_.push(std::move(e));
}

}  // namespace sekisho
