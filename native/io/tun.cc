#include "tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../octets.h"
#include "../path/packet.h"

namespace sekisho {
namespace {

// Newer than Debian 12's headers: segmentation of UDP, from Linux 6.2 on.
constexpr unsigned kTunUso4 = 0x20, kTunUso6 = 0x40;

}  // namespace

int open_tun(const std::string& name, bool* udp_superpackets, std::string* error) {
  const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    *error = std::string("cannot open /dev/net/tun: ") + strerror(errno);
    return -1;
  }
  ifreq request = {};
  request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
  strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  if (ioctl(fd, TUNSETIFF, &request) < 0) {
    *error = "cannot create " + name + ": " + strerror(errno) +
             (errno == EBUSY ? " (another program has an interface of this name)" : "");
    close(fd);
    return -1;
  }
  const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  *udp_superpackets = ioctl(fd, TUNSETOFFLOAD, tcp | kTunUso4 | kTunUso6) == 0;
  if (!*udp_superpackets && ioctl(fd, TUNSETOFFLOAD, tcp) < 0) {
    *error = "cannot set offloads of " + name + ": " + strerror(errno);
    close(fd);
    return -1;
  }
  return fd;
}

bool split_superpacket(const VnetHeader& header, uint8_t* packet, uint32_t octets, EmitSegment emit,
                       void* context) {
  const uint8_t gso = header.gso_type & ~VnetHeader::kGsoEcn;
  const uint32_t length = inner_length(packet, octets);
  if (length == 0) return false;
  if (gso == VnetHeader::kGsoNone) {
    if (header.flags & VnetHeader::kNeedsChecksum) {
      const uint32_t start = header.checksum_start, at = start + header.checksum_offset;
      const uint32_t ip = packet[0] >> 4 == 4 ? (packet[0] & 15) * 4 : 40;
      if (start < ip || start >= length || at + 2 > length) return false;
      // The field holds the sum of the pseudo header: summing over it completes the checksum.
      uint16_t sum = checksum_finish(checksum_sum(packet + start, length - start));
      // A UDP checksum of zero means none (RFC 768), so the sum that is zero is sent as its complement.
      if (sum == 0 && header.checksum_offset == 6) sum = 0xffff;
      put16(packet + at, sum);
    }
    emit(context, packet, length, nullptr, 0);
    return true;
  }

  const bool v4 = packet[0] >> 4 == 4;
  const bool udp = gso == VnetHeader::kGsoUdp;
  if (!udp && gso != (v4 ? VnetHeader::kGsoTcp4 : VnetHeader::kGsoTcp6)) return false;
  // Segmentation always comes with a partial checksum, whose start is the transport header: also behind extension
  // headers, and its field holds the sum of a pseudo header that a routing header may have changed.
  const uint32_t ip = header.checksum_start, least = v4 ? (packet[0] & 15) * 4 : 40;
  if (!(header.flags & VnetHeader::kNeedsChecksum) || ip < least || ip + (udp ? 8u : 20u) > length) return false;
  const uint32_t transport = udp ? 8 : (packet[ip + 12] >> 4) * 4;
  const uint32_t headers = ip + transport;
  const uint32_t size = header.gso_size;
  if ((!udp && transport < 20) || headers >= length || size == 0) return false;

  uint8_t* const l4 = packet + ip;
  const uint32_t first_sequence = udp ? 0 : get32(l4 + 4);
  const uint16_t first_id = v4 ? get16(packet + 4) : 0;
  const uint8_t flags = udp ? 0 : l4[13];
  const uint32_t checksum_at = ip + (udp ? 6 : 16);
  // The pseudo header without its length, which differs from segment to segment.
  uint8_t whole[2] = {packet[checksum_at], packet[checksum_at + 1]}, less[2];
  put16(less, ~static_cast<uint16_t>(length - ip));
  const uint64_t pseudo = checksum_sum(whole, 2) + checksum_sum(less, 2);
  for (uint32_t at = headers, n = 0; at < length; at += size, n++) {
    const uint32_t payload = length - at < size ? length - at : size;
    const bool last = at + payload == length;
    if (v4) {
      put16(packet + 2, headers + payload);
      put16(packet + 4, first_id + n);
      put16(packet + 10, 0);
      put16(packet + 10, checksum_finish(checksum_sum(packet, least)));
    } else {
      put16(packet + 4, headers - 40 + payload);
    }
    if (udp) {
      put16(l4 + 4, 8 + payload);
    } else {
      put32(l4 + 4, first_sequence + n * size);
      // FIN and PSH belong to the last segment, CWR to the first (RFC 3168 6.1.2).
      l4[13] = flags & ~((last ? 0 : 0x09) | (n == 0 ? 0 : 0x80));
    }
    put16(packet + checksum_at, 0);
    uint8_t own[2];
    put16(own, transport + payload);
    uint64_t sum = checksum_sum(l4, transport, pseudo + checksum_sum(own, 2));  // headers are whole 32-bit words, so the payload starts on one
    sum = checksum_sum(packet + at, payload, sum);
    uint16_t checksum = checksum_finish(sum);
    if (udp && checksum == 0) checksum = 0xffff;
    put16(packet + checksum_at, checksum);
    emit(context, packet, headers, packet + at, payload);
  }
  return true;
}

}  // namespace sekisho
