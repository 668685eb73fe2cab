#include "inbound.h"

#include <arpa/inet.h>
#include <sys/uio.h>

#include "../octets.h"

namespace sekisho {

void TunSink::write(Tunnel& tunnel, const VnetHeader& header, const iovec* parts, int count, uint32_t packets) {
  iovec all[Coalescer::kMaxSegments + 2];
  all[0] = {const_cast<VnetHeader*>(&header), sizeof header};
  for (int i = 0; i < count; i++) all[i + 1] = parts[i];
  if (writev(tunnel.fd, all, count + 1) < 0) tunnel.rx_drops.count(Drop::kTunnelDown, packets);
}

Inbound::Inbound(Sockets& sockets, SaTable& table, Events& events, DropCounters& drops)
    : sockets_(sockets),
      events_(events),
      drops_(drops),
      decapsulator_(table, events, drops, tuns_),
      buffers_(new uint8_t[kMessages * kMessageOctets]) {}

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
    const Received r = read_control(&messages_[i].msg_hdr);
    uint8_t* data = &buffers_[i * kMessageOctets];
    uint32_t left = messages_[i].msg_len;
    const Endpoint4 from{addresses_[i].sin_addr.s_addr, addresses_[i].sin_port};
    if (fd == sockets_.esp) {
      // A raw socket gives the IP header too, already reassembled.
      const uint32_t header = left >= 20 ? (data[0] & 15) * 4 : 0;
      if (header < 20 || header > left) continue;
      decapsulator_.esp(data + header, left - header, {{r.destination, 0}, {from.address, 0}, false, data[1]});
      continue;
    }
    const Outer outer{{r.destination, htons(fd == sockets_.ike ? 500 : 4500)}, from, true, r.tos};
    const uint32_t segment = r.segment ? r.segment : left ? left : 1;
    for (; left; data += segment) {
      const uint32_t octets = left < segment ? left : segment;
      datagram(fd, data, octets, outer);
      left -= octets;
    }
  }
  decapsulator_.finish();
  return got == kMessages;
}

void Inbound::datagram(int fd, uint8_t* data, uint32_t octets, const Outer& outer) {
  if (fd == sockets_.ike) return ike(data, octets, outer);
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
