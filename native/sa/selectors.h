// What an SA may carry: the negotiated traffic selectors (RFC 4301 5.2 step 4, RFC 7296 2.9), checked against each inner
// packet on its way in; on its way out they find its SA among those of the tunnel.
#pragma once
#include <netinet/in.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "../octets.h"
#include "../path/packet.h"

namespace sekisho {

// All bounds are included.
struct Selector {
  uint8_t version;   // 4 or 6
  uint8_t protocol;  // 0: any
  uint16_t first_port, last_port;
  uint8_t first[16], last[16];  // IPv4 uses the first four octets

  bool any_port() const { return first_port == 0 && last_port == 65'535; }
  bool contains(uint8_t v, const uint8_t* address) const {
    const size_t n = version == 4 ? 4 : 16;
    return v == version && memcmp(first, address, n) <= 0 && memcmp(address, last, n) <= 0;
  }
};

struct Selectors {
  bool enforced = false;
  std::vector<Selector> local, remote;

  // `inner` is a whole IPv4 or IPv6 packet of `octets` octets, from the peer to us or from us to the peer.
  bool allow_in(const uint8_t* inner, uint32_t octets) const { return !enforced || pass(remote, local, inner, octets); }
  bool allow_out(const uint8_t* inner, uint32_t octets) const { return !enforced || pass(local, remote, inner, octets); }

 private:
  static bool pass(const std::vector<Selector>& from, const std::vector<Selector>& to, const uint8_t* inner,
                   uint32_t octets) {
    const uint8_t v = inner[0] >> 4;
    const uint8_t* source = inner + (v == 4 ? 12 : 8);
    return any(from, inner, octets, source, 0) && any(to, inner, octets, source + (v == 4 ? 4 : 16), 2);
  }

  static bool has_ports(uint8_t protocol) {
    switch (protocol) {
      case IPPROTO_TCP:
      case IPPROTO_UDP:
      case IPPROTO_SCTP:
      case IPPROTO_DCCP:
      case IPPROTO_UDPLITE:
      case IPPROTO_ICMP:
      case IPPROTO_ICMPV6: return true;
      default: return false;
    }
  }

  // `port`: where the side's port stands in the transport header.
  static bool any(const std::vector<Selector>& list, const uint8_t* inner, uint32_t octets, const uint8_t* address,
                  uint32_t port) {
    for (const Selector& s : list) {
      if (!s.contains(inner[0] >> 4, address)) continue;
      if (s.protocol == 0 && s.any_port()) return true;
      // A fragment's protocol is known under IPv4, its ports are not: it passes only where any port does.
      uint8_t protocol = inner[0] >> 4 == 4 ? inner[9] : inner[6];
      const uint32_t at = transport_offset(inner, octets, &protocol);
      if (s.protocol != 0 && s.protocol != protocol) continue;
      if (s.any_port()) return true;
      if (at == 0 || at + 4 > octets || !has_ports(protocol)) continue;
      // ICMP has type and code instead, whichever side asks (RFC 7296 3.13.1).
      const bool icmp = protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
      const uint16_t number = get16(inner + at + (icmp ? 0 : port));
      if (s.first_port <= number && number <= s.last_port) return true;
    }
    return false;
  }
};

}  // namespace sekisho
