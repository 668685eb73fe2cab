#include "inbound.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../crypto/esp_layout.h"
#include "../io/tun.h"
#include "outbound.h"
#include "packet.h"

namespace sekisho {
namespace {

constexpr uint8_t kNextIpv4 = 4, kNextIpv6 = 41, kNextNone = 59;  // RFC 4303 2.6

}  // namespace

Inbound::Inbound(Sockets& sockets, SaTable& table, Events& events, DropCounters& drops)
    : sockets_(sockets),
      table_(table),
      events_(events),
      drops_(drops),
      buffers_(new uint8_t[kMessages * kMessageOctets]) {
  jobs_.reserve(kMaxBatch);
  pending_.reserve(kMaxBatch);
}

bool Inbound::serve(int fd) {
  for (size_t i = 0; i < kMessages; i++) {
    vectors_[i] = {&buffers_[i * kMessageOctets], kMessageOctets};
    messages_[i] = {};
    msghdr& m = messages_[i].msg_hdr;
    m.msg_name = &addresses_[i];
    m.msg_namelen = sizeof addresses_[i];
    m.msg_iov = &vectors_[i];
    m.msg_iovlen = 1;
    m.msg_control = control_[i];
    m.msg_controllen = kControlOctets;
  }
  const int got = recvmmsg(fd, messages_, kMessages, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < got; i++) {
    uint32_t destination;
    uint16_t segment;
    read_control(&messages_[i].msg_hdr, &destination, &segment);
    uint8_t* data = &buffers_[i * kMessageOctets];
    uint32_t left = messages_[i].msg_len;
    const Endpoint4 from{addresses_[i].sin_addr.s_addr, addresses_[i].sin_port};
    if (fd == sockets_.esp) {
      // A raw socket gives the IP header too, already reassembled.
      const uint32_t header = left >= 20 ? (data[0] & 15) * 4 : 0;
      if (header >= 20 && header <= left) esp(data + header, left - header, {destination, 0}, {from.address, 0}, false);
      continue;
    }
    const Endpoint4 local{destination, htons(fd == sockets_.ike ? 500 : 4500)};
    if (!segment) segment = left ? left : 1;
    for (; left; data += segment) {
      const uint32_t octets = left < segment ? left : segment;
      datagram(fd, data, octets, local, from);
      left -= octets;
    }
  }
  open();
  return got == kMessages;
}

void Inbound::datagram(int fd, uint8_t* data, uint32_t octets, Endpoint4 local, Endpoint4 from) {
  if (fd == sockets_.ike) return ike(data, octets, local, from);
  if (octets == 1 && data[0] == 0xff) return;  // NAT keepalive (RFC 3948 2.3)
  if (octets < 4) return drops_.count(Drop::kMalformedEsp);
  if (get32(data) == 0) return ike(data + 4, octets - 4, local, from);  // non-ESP marker
  esp(data, octets, local, from, true);
}

void Inbound::ike(const uint8_t* data, uint32_t octets, Endpoint4 local, Endpoint4 from) {
  Event e{Event::Kind::kIke, local, from, {data, data + octets}, {}};
  if (!events_.push(std::move(e))) drops_.count(Drop::kIkeQueueFull);
}

void Inbound::esp(uint8_t* packet, uint32_t octets, Endpoint4 local, Endpoint4 from, bool encapsulated) {
  if (octets < kEspHeader) return drops_.count(Drop::kMalformedEsp);
  InboundSa* sa = table_.find(get32(packet));
  if (!sa) return drops_.count(Drop::kUnknownSpi);
  DropCounters& drops = sa->tunnel->rx_drops;
  const Suite& s = sa->suite;
  if (!sa->usable()) return drops.count(Drop::kSaExpired);
  const uint32_t overhead = kEspHeader + s.iv + s.icv;
  // At least a trailer, and whole blocks: AEADs align to 4 octets, which a peer need not (RFC 4106 3.3 asks it to).
  if (octets < overhead + 2) return drops.count(Drop::kMalformedEsp);
  const uint32_t text = octets - overhead;
  if (!s.aead() && text % s.block != 0) return drops.count(Drop::kMalformedEsp);
  const uint64_t sequence = sa->replay.expand(get32(packet + 4));
  if (!sa->replay.acceptable(sequence)) return drops.count(Drop::kReplayed);
  // A batch belongs to one SA, so that its cipher sees it whole.
  if (!pending_.empty() && (pending_.back().sa != sa || pending_.size() == kMaxBatch)) open();
  jobs_.push_back({packet, text, static_cast<uint32_t>(sequence >> 32), false});
  // Both forms are taken at any time (RFC 7296 2.23); only the encapsulated one can tell of a NAT.
  pending_.push_back({sa, sequence, local, from, encapsulated});
}

void Inbound::open() {
  if (jobs_.empty()) return;
  pending_[0].sa->cipher->open(jobs_.data(), jobs_.size());
  for (size_t i = 0; i < jobs_.size(); i++) deliver(jobs_[i], pending_[i]);
  jobs_.clear();
  pending_.clear();
}

void Inbound::deliver(const Job& job, const Pending& p) {
  InboundSa& sa = *p.sa;
  Tunnel& tunnel = *sa.tunnel;
  DropCounters& drops = tunnel.rx_drops;
  if (!job.ok) return drops.count(Drop::kAuthenticationFailed);
  bool newest;
  // Asked again: the same packet may stand twice in one batch.
  if (!sa.replay.mark(p.sequence, &newest)) return drops.count(Drop::kReplayed);

  if (sa.packets.read() == 0) {
    Event e{Event::Kind::kFirstPacket, {}, {}, {}, {}};
    e.spi = sa.spi;
    events_.push(std::move(e));
  }
  if (newest && p.encapsulated && sa.encapsulated && p.from.packed() != sa.remote.load(std::memory_order_relaxed)) {
    // Authentic, and not an old packet kept back by somebody: the peer's NAT changed its mapping (RFC 7296 2.23).
    sa.remote.store(p.from.packed(), std::memory_order_relaxed);
    Event e{Event::Kind::kPeerMoved, p.local, p.from, {}, {}};
    e.spi = sa.spi;
    events_.push(std::move(e));
  }
  uint8_t* inner = text_of(sa.suite, job);
  const uint8_t next = inner[job.text - 1], padding = inner[job.text - 2];
  sa.packets.add(1);
  if (padding + 2u > job.text) return drops.count(Drop::kMalformedEsp);
  const uint32_t octets = job.text - 2 - padding;
  sa.octets.add(octets);
  within_limits(sa, events_);
  if (next == kNextNone) return drops.count(Drop::kDummy);
  // What follows the packet's own length is padding for traffic flow confidentiality (RFC 4303 2.7).
  const uint32_t length = inner_length(inner, octets);
  const uint8_t version = length ? inner[0] >> 4 : 0;
  if (version != (next == kNextIpv4 ? 4 : next == kNextIpv6 ? 6 : 255)) return drops.count(Drop::kMalformedInner);
  if (version == 6 && !tunnel.ipv6.load(std::memory_order_relaxed)) return drops.count(Drop::kIpv6Blocked);
  clamp_mss(inner, length, tunnel.mss4.load(std::memory_order_relaxed), tunnel.mss6.load(std::memory_order_relaxed),
            false);
  tunnel.rx_packets.add(1);
  tunnel.rx_octets.add(length);
  VnetHeader header = {};
  iovec parts[2] = {{&header, sizeof header}, {inner, length}};
  if (writev(tunnel.fd, parts, 2) < 0) drops.count(Drop::kTunnelDown);
}

}  // namespace sekisho
