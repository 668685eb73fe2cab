#include "transport.h"

#include <netinet/in.h>

#include <cstring>

#include "../octets.h"
#include "packet.h"

namespace sekisho {
namespace {

constexpr uint32_t kLongest = 65'535;
constexpr uint8_t kHops = 64;  // the outer header's count is not known here; the packet has arrived

void renew_checksum(uint8_t* packet, uint32_t ip, uint32_t octets, uint8_t protocol) {
  const uint32_t at = protocol == IPPROTO_TCP ? 16 : 6;
  uint8_t* l4 = packet + ip;
  if (octets < (protocol == IPPROTO_TCP ? 20u : 8u)) return;
  const bool v6 = ip == 40;
  if (protocol == IPPROTO_UDP && !v6 && get16(l4 + at) == 0) return;  // none was made (RFC 768)
  put16(l4 + at, 0);
  const uint16_t sum = checksum_finish(checksum_sum(l4, octets, pseudo_sum(packet, v6, protocol, octets)));
  put16(l4 + at, sum == 0 && protocol == IPPROTO_UDP ? 0xffff : sum);
}

}  // namespace

bool is_fragment(const uint8_t* packet, uint32_t octets) {
  if (octets >= 20 && packet[0] >> 4 == 4) return get16(packet + 6) & 0x3fff;
  return octets >= 40 && packet[0] >> 4 == 6 && packet[6] == IPPROTO_FRAGMENT;
}

bool restore_packet(uint8_t* packet, const Network& network, const uint8_t* payload, uint32_t octets, uint8_t protocol,
                    bool renew_checksums) {
  const bool v6 = !network.source.is4();
  const uint32_t ip = v6 ? 40 : 20;
  if (octets + (v6 ? 0 : ip) > kLongest) return false;
  memset(packet, 0, ip);
  memcpy(packet + ip, payload, octets);
  if (v6) {
    packet[0] = 0x60 | network.tos >> 4;
    packet[1] = network.tos << 4;
    put16(packet + 4, octets);
    packet[6] = protocol;
    packet[7] = kHops;
    memcpy(packet + 8, network.source.octets.data(), 16);
    memcpy(packet + 24, network.destination.octets.data(), 16);
  } else {
    packet[0] = 0x45;
    packet[1] = network.tos;
    put16(packet + 2, ip + octets);
    packet[6] = 0x40;
    packet[8] = kHops;
    packet[9] = protocol;
    const uint32_t source = network.source.v4(), destination = network.destination.v4();
    memcpy(packet + 12, &source, 4);
    memcpy(packet + 16, &destination, 4);
    put16(packet + 10, checksum_finish(checksum_sum(packet, ip)));
  }
  if (renew_checksums && (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)) renew_checksum(packet, ip, octets, protocol);
  return true;
}

}  // namespace sekisho
