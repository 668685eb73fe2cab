#include "outbound.h"

#include <sys/uio.h>

namespace sekisho {

Outbound::Outbound(Sockets& sockets, Events& events)
    : sender_(sockets, events), encapsulator_(events, sender_), superpacket_(new uint8_t[1 << 17]) {}

void Outbound::serve(Tunnel& tunnel) {
  if (encapsulator_.waiting() >= kBatch) encapsulator_.flush();
  for (size_t n = 0; n < kSuperpackets && encapsulator_.waiting() < kBatch; n++) {
    VnetHeader header;
    iovec parts[2] = {{&header, sizeof header}, {superpacket_.get(), 1 << 17}};
    const ssize_t got = readv(tunnel.fd, parts, 2);
    if (got <= static_cast<ssize_t>(sizeof header)) break;
    encapsulator_.add(tunnel, header, superpacket_.get(), got - sizeof header);
  }
}

}  // namespace sekisho
