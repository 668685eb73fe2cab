#include "next_hop.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace sekisho {
namespace {

// One question, one answer. Attributes are appended to a fixed message.
struct Request {
  nlmsghdr header = {};
  union {
    rtmsg route;
    ndmsg neighbour;
  };
  uint8_t attributes[64];
};

void append(Request* r, uint16_t type, const void* data, size_t octets) {
  auto* a = reinterpret_cast<rtattr*>(reinterpret_cast<uint8_t*>(r) + NLMSG_ALIGN(r->header.nlmsg_len));
  a->rta_type = type;
  a->rta_len = RTA_LENGTH(octets);
  memcpy(RTA_DATA(a), data, octets);
  r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

// The answer's message, or null for an error.
nlmsghdr* ask(int fd, const Request& r, uint8_t* buffer, size_t octets) {
  if (send(fd, &r, r.header.nlmsg_len, 0) < 0) return nullptr;
  const ssize_t got = recv(fd, buffer, octets, 0);
  auto* m = reinterpret_cast<nlmsghdr*>(buffer);
  return got > 0 && NLMSG_OK(m, static_cast<size_t>(got)) && m->nlmsg_type != NLMSG_ERROR ? m : nullptr;
}

template <class Use>
void each(rtattr* a, int left, Use use) {
  for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) use(a);
}

}  // namespace

NextHop next_hop(uint32_t remote, uint32_t local) {
  NextHop out;
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return out;
  alignas(nlmsghdr) uint8_t buffer[4096];

  Request r;
  r.header.nlmsg_len = NLMSG_LENGTH(sizeof r.route);
  r.header.nlmsg_type = RTM_GETROUTE;
  r.header.nlmsg_flags = NLM_F_REQUEST;
  r.route = {};
  r.route.rtm_family = AF_INET;
  r.route.rtm_dst_len = 32;
  append(&r, RTA_DST, &remote, 4);
  append(&r, RTA_SRC, &local, 4);
  uint32_t hop = remote;
  if (nlmsghdr* m = ask(fd, r, buffer, sizeof buffer)) {
    auto* route = static_cast<rtmsg*>(NLMSG_DATA(m));
    each(RTM_RTA(route), RTM_PAYLOAD(m), [&](rtattr* a) {
      if (a->rta_type == RTA_OIF) memcpy(&out.interface, RTA_DATA(a), 4);
      if (a->rta_type == RTA_GATEWAY) memcpy(&hop, RTA_DATA(a), 4);
      if (a->rta_type != RTA_METRICS) return;
      each(static_cast<rtattr*>(RTA_DATA(a)), RTA_PAYLOAD(a), [&](rtattr* metric) {
        if (metric->rta_type == RTAX_MTU) memcpy(&out.mtu, RTA_DATA(metric), 4);
      });
    });
  }

  if (out.interface) {
    r.header.nlmsg_len = NLMSG_LENGTH(sizeof r.neighbour);
    r.header.nlmsg_type = RTM_GETNEIGH;
    r.neighbour = {};
    r.neighbour.ndm_family = AF_INET;
    r.neighbour.ndm_ifindex = out.interface;
    append(&r, NDA_DST, &hop, 4);
    if (nlmsghdr* m = ask(fd, r, buffer, sizeof buffer)) {
      auto* n = static_cast<ndmsg*>(NLMSG_DATA(m));
      constexpr uint16_t kKnown = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;
      each(reinterpret_cast<rtattr*>(reinterpret_cast<uint8_t*>(n) + NLMSG_ALIGN(sizeof *n)),
           NLMSG_PAYLOAD(m, sizeof *n), [&](rtattr* a) {
             if (a->rta_type != NDA_LLADDR || RTA_PAYLOAD(a) != sizeof out.mac) return;
             memcpy(out.mac, RTA_DATA(a), sizeof out.mac);
             out.reachable = n->ndm_state & kKnown;
           });
    }
  }
  close(fd);
  return out;
}

}  // namespace sekisho
