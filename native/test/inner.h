// Inner packets made field by field, with checksums by the textbook: a reference that shares no line with the product.
#pragma once
#include <netinet/in.h>

#include <cstring>

#include "../octets.h"
#include "choices.h"
#include "test.h"

namespace sekisho::test {

// RFC 1071 as it stands there: 16 bits at a time, in network order, unfolded.
uint64_t naive_sum(const uint8_t* data, size_t octets, uint64_t sum = 0);
uint16_t naive_finish(uint64_t sum);

struct Inner {
  bool v6 = false, udp = false;
  Octets source = {10, 0, 0, 1}, destination = {10, 0, 0, 2};
  uint16_t source_port = 1000, destination_port = 2000;
  uint8_t tos = 0, hops = 64;
  uint32_t flow_label = 0;
  uint16_t id = 0, fragment = 0x4000;  // DF
  Octets ip_options;                   // IPv4, whole words
  uint8_t extension = 0;               // IPv6: a header of 8 octets of this kind, whose fields are `extension_rest`
  bool extended = false;
  Octets extension_rest = Octets(6);
  uint8_t protocol = 0;                // 0: TCP or UDP
  uint32_t sequence = 0, acknowledged = 0;
  uint8_t flags = 0x10, reserved = 0;  // ACK
  uint16_t window = 1000, urgent = 0;
  Octets options;  // TCP, whole words
  Octets payload;
  bool udp_checksum = true;

  void make_v6() {
    v6 = true;
    source = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    destination = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
  }
  uint8_t transport() const { return protocol ? protocol : uint8_t(udp ? IPPROTO_UDP : IPPROTO_TCP); }
  uint32_t ip_octets() const { return v6 ? 40 + (extended ? 8 : 0) : 20 + ip_options.size(); }
  uint32_t transport_octets() const { return protocol ? 0 : udp ? 8 : 20 + options.size(); }
  uint32_t headers() const { return ip_octets() + transport_octets(); }

  // The whole packet. `partial`: the transport checksum only holds the pseudo header's sum, as behind a vnet header.
  Octets build(bool partial = false) const;

 private:
  uint64_t pseudo(uint32_t length) const;
};

}  // namespace sekisho::test
