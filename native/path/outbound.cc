#include "outbound.h"

#include <string.h>

#include <algorithm>

#include "../io/tun.h"

namespace sekisho {

Outbound::Outbound(Sockets& sockets, int worker, Events& events)
    : sender_(sockets, worker, events),
      encapsulator_(events, sender_),
      superpacket_(new uint8_t[sizeof(VnetHeader) + kSuperpacket]) {}

size_t Outbound::serve(Tunnel& tunnel) {
  const uint64_t before = tunnel.tx_packets.read();
  if (encapsulator_.full()) encapsulator_.flush();
  size_t reads = 0;
  for (; reads < kReads && !encapsulator_.full(); reads++) {
    const ssize_t got = read_tun(tunnel.fd, superpacket_.get(), sizeof(VnetHeader) + kSuperpacket);
    if (got <= static_cast<ssize_t>(sizeof(VnetHeader))) break;
    VnetHeader header;
    memcpy(&header, superpacket_.get(), sizeof header);
    encapsulator_.add(tunnel, header, superpacket_.get() + sizeof header, got - sizeof header);
  }
  return std::max<size_t>(reads, tunnel.tx_packets.read() - before);
}

}  // namespace sekisho
