// What a tunnel of a suite carries from this machine to itself.
#pragma once
#include "../crypto/cipher.h"

namespace sekisho {

struct Loopback {
  double gbit;          // Gbit/s of inner packets of 1,400 octets, sealed and opened again by one core
  double packets;       // a second, of 64 octets
  double microseconds;  // for one packet of 1,400 octets by itself, both ends; median
  uint64_t sent, arrived;
};

// On the calling thread, about a second. The whole way of a packet but for the network and the TUN. False where no kernel can
// do the suite.
bool measure_loopback(const SuiteName& name, Loopback* out);

}  // namespace sekisho
