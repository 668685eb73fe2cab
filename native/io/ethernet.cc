#include "ethernet.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "../path/decapsulate.h"
#include "../path/packet.h"

namespace sekisho {
namespace {

constexpr uint64_t kAskAgainMs = 1000;
constexpr size_t kMostHops = 4096;

uint64_t now_ms() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return uint64_t(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000;
}

}  // namespace

bool Ethernet::open(const std::string& interface, int index, std::string* why) {
  interface_ = interface;
  index_ = index;
  room_ = UINT32_MAX;
  if (!refresh()) {
    *why = interface + " is no Ethernet interface";
    return false;
  }
  room_ = mtu_;
  return true;
}

bool Ethernet::refresh() {
  ifreq r = {};
  strncpy(r.ifr_name, interface_.c_str(), IFNAMSIZ - 1);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool ethernet = fd >= 0 && ioctl(fd, SIOCGIFHWADDR, &r) == 0 && r.ifr_hwaddr.sa_family == ARPHRD_ETHER;
  if (ethernet) memcpy(mac_, r.ifr_hwaddr.sa_data, sizeof mac_);
  const bool known = ethernet && ioctl(fd, SIOCGIFMTU, &r) == 0;
  if (known) mtu_ = std::min<uint32_t>(room_, r.ifr_mtu);
  if (fd >= 0) ::close(fd);
  return known;
}

const EthernetHop* Ethernet::find(const OutboundSa& sa, uint32_t octets) {
  const uint32_t remote = sa.remote.load().address.v4();
  const uint64_t now = now_ms();
  if (hops_.size() > kMostHops) hops_.clear();
  EthernetHop& hop = hops_[remote];
  if (hop.asked_ms == 0 || now - hop.asked_ms >= kAskAgainMs) {
    hop = {remote, next_hop(remote, sa.local.address.v4()), now};
    if (!refresh()) hop.hop.reachable = false;
    return nullptr;
  }
  const uint32_t mtu = hop.hop.mtu && hop.hop.mtu < mtu_ ? hop.hop.mtu : mtu_;
  if (!hop.hop.reachable || hop.hop.interface != index_ || octets + 20 > mtu) return nullptr;
  return &hop;
}

void Ethernet::write(const EthernetHop& hop, const OutboundSa& sa, uint8_t* at, uint32_t octets, uint8_t tos,
                     bool dont_fragment) {
  memcpy(at, hop.hop.mac, 6);
  memcpy(at + 6, mac_, 6);
  put16(at + 12, 0x0800);
  uint8_t* ip = at + 14;
  ip[0] = 0x45;
  ip[1] = tos;
  put16(ip + 2, 20 + octets);
  put16(ip + 4, id_++);
  put16(ip + 6, dont_fragment ? 0x4000 : 0);
  ip[8] = 64;
  ip[9] = IPPROTO_ESP;
  put16(ip + 10, 0);
  const uint32_t local = sa.local.address.v4();
  memcpy(ip + 12, &local, 4);
  memcpy(ip + 16, &hop.remote, 4);
  put16(ip + 10, checksum_finish(checksum_sum(ip, 20)));
}

void take_ethernet(uint8_t* frame, uint32_t octets, Decapsulator& to) {
  if (octets < kEthernetIpv4) return to.malformed();
  uint8_t* ip = frame + 14;
  const uint32_t header = (ip[0] & 15) * 4, total = get16(ip + 2);
  if (header < 20 || total < header || total > octets - 14 || ip[9] != IPPROTO_ESP) return to.malformed();
  uint32_t from, local;
  memcpy(&from, ip + 12, 4);
  memcpy(&local, ip + 16, 4);
  const Outer outer{{Address::of4(local), 0}, {Address::of4(from), 0}, false, ip[1]};
  to.esp(ip + header, total - header, outer);
}

}  // namespace sekisho
