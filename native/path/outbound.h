// From TUN to the network:
//
//   1. read()      superpackets from each TUN that has some, until it is empty or the batch is full
//   2. encapsulate the packets in them (path/encapsulate)
//   3. seal        each SA's packets as batches, once a turn for all tunnels
//   4. group       neighbours of equal size and destination into one UDP_SEGMENT message (io/esp_sender)
//   5. sendmmsg()  everything at once
//
// Nothing here allocates, locks or calls the control plane; what cannot be sent is a named drop.
#pragma once
#include <memory>

#include "../io/esp_sender.h"
#include "encapsulate.h"

namespace sekisho {

class Outbound {
 public:
  Outbound(Sockets& sockets, int worker, Events& events);

  // Carries what a TUN has, at most one batch; returns how many packets it was, or reads if most of them were dropped.
  size_t serve(Tunnel& tunnel);
  // Ends the turn: what was read leaves.
  void flush() { encapsulator_.flush(); }

 private:
  static constexpr size_t kSuperpacket = 1 << 17;
  // What is dropped fills no batch: without an SA a flood would keep the worker for ever.
  static constexpr size_t kReads = 1024;

  EspSender sender_;
  Encapsulator encapsulator_;
  std::unique_ptr<uint8_t[]> superpacket_;  // behind its VnetHeader
};

}  // namespace sekisho
