// Where a packet to an address leaves, as the kernel would send it: for those who write Ethernet themselves.
#pragma once
#include <cstdint>

namespace sekisho {

struct NextHop {
  int interface = 0;    // index; 0 when there is no route
  uint32_t mtu = 0;     // of the route where it is less than the interface's, else 0
  bool reachable = false;
  uint8_t mac[6] = {};  // of the gateway, or of the address itself
};

// Asks route and neighbour table (rtnetlink): some 20 µs. `remote` and `local` in network order.
NextHop next_hop(uint32_t remote, uint32_t local);

}  // namespace sekisho
