#include "packet.h"

#include <netinet/in.h>

#include <cstring>

#include "../octets.h"

namespace sekisho {
uint32_t inner_length(const uint8_t* packet, size_t octets) {
  if (octets < 1) return 0;
  switch (packet[0] >> 4) {
    case 4: {
      if (octets < 20) return 0;
      const uint32_t header = (packet[0] & 15) * 4, total = get16(packet + 2);
      return header >= 20 && total >= header && total <= octets ? total : 0;
    }
    case 6: {
      if (octets < 40) return 0;
      const uint32_t total = 40 + get16(packet + 4);
      return total <= octets ? total : 0;
    }
    default: return 0;
  }
}

// Every octet of every packet passes here, so the compiler makes one version for CPUs with wide vectors too; it is chosen
// when the module is loaded. Sanitizers are not ready yet at that moment.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
__attribute__((target_clones("avx2", "default")))
#endif
uint64_t checksum_sum(const uint8_t* data, size_t octets, uint64_t sum) {
  // Halves of 64-bit words are summed apart: plain vector code, and no sum can overflow on one packet.
  uint64_t low = 0, high = 0;
  for (; octets >= 8; data += 8, octets -= 8) {
    uint64_t word;
    memcpy(&word, data, 8);
    low += word & 0xffffffff;
    high += word >> 32;
  }
  sum += low + high;
  while (octets >= 4) {
    uint32_t word;
    memcpy(&word, data, 4);
    sum += word;
    data += 4;
    octets -= 4;
  }
  uint32_t last = 0;
  if (octets) memcpy(&last, data, octets);  // of nothing there may be no address either, which memcpy does not allow
  return sum + last;
}

uint16_t checksum_finish(uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  const uint16_t native = ~sum;  // the byte order of memory, as the words were read
  uint8_t octets[2];
  memcpy(octets, &native, 2);
  return get16(octets);
}

uint64_t pseudo_sum(const uint8_t* packet, bool v6, uint8_t protocol, uint32_t octets) {
  uint8_t tail[4] = {0, protocol};
  put16(tail + 2, octets);
  return checksum_sum(tail, 4, v6 ? checksum_sum(packet + 8, 32) : checksum_sum(packet + 12, 8));
}

namespace {

// Headers that may stand between IPv6 and the transport (RFC 8200 4, IANA's list); behind them is no more for us.
bool extension_header(uint8_t next) {
  switch (next) {
    case IPPROTO_HOPOPTS:
    case IPPROTO_ROUTING:
    case IPPROTO_FRAGMENT:
    case IPPROTO_AH:
    case IPPROTO_DSTOPTS:
    case 135:  // mobility
    case 139:  // host identity
    case 140:  // shim6
    case 253:
    case 254: return true;
    default: return false;
  }
}

}  // namespace

uint32_t transport_offset(const uint8_t* packet, size_t octets, uint8_t* protocol) {
  if (octets >= 20 && packet[0] >> 4 == 4) {
    const uint32_t header = (packet[0] & 15) * 4;
    // MF or an offset: a fragment, whose ports may not be here.
    if (header < 20 || header > octets || (get16(packet + 6) & 0x3fff)) return 0;
    *protocol = packet[9];
    return header;
  }
  if (octets >= 40 && packet[0] >> 4 == 6) {
    *protocol = packet[6];
    return extension_header(packet[6]) ? 0 : 40;
  }
  return 0;
}

void clamp_mss(uint8_t* packet, size_t octets, uint16_t mss4, uint16_t mss6, bool partial) {
  uint8_t protocol = 0;
  const uint32_t at = transport_offset(packet, octets, &protocol);
  const uint16_t mss = packet[0] >> 4 == 4 ? mss4 : mss6;
  if (!at || !mss || protocol != IPPROTO_TCP || at + 20 > octets) return;
  uint8_t* tcp = packet + at;
  if (!(tcp[13] & 0x02)) return;  // SYN
  const size_t end = at + (tcp[12] >> 4) * 4;
  if (end > octets) return;
  for (uint8_t* option = tcp + 20; option < packet + end;) {
    if (option[0] == 0) return;
    if (option[0] == 1) {
      option++;
      continue;
    }
    if (option + 2 > packet + end || option[1] < 2 || option + option[1] > packet + end) return;
    if (option[0] == 2 && option[1] == 4) {
      const uint16_t old = get16(option + 2);
      if (old <= mss) return;
      // RFC 1624; an option at an odd offset straddles two words of the sum, where its octets count swapped.
      const bool odd = (option + 2 - tcp) & 1;
      auto word = [&](uint16_t v) -> uint16_t { return odd ? v >> 8 | v << 8 : v; };
      put16(option + 2, mss);
      if (partial) return;
      uint32_t sum = uint16_t(~get16(tcp + 16)) + uint16_t(~word(old)) + word(mss);
      while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
      put16(tcp + 16, ~sum);
      return;
    }
    option += option[1];
  }
}

}  // namespace sekisho
