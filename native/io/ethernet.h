// What a port that writes Ethernet needs: our interface, next hops, headers. Used by whose turn it is to send.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>

#include "../sa/sa.h"
#include "next_hop.h"

namespace sekisho {

class Decapsulator;

constexpr uint32_t kEthernetIpv4 = 14 + 20;

struct EthernetHop {
  uint32_t remote = 0;
  NextHop hop;
  uint64_t asked_ms = 0;
};

class Ethernet {
 public:
  // False with a sentence fragment in *why where the interface is no Ethernet.
  bool open(const std::string& interface, int index, std::string* why);
  // The largest packet that will ever be written, IP header included.
  uint32_t room() const { return room_; }

  // The next hop for a packet of `octets` from the ESP header on. Null when the packet has to take the kernel's way: its
  // next hop is not known (yet), it is too long for the path, or the kernel shall see the neighbour in use, which it would
  // forget otherwise: once a second.
  const EthernetHop* find(const OutboundSa& sa, uint32_t octets);
  // Writes the two headers in front of an ESP packet: kEthernetIpv4 octets.
  void write(const EthernetHop& hop, const OutboundSa& sa, uint8_t* at, uint32_t octets, uint8_t tos, bool dont_fragment);

 private:
  // What may have changed since: asked with every next hop.
  bool refresh();

  std::string interface_;
  int index_ = 0;
  uint32_t mtu_ = 0, room_ = 0;
  uint8_t mac_[6] = {};
  uint16_t id_ = 0;
  std::unordered_map<uint32_t, EthernetHop> hops_;  // by remote address
};

// Hands the ESP packet of an Ethernet frame to `to`; a frame that holds none is a counted drop.
void take_ethernet(uint8_t* frame, uint32_t octets, Decapsulator& to);

}  // namespace sekisho
