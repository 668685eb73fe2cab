#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sekisho {
namespace {

constexpr int kSocketBuffer = 16 << 20;

bool set(int fd, int level, int name, int value) { return setsockopt(fd, level, name, &value, sizeof value) == 0; }

void buffers(int fd) {
  // FORCE needs CAP_NET_ADMIN; without it the system's limit applies.
  if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, kSocketBuffer)) set(fd, SOL_SOCKET, SO_RCVBUF, kSocketBuffer);
  if (!set(fd, SOL_SOCKET, SO_SNDBUFFORCE, kSocketBuffer)) set(fd, SOL_SOCKET, SO_SNDBUF, kSocketBuffer);
}

// Don't Fragment outside: the tunnel's MTU follows the path's, so nothing needs cutting under way (RFC 4301 8.2). The
// kernel learns the path from ICMP by itself and says EMSGSIZE; IP_RECVERR would let anybody's ICMP fail our sends.
bool common(int fd, bool dont_fragment) {
  buffers(fd);
  return set(fd, IPPROTO_IP, IP_PKTINFO, 1) && set(fd, IPPROTO_IP, IP_RECVTOS, 1) &&
         set(fd, IPPROTO_IP, IP_MTU_DISCOVER, dont_fragment ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
}

int udp(uint16_t port, bool dont_fragment, std::string* error) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  // Several sockets share port 4500, see Sockets::open().
  if (port == 4500 && fd >= 0) set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 || !common(fd, dont_fragment)) {
    *error = "cannot listen on UDP port " + std::to_string(port) + ": " + strerror(errno) +
             (errno == EADDRINUSE ? " (another IKE daemon runs here)" : errno == EACCES ? " (root is needed)" : "");
    if (fd >= 0) ::close(fd);
    return -1;
  }
  return fd;
}

// Older kernels carry 64 segments, newer 128: asked once, with packets to ourselves that nobody reads.
int probe_segments() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in self = {};
  socklen_t length = sizeof self;
  self.sin_family = AF_INET;
  self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int most = 1;
  if (fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&self), length) == 0 &&
      getsockname(fd, reinterpret_cast<sockaddr*>(&self), &length) == 0 && set(fd, IPPROTO_UDP, UDP_SEGMENT, 64)) {
    static const char zeros[120 * 64] = {};
    for (int n : {120, 60}) {
      const ssize_t sent = sendto(fd, zeros, n * 64, 0, reinterpret_cast<sockaddr*>(&self), length);
      if (sent >= 0) {
        most = n;
        break;
      }
      // Without a loopback interface nothing can be asked: what every kernel with GSO takes.
      if (errno == ENETUNREACH) most = 60;
    }
  }
  if (fd >= 0) ::close(fd);
  return most;
}

}  // namespace

bool Sockets::open(int workers, std::string* error) {
  // IKE may be longer than the path carries whole, and RFC 7296 2 lets IP fragment it.
  ike = udp(500, false, error);
  if (ike < 0) return false;
  for (int i = 0; i < workers; i++) {
    const int fd = udp(4500, true, error);
    if (fd < 0) return false;
    nat_t.push_back(fd);
  }
  nat_t_cut = udp(4500, false, error);
  if (nat_t_cut < 0) return false;
  // Without GRO every packet costs a receive of its own; it works all the same. Before there is a packet to look at, the
  // kernel asks any one of the sockets whether to merge: also the one that will not get it.
  for (int fd : nat_t) set(fd, IPPROTO_UDP, UDP_GRO, 1);
  set(nat_t_cut, IPPROTO_UDP, UDP_GRO, 1);
  // By the peer's address, so that nothing of a peer is overtaken: the sockets count in the order of their birth.
  sock_filter by_peer[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(SKF_NET_OFF + 12)),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
      BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, static_cast<uint32_t>(workers)),
      BPF_STMT(BPF_RET | BPF_A, 0),
  };
  const sock_fprog choose = {sizeof by_peer / sizeof by_peer[0], by_peer};
  if (setsockopt(nat_t[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &choose, sizeof choose) < 0) {
    *error = std::string("cannot share UDP port 4500 between sockets: ") + strerror(errno);
    return false;
  }
  for (int* fd : {&esp, &esp_cut}) {
    *fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ESP);
    if (*fd >= 0 && common(*fd, fd == &esp)) continue;
    *error = std::string("cannot open a raw socket for ESP: ") + strerror(errno) + " (root is needed)";
    return false;
  }
  // Every raw socket gets a copy of what arrives, and every UDP socket one of a broadcast, unless its filter keeps nothing.
  sock_filter nothing = {BPF_RET | BPF_K, 0, 0, 0};
  const sock_fprog program = {1, &nothing};
  for (int fd : {esp_cut, nat_t_cut}) setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  segments = probe_segments();
  return true;
}

void Sockets::leave_to_others(const std::vector<Elsewhere>& list) {
  std::vector<sock_filter> code;
  for (const Elsewhere& e : list) {
    code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_IFINDEX)));
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(e.interface), 0, 3));
    code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16));  // destination; a raw socket sees the IP header
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(e.local), 0, 1));
    code.push_back(BPF_STMT(BPF_RET | BPF_K, 0));
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, 0xffffffff));
  const sock_fprog program = {static_cast<unsigned short>(code.size()), code.data()};
  setsockopt(esp, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

void Sockets::close() {
  for (int fd : nat_t) ::close(fd);
  nat_t.clear();
  for (int* fd : {&ike, &esp, &nat_t_cut, &esp_cut}) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
}

void set_control(msghdr* message, uint32_t source, int tos, uint16_t segment) {
  message->msg_controllen = kControlOctets;
  memset(message->msg_control, 0, kControlOctets);
  size_t used = 0;
  cmsghdr* c = CMSG_FIRSTHDR(message);
  in_pktinfo info = {};
  info.ipi_spec_dst.s_addr = source;
  c->cmsg_level = IPPROTO_IP;
  c->cmsg_type = IP_PKTINFO;
  c->cmsg_len = CMSG_LEN(sizeof info);
  memcpy(CMSG_DATA(c), &info, sizeof info);
  used += CMSG_SPACE(sizeof info);
  if (tos) {
    c = CMSG_NXTHDR(message, c);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_TOS;
    c->cmsg_len = CMSG_LEN(sizeof tos);
    memcpy(CMSG_DATA(c), &tos, sizeof tos);
    used += CMSG_SPACE(sizeof tos);
  }
  if (segment) {
    c = CMSG_NXTHDR(message, c);
    c->cmsg_level = IPPROTO_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(c), &segment, sizeof segment);
    used += CMSG_SPACE(sizeof segment);
  }
  message->msg_controllen = used;
}

Received read_control(msghdr* message) {
  Received r;
  for (cmsghdr* c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      r.destination = info.ipi_addr.s_addr;
    } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
      int size;
      memcpy(&size, CMSG_DATA(c), sizeof size);
      r.segment = size;
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
      r.tos = *CMSG_DATA(c);
    }
  }
  return r;
}

uint32_t path_mtu(uint32_t remote) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int mtu = 0;
  socklen_t length = sizeof mtu;
  const sockaddr_in to = to_sockaddr({remote, htons(4500)});
  if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0 ||
      getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &length) < 0) {
    mtu = 0;
  }
  if (fd >= 0) ::close(fd);
  return mtu;
}

sockaddr_in to_sockaddr(const Endpoint4& e) {
  sockaddr_in a = {};
  a.sin_family = AF_INET;
  a.sin_port = e.port;
  a.sin_addr.s_addr = e.address;
  return a;
}

}  // namespace sekisho
