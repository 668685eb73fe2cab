// From the network to TUN:
//
//   1. recvmmsg()  up to 16 messages, each perhaps a run of packets (UDP_GRO)
//   2. sort        keepalives away, IKE up to the control plane, ESP on (RFC 3948 2.2)
//   3. decapsulate everything that arrived, each SA's packets as one batch (path/decapsulate)
//   4. coalesce    neighbours of a flow into superpackets (path/coalesce)
//   5. writev()    one for each superpacket, to the TUN of the SA's tunnel
//
// Nothing here allocates, locks or calls the control plane, but for IKE datagrams and rare events.
#pragma once
#include <sys/socket.h>

#include "../io/esp_port.h"
#include "../io/sockets.h"
#include "../pages.h"
#include "decapsulate.h"

namespace sekisho {

// Writes superpackets to their TUNs.
class TunSink : public SuperpacketSink {
 public:
  void write(Tunnel& tunnel, const VnetHeader& header, const iovec* parts, int count, uint32_t packets) override;
};

class Inbound {
 public:
  Inbound(Sockets& sockets, SaTable& table, Events& events, DropCounters& drops);

  // Takes what a socket has, at most about kBatch packets; returns how many it was.
  size_t serve(int fd);
  // The same from a port of native ESP.
  size_t serve(EspPort& port, int fd) { return port.receive(fd, decapsulator_); }

 private:
  static constexpr size_t kMessages = 16;
  static constexpr size_t kMessageOctets = 1 << 16;
  static constexpr size_t kBuffers = 2 << 20;
  static constexpr size_t kBatch = 512;
  static_assert(kMessages * kMessageOctets <= kBuffers);

  size_t receive(int fd, bool* more);
  void datagram(uint8_t* data, uint32_t octets, const Outer& outer);
  void ike(const uint8_t* data, uint32_t octets, const Outer& outer);

  Sockets& sockets_;
  Events& events_;
  DropCounters& drops_;
  TunSink tuns_;
  Decapsulator decapsulator_;
  Pages buffers_{kBuffers};
  mmsghdr messages_[kMessages];
  iovec vectors_[kMessages];
  sockaddr_storage addresses_[kMessages];
  alignas(cmsghdr) uint8_t control_[kMessages][kControlOctets];
};

}  // namespace sekisho
