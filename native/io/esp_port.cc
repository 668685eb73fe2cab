#include "esp_port.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include "packet_socket.h"
#include "xdp.h"

namespace sekisho {
namespace {

std::string name_of(uint32_t local) {
  ifaddrs* list = nullptr;
  std::string name;
  if (getifaddrs(&list) != 0) return name;
  for (ifaddrs* i = list; i && name.empty(); i = i->ifa_next) {
    if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET) continue;
    if (reinterpret_cast<sockaddr_in*>(i->ifa_addr)->sin_addr.s_addr == local) name = i->ifa_name;
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

int interface_of(uint32_t local) {
  const std::string name = name_of(local);
  return name.empty() ? 0 : if_nametoindex(name.c_str());
}

std::unique_ptr<EspPort> open_esp_port(NativeEsp wish, uint32_t local, std::string* why) {
  why->clear();
  if (wish == NativeEsp::kRaw) return nullptr;
  const std::string interface = name_of(local);
  const int index = interface.empty() ? 0 : if_nametoindex(interface.c_str());
  if (!index) {
    *why = "no interface has the address";
    return nullptr;
  }
  for (const Kind& kind : kKinds) {
    if (wish != NativeEsp::kAuto && wish != kind.wish) continue;
    std::string reason;
    if (auto port = kind.open(interface, index, local, &reason)) return port;
    *why += (why->empty() ? "" : "; ") + std::string(kind.name) + " on " + interface + ": " + reason;
  }
  return nullptr;
}

}  // namespace sekisho
