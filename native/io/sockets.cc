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
bool common(int family, int fd, bool dont_fragment) {
  buffers(fd);
  if (family == AF_INET) {
    return set(fd, IPPROTO_IP, IP_PKTINFO, 1) && set(fd, IPPROTO_IP, IP_RECVTOS, 1) &&
           set(fd, IPPROTO_IP, IP_MTU_DISCOVER, dont_fragment ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
  }
  return set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) && set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1) &&
         set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, dont_fragment ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT);
}

int udp(int family, uint16_t port, bool dont_fragment, std::string* error) {
  const int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_storage address = {};
  address.ss_family = family;
  // Both kinds of address have the port in the same place.
  reinterpret_cast<sockaddr_in*>(&address)->sin_port = htons(port);
  // Several sockets share port 4500, see Sockets::open().
  if (port == 4500 && fd >= 0) set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  const socklen_t length = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  // IPv4 has sockets of its own.
  if (family == AF_INET6 && fd >= 0) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (fd < 0 || !common(family, fd, dont_fragment) || bind(fd, reinterpret_cast<sockaddr*>(&address), length) < 0) {
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

// Whether the kernel has the family at all.
bool speaks(int family) {
  const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

bool open_family(int family, int workers, SocketFamily& s, std::string* error) {
  // IKE may be longer than the path carries whole, and RFC 7296 2 lets IP fragment it.
  s.ike = udp(family, 500, false, error);
  if (s.ike < 0) return false;
  for (int i = 0; i < workers; i++) {
    const int fd = udp(family, 4500, true, error);
    if (fd < 0) return false;
    s.nat_t.push_back(fd);
  }
  s.nat_t_cut = udp(family, 4500, false, error);
  if (s.nat_t_cut < 0) return false;
  // Without GRO every packet costs a receive of its own; it works all the same. Before there is a packet to look at, the
  // kernel asks any one of the sockets whether to merge: also the one that will not get it.
  for (int fd : s.nat_t) set(fd, IPPROTO_UDP, UDP_GRO, 1);
  set(s.nat_t_cut, IPPROTO_UDP, UDP_GRO, 1);
  // By the (end of the) peer's address, so that nothing of a peer is overtaken: the sockets count in the order of their
  // birth.
  const uint32_t source = family == AF_INET ? 12 : 20;
  sock_filter by_peer[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(SKF_NET_OFF) + source),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
      BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, static_cast<uint32_t>(workers)),
      BPF_STMT(BPF_RET | BPF_A, 0),
  };
  const sock_fprog choose = {sizeof by_peer / sizeof by_peer[0], by_peer};
  if (setsockopt(s.nat_t[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &choose, sizeof choose) < 0) {
    *error = std::string("cannot share UDP port 4500 between sockets: ") + strerror(errno);
    return false;
  }
  for (int* fd : {&s.esp, &s.esp_cut}) {
    *fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ESP);
    if (*fd >= 0 && common(family, *fd, fd == &s.esp)) continue;
    *error = std::string("cannot open a raw socket for ESP: ") + strerror(errno) + " (root is needed)";
    return false;
  }
  // Every raw socket gets a copy of what arrives, and every UDP socket one of a broadcast, unless its filter keeps nothing.
  sock_filter nothing = {BPF_RET | BPF_K, 0, 0, 0};
  const sock_fprog program = {1, &nothing};
  for (int fd : {s.esp_cut, s.nat_t_cut}) setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  return true;
}

void close_family(SocketFamily& s) {
  for (int fd : s.nat_t) ::close(fd);
  s.nat_t.clear();
  for (int* fd : {&s.ike, &s.esp, &s.nat_t_cut, &s.esp_cut}) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
}

}  // namespace

std::vector<int> SocketFamily::readable() const {
  std::vector<int> all = nat_t;
  if (ike >= 0) all.push_back(ike);
  if (esp >= 0) all.push_back(esp);
  return all;
}

bool Sockets::open(int workers, std::string* error) {
  if (!open_family(AF_INET, workers, v4, error)) return false;
  if (speaks(AF_INET6) && !open_family(AF_INET6, workers, v6, error)) return false;
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
  setsockopt(v4.esp, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

void Sockets::close() {
  close_family(v4);
  close_family(v6);
}

namespace {

// Appends control messages to one another.
class Control {
 public:
  explicit Control(msghdr* message) : message_(message) {
    message->msg_controllen = kControlOctets;
    memset(message->msg_control, 0, kControlOctets);
    at_ = CMSG_FIRSTHDR(message);
  }
  ~Control() { message_->msg_controllen = used_; }
  template <class T>
  void add(int level, int type, const T& value) {
    at_->cmsg_level = level;
    at_->cmsg_type = type;
    at_->cmsg_len = CMSG_LEN(sizeof value);
    memcpy(CMSG_DATA(at_), &value, sizeof value);
    used_ += CMSG_SPACE(sizeof value);
    at_ = CMSG_NXTHDR(message_, at_);
  }

 private:
  msghdr* message_;
  cmsghdr* at_;
  size_t used_ = 0;
};

}  // namespace

void set_control(msghdr* message, const Address& source, int tos, uint16_t segment) {
  Control control(message);
  if (source.is4()) {
    in_pktinfo info = {};
    info.ipi_spec_dst.s_addr = source.v4();
    control.add(IPPROTO_IP, IP_PKTINFO, info);
    if (tos) control.add(IPPROTO_IP, IP_TOS, tos);
  } else {
    control.add(IPPROTO_IPV6, IPV6_PKTINFO, in6_pktinfo{source.v6(), 0});
    if (tos) control.add(IPPROTO_IPV6, IPV6_TCLASS, tos);
  }
  if (segment) control.add(IPPROTO_UDP, UDP_SEGMENT, segment);
}

Received read_control(msghdr* message) {
  Received r;
  for (cmsghdr* c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
    auto is = [&](int level, int type) { return c->cmsg_level == level && c->cmsg_type == type; };
    if (is(IPPROTO_IP, IP_PKTINFO)) {
      in_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      r.destination = Address::of4(info.ipi_addr.s_addr);
    } else if (is(IPPROTO_IPV6, IPV6_PKTINFO)) {
      in6_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      r.destination = Address::of6(info.ipi6_addr);
    } else if (is(IPPROTO_UDP, UDP_GRO)) {
      int size;
      memcpy(&size, CMSG_DATA(c), sizeof size);
      r.segment = size;
    } else if (is(IPPROTO_IP, IP_TOS)) {
      r.tos = *CMSG_DATA(c);
    } else if (is(IPPROTO_IPV6, IPV6_TCLASS)) {
      int tos;
      memcpy(&tos, CMSG_DATA(c), sizeof tos);
      r.tos = static_cast<uint8_t>(tos);
    }
  }
  return r;
}

uint32_t path_mtu(const Address& remote) {
  const bool v4 = remote.is4();
  const int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int mtu = 0;
  socklen_t length = sizeof mtu, size = 0;
  const sockaddr_storage to = Endpoint{remote, htons(4500)}.socket_address(&size);
  if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&to), size) < 0 ||
      getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &length) < 0) {
    mtu = 0;
  }
  if (fd >= 0) ::close(fd);
  return mtu;
}

}  // namespace sekisho
