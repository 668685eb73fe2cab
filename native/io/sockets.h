// The sockets of the router: UDP 500 and 4500 for IKE and encapsulated ESP, a raw socket for native ESP.
#pragma once
#include <netinet/in.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "../sa/sa.h"

namespace sekisho {

// Those of one address family.
struct SocketFamily {
  int ike = -1;            // UDP 500
  std::vector<int> nat_t;  // UDP 4500, one for each worker: all of a peer's packets arrive at the same one
  int esp = -1;            // IP protocol 50
  // The same two for packets that may be cut under way: they only send.
  int nat_t_cut = -1, esp_cut = -1;

  std::vector<int> readable() const;
};

struct Sockets {
  // v6 has no sockets where the kernel has no IPv6.
  SocketFamily v4, v6;
  std::atomic<int> segments{1};  // how many packets one UDP_SEGMENT send may carry: 1 where the kernel knows no GSO

  const SocketFamily& of(const Address& a) const { return a.is4() ? v4 : v6; }

  // False with a sentence in *error when one of them cannot be had.
  bool open(int workers, std::string* error);
  // Keeps ESP for an address that arrives by an interface away from the raw socket: a port receives it there. What comes
  // by another way still comes.
  struct Elsewhere {
    uint32_t local;
    int interface;
  };
  void leave_to_others(const std::vector<Elsewhere>& list);
  void close();
  Sockets() = default;
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;
  ~Sockets() { close(); }
};

// Room for the control messages that a send or receive carries.
constexpr size_t kControlOctets = 160;

// Fills in source address, ToS and segment size (0: one packet) of an outgoing message.
void set_control(msghdr* message, const Address& source, int tos, uint16_t segment);

// What stands beside a received message; `segment` is GRO's size of each packet in it, 0 for one packet.
struct Received {
  Address destination;
  uint16_t segment = 0;
  uint8_t tos = 0;
};
Received read_control(msghdr* message);

// What the path to `remote` carries, octets of IP packet, as the kernel has learned it; 0 when it cannot tell.
uint32_t path_mtu(const Address& remote);

// Octets of the outer IP header, and of UDP's behind it.
constexpr uint32_t kUdpOctets = 8;
inline uint32_t ip_octets(const Address& a) { return a.is4() ? 20 : 40; }

}  // namespace sekisho
