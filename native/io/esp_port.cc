#include "esp_port.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "packet_socket.h"
#include "xdp.h"

namespace sekisho {
namespace {

std::string name_of(const Address& local) {
  ifaddrs* list = nullptr;
  std::string name;
  if (getifaddrs(&list) != 0) return name;
  for (ifaddrs* i = list; i && name.empty(); i = i->ifa_next) {
    if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6)) continue;
    sockaddr_storage address = {};
    memcpy(&address, i->ifa_addr, i->ifa_addr->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    if (Endpoint::of(address).address == local) name = i->ifa_name;
  }
  freeifaddrs(list);
  return name;
}

struct Kind {
  NativeEsp wish;
  const char* name;
  std::unique_ptr<EspPort> (*open)(const std::string&, int, uint32_t, std::string*);
};
constexpr Kind kKinds[] = {
    {NativeEsp::kAfXdp, "af-xdp", open_xdp},
    {NativeEsp::kAfPacket, "af-packet", open_packet_socket},
};

}  // namespace

int interface_of(const Address& local) {
  const std::string name = name_of(local);
  return name.empty() ? 0 : if_nametoindex(name.c_str());
}

std::unique_ptr<EspPort> open_esp_port(NativeEsp wish, const Address& local, std::string* why) {
  why->clear();
  if (wish == NativeEsp::kRaw) return nullptr;
  if (!local.is4()) {
    *why = "IPv6 outside goes by the raw socket";
    return nullptr;
  }
  const std::string interface = name_of(local);
  const int index = interface.empty() ? 0 : if_nametoindex(interface.c_str());
  if (!index) {
    *why = "no interface has the address";
    return nullptr;
  }
  for (const Kind& kind : kKinds) {
    if (wish != NativeEsp::kAuto && wish != kind.wish) continue;
    std::string reason;
    if (auto port = kind.open(interface, index, local.v4(), &reason)) return port;
    *why += (why->empty() ? "" : "; ") + std::string(kind.name) + " on " + interface + ": " + reason;
  }
  return nullptr;
}

}  // namespace sekisho
