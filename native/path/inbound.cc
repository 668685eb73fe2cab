#include "inbound.h"

#include <arpa/inet.h>
#include <string.h>

#include <algorithm>

#include "../octets.h"

namespace sekisho {

void TunSink::write(Tunnel& tunnel, const VnetHeader& header, const iovec* parts, int count, uint32_t packets) {
  // One piece of memory, not two: for a small packet the kernel's look at a list of pieces is a good part of the call.
  static_assert(sizeof header <= kFront);
  uint8_t* first = static_cast<uint8_t*>(parts[0].iov_base) - sizeof header;
  memcpy(first, &header, sizeof header);
  const size_t octets = sizeof header + parts[0].iov_len;
  ssize_t went;
  if (count == 1) {
    went = write_tun(tunnel.fd, first, octets);
  } else {
    iovec all[Coalescer::kMaxSegments + 1];
    all[0] = {first, octets};
    for (int i = 1; i < count; i++) all[i] = parts[i];
    went = write_tun(tunnel.fd, all, count);
  }
  if (went < 0) tunnel.rx_drops.count(Drop::kTunnelDown, packets);
}

Inbound::Inbound(Sockets& sockets, SaTable& table, Events& events, DropCounters& drops)
    : sockets_(sockets),
      events_(events),
      drops_(drops),
      decapsulator_(table, events, drops, tuns_) {}

size_t Inbound::serve(int fd) {
  size_t packets = 0;
  for (bool more = true; more && packets < kBatch;) packets += receive(fd, &more);
  return packets;
}

size_t Inbound::receive(int fd, bool* more) {
  size_t packets = 0;
  for (size_t i = 0; i < kMessages; i++) {
    vectors_[i] = {buffers_.get() + i * kMessageOctets, kMessageOctets};
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
    const Received r = read_control(&messages_[i].msg_hdr);
    uint8_t* data = buffers_.get() + i * kMessageOctets;
    uint32_t left = messages_[i].msg_len;
    const Endpoint from = Endpoint::of(addresses_[i]);
    if (fd == sockets_.v6.esp) {
      packets++;
      decapsulator_.esp(data, left, {{r.destination, 0}, {from.address, 0}, false, r.tos});
      continue;
    }
    if (fd == sockets_.v4.esp) {
      // A raw socket of IPv4 gives the IP header too, already reassembled.
      const uint32_t header = left >= 20 ? (data[0] & 15) * 4 : 0;
      if (header < 20 || header > left) continue;
      packets++;
      decapsulator_.esp(data + header, left - header, {{r.destination, 0}, {from.address, 0}, false, data[1]});
      continue;
    }
    const bool ike = fd == sockets_.v4.ike || fd == sockets_.v6.ike;
    const Outer outer{{r.destination, htons(ike ? 500 : 4500)}, from, true, r.tos};
    const uint32_t segment = r.segment ? r.segment : left ? left : 1;
    for (; left; data += segment) {
      const uint32_t octets = left < segment ? left : segment;
      datagram(data, octets, outer);
      packets++;
      left -= octets;
    }
  }
  decapsulator_.finish();
  *more = got == kMessages;
  // A message may hold no packet at all: it counts, or a flood of such would keep the worker for ever.
  return got > 0 ? std::max<size_t>(packets, got) : 0;
}

void Inbound::datagram(uint8_t* data, uint32_t octets, const Outer& outer) {
  if (outer.local.port == htons(500)) return ike(data, octets, outer);
  if (octets == 1 && data[0] == 0xff) return;  // NAT keepalive (RFC 3948 2.3)
  if (octets < 4) return drops_.count(Drop::kMalformedEsp);
  if (get32(data) == 0) return ike(data + 4, octets - 4, outer);  // non-ESP marker
  decapsulator_.esp(data, octets, outer);
}

void Inbound::ike(const uint8_t* data, uint32_t octets, const Outer& outer) {
  Event e{Event::Kind::kIke, outer.local, outer.from, {data, data + octets}, {}};
  if (!events_.push(std::move(e))) drops_.count(Drop::kIkeQueueFull);
}

}  // namespace sekisho
