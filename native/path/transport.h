// Transport mode (RFC 4303 3.1.1): ESP between the IP header and what it carries. What the path has to know of such packets:
// the header that is left out on the way out, and made anew from the outer one on the way in.
#pragma once
#include <cstdint>

#include "../sa/endpoint.h"

namespace sekisho {

constexpr uint32_t kMostNetworkOctets = 40;

// Of a whole IPv4 or IPv6 packet. IPv6's extension headers count as carried.
inline uint32_t network_octets(const uint8_t* packet) { return packet[0] >> 4 == 6 ? 40 : (packet[0] & 15) * 4; }
inline uint8_t network_protocol(const uint8_t* packet) { return packet[packet[0] >> 4 == 6 ? 6 : 9]; }

// Of any octets.
bool is_fragment(const uint8_t* packet, uint32_t octets);

struct Network {
  Address source, destination;
  uint8_t tos;
};

// Writes the packet that ESP carried in transport mode to `packet`: an IP header without options, and the payload. Behind a
// NAT the checksums of TCP and UDP were made for other addresses; the ICV has shown that nothing else changed (RFC 3948
// 3.1.2), so they are made anew. False when the packet would be longer than a packet can be.
bool restore_packet(uint8_t* packet, const Network& network, const uint8_t* payload, uint32_t octets, uint8_t protocol,
                    bool renew_checksums);

}  // namespace sekisho
