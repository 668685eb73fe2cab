// From the network to TUN. One thread serves all sockets:
//
//   1. recvmmsg()  up to 16 messages, each perhaps a run of packets (UDP_GRO)
//   2. sort        keepalives away, IKE up to the control plane, ESP on (RFC 3948 2.2)
//   3. find        the SA by SPI, ask the replay window whether the packet may be new
//   4. open        runs of packets of one SA as a batch: verify, then decrypt (crypto/)
//   5. mark        the replay window; strip trailer and padding, look at the inner header
//   6. write()     to the TUN of the SA's tunnel
//
// Nothing here allocates, locks or calls the control plane, but for IKE datagrams and rare events.
#pragma once
#include <sys/socket.h>

#include <memory>
#include <vector>

#include "../io/sockets.h"
#include "../sa/table.h"
#include "events.h"

namespace sekisho {

class Inbound {
 public:
  Inbound(Sockets& sockets, SaTable& table, Events& events, DropCounters& drops);

  // Takes one batch from a socket; true when there may be more.
  bool serve(int fd);

 private:
  static constexpr size_t kMessages = 16;
  static constexpr size_t kMessageOctets = 1 << 16;

  struct Pending {
    InboundSa* sa;
    uint64_t sequence;
    Endpoint4 local, from;
    bool encapsulated;
  };

  void datagram(int fd, uint8_t* data, uint32_t octets, Endpoint4 local, Endpoint4 from);
  void esp(uint8_t* packet, uint32_t octets, Endpoint4 local, Endpoint4 from, bool encapsulated);
  void ike(const uint8_t* data, uint32_t octets, Endpoint4 local, Endpoint4 from);
  void open();
  void deliver(const Job& job, const Pending& p);

  Sockets& sockets_;
  SaTable& table_;
  Events& events_;
  DropCounters& drops_;
  std::unique_ptr<uint8_t[]> buffers_;
  mmsghdr messages_[kMessages];
  iovec vectors_[kMessages];
  sockaddr_in addresses_[kMessages];
  alignas(cmsghdr) uint8_t control_[kMessages][kControlOctets];
  std::vector<Job> jobs_;
  std::vector<Pending> pending_;
};

}  // namespace sekisho
