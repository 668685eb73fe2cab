// Instructions a packet of 1,400 octets, which an emulator counts: the same on every machine, however busy.
//
//   instructions path COUNTER            the path alone, each suite: name, kernel, encapsulate, decapsulate
//   instructions send COUNTER ADDRESS    a program that sends to the address, one by one and in superpackets; whether
//                                        the kernel encapsulates on the way is up to its policies
//   instructions tunnel COUNTER ADDRESS LOCAL PEER SUITE
//                                        the same through a TUN and our path to PEER, in UDP and native: kernel, both in
//                                        UDP, both native, the native way
//
// COUNTER is a file whose first eight octets are the number of instructions so far, or "ask": a question on standard
// error, where the emulator logs, the answer on standard input. Lines go to standard output with tabs between the fields.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>

#ifdef SEKISHO_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

#include "../crypto/kernels.h"
#include "../io/esp_port.h"
#include "../path/outbound.h"
#include "../path/pipe.h"

using namespace sekisho;

namespace {

constexpr uint32_t kInner = 1400, kPayload = kInner - 28;
constexpr size_t kBatch = 64;                  // as many as a busy router finds in one turn
constexpr size_t kSupers = 4, kSegments = 45;  // a superpacket is almost 64 KB
constexpr int kWarmUp = 3, kRounds = 31, kFewRounds = 7;
constexpr uint64_t kPlenty = 200'000'000;  // instructions: more rounds of so many tell no more

[[noreturn]] void fail(const std::string& what) {
  fprintf(stderr, "%s\n", what.c_str());
  exit(1);
}

class Meter {
 public:
  explicit Meter(const std::string& where) {
    if (where == "ask") return;
    const int fd = open(where.c_str(), O_RDWR | O_SYNC);
    void* at = fd < 0 ? MAP_FAILED : mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) fail("cannot map " + where);
    at_ = static_cast<volatile uint64_t*>(at);
  }
  // An emulator that logs every instruction takes its time.
  bool slow() const { return !at_; }
  uint64_t now() const {
    if (at_) return *at_;
    // One octet that no log of an emulator has.
    uint64_t count = 0;
    if (write(2, "\1", 1) != 1 || read(0, &count, sizeof count) != sizeof count) fail("nobody counts");
    return count;
  }

 private:
  volatile uint64_t* at_ = nullptr;
};

// What make_cipher() chooses.
std::string kernel_of(const Suite& suite) {
  const std::vector<uint8_t> zeros(128);
  size_t count;
  Kernel* list = kernels(&count);
  for (size_t i = 0; i < count; i++) {
    if (!list[i].available() || !list[i].make(suite, {zeros.data(), zeros.data(), false, 0})) continue;
    std::string name = list[i].name;
#ifdef SEKISHO_IPSEC_MB
    if (name == kIpsecMb.name) {
      IMB_MGR* m = alloc_mb_mgr(0);
      init_mb_mgr_auto(m, nullptr);
      switch (m->used_arch) {
        case IMB_ARCH_SSE: name += " SSE"; break;
        case IMB_ARCH_AVX: name += " AVX"; break;
        case IMB_ARCH_AVX2: name += " AVX2"; break;
        case IMB_ARCH_AVX512: name += " AVX-512"; break;
        default: break;
      }
      free_mb_mgr(m);
    }
#endif
    return name;
  }
  return "none";
}

void path(const Meter& meter) {
  const int rounds = meter.slow() ? 1 : 5;
  for (const SuiteName& name : suite_names()) {
    Pipe p(name);
    const bool long_one = p.suite.encryption == Encryption::kTripleDesCbc;
    const size_t packets = !meter.slow() ? kBatch : long_one ? 1 : 8;
    std::vector<uint8_t> packet = tcp_packet(kInner, 1);
    auto encapsulate = [&](size_t n) {
      for (size_t i = 0; i < n; i++) p.encapsulator.add(p.tunnel, VnetHeader{}, packet.data(), packet.size());
      p.encapsulator.flush();
    };
    auto fill = [&](size_t n) {
      p.sink.kept.clear();
      p.sink.packets.clear();
      p.sink.keep = true;
      encapsulate(n);
      p.sink.keep = false;
    };
    auto decapsulate = [&] {
      const Outer outer{{1, 1}, {1, 1}, false, 0};
      for (const auto& [at, octets] : p.sink.packets) p.decapsulator.esp(&p.sink.kept[at], octets, outer);
      p.decapsulator.finish();
    };
    // The first of each finds what is set up once.
    fill(1);
    decapsulate();
    // The least of some rounds: in between, a kernel sees to its clock.
    double in = INFINITY, out = INFINITY;
    for (int round = 0; round < rounds; round++) {
      uint64_t start = meter.now();
      encapsulate(packets);
      in = std::min(in, double(meter.now() - start) / packets);
      fill(packets);
      start = meter.now();
      decapsulate();
      out = std::min(out, double(meter.now() - start) / packets);
    }
    if (p.in.packets.read() != 1 + rounds * packets) fail(title(name) + ": packets got lost");
    printf("%s\t%s\t%.1f\t%.1f\n", title(name).c_str(), kernel_of(p.suite).c_str(), in, out);
    fflush(stdout);
  }
}

// A program that sends.
class Sender {
 public:
  explicit Sender(const char* address)
      : fd_(socket(AF_INET, SOCK_DGRAM, 0)),
        to_(to_sockaddr({inet_addr(address), htons(9)})),
        data_(kSegments * kPayload, 0x5a) {
    // Superpackets of a burst wait in the TUN's queue all at once.
    const int room = 16 << 20;
    setsockopt(fd_, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  }
  ~Sender() { close(fd_); }

  // Whether the kernel takes superpackets on this way: not where it encapsulates them.
  bool takes_superpackets() {
    set_segment(kPayload);
    return put(2 * kPayload);
  }

  // Returns how many packets.
  size_t burst(bool superpackets) {
    set_segment(superpackets ? kPayload : 0);
    const size_t n = superpackets ? kSupers : kBatch, octets = superpackets ? data_.size() : kPayload;
    for (size_t i = 0; i < n; i++) {
      if (!put(octets)) fail(std::string("cannot send: ") + strerror(errno));
    }
    return superpackets ? kSupers * kSegments : kBatch;
  }

 private:
  void set_segment(int octets) {
    if (octets != segment_) setsockopt(fd_, IPPROTO_UDP, UDP_SEGMENT, &octets, sizeof octets);
    segment_ = octets;
  }

  // To an address each time, not over a connected socket: that one would keep the way that it found, which a router
  // looks up for every packet.
  bool put(size_t octets) {
    return sendto(fd_, data_.data(), octets, 0, reinterpret_cast<const sockaddr*>(&to_), sizeof to_) > 0;
  }

  int fd_, segment_ = 0;
  sockaddr_in to_;
  std::vector<uint8_t> data_;
};

// Instructions a packet: the least of some bursts, each with everything that the system does for it, also a moment
// later. What the others have more of is the system's clock and interrupts that came one by one instead of together.
double spent(const Meter& meter, const std::function<size_t()>& burst) {
  double least = INFINITY;
  uint64_t all = 0;
  for (int i = -kWarmUp; i < kRounds && (i < kFewRounds || all < kPlenty); i++) {
    const uint64_t start = meter.now();
    const size_t packets = burst();
    usleep(3000);  // the network interface is done with them
    const uint64_t took = meter.now() - start;
    all += took;
    if (i >= 0) least = std::min(least, double(took) / packets);
  }
  return least;
}

void send(const Meter& meter, const char* address) {
  Sender sender(address);
  const double single = spent(meter, [&] { return sender.burst(false); });
  printf("%.1f", single);
  if (sender.takes_superpackets()) printf("\t%.1f", spent(meter, [&] { return sender.burst(true); }));
  printf("\n");
}

void tunnel(const Meter& meter, const char* address, const char* local, const char* peer, const std::string& suite) {
  std::string error;
  Sockets sockets;
  if (!sockets.open(1, &error)) fail(error);
  Events events([] {});
  Outbound outbound(sockets, 0, events);
  const std::vector<SuiteName> names = suite_names();
  const auto name = std::find_if(names.begin(), names.end(), [&](const SuiteName& n) { return title(n) == suite; });
  if (name == names.end()) fail(suite + "?");
  Pipe p(*name);
  p.tunnel.name = "ipsec0";
  p.tunnel.fd = open_tun(p.tunnel.name, &p.tunnel.udp_superpackets, &error);
  if (p.tunnel.fd < 0) fail(error);
  // Without addresses of its own the kernel has nothing to say on it.
  const std::string up = "echo 1 >/proc/sys/net/ipv6/conf/ipsec0/disable_ipv6; ip link set ipsec0 mtu 1400 up && "
                         "ip route replace " + std::string(address) + " dev ipsec0";
  if (system(up.c_str()) != 0) fail("cannot set ipsec0 up");
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted = {};
  wanted.events = EPOLLIN | EPOLLONESHOT;
  epoll_ctl(poll, EPOLL_CTL_ADD, p.tunnel.fd, &wanted);
  Sender sender(address);
  p.out.remote = Endpoint{Address::of4(inet_addr(peer)), htons(4500)};
  uint64_t sent = 0;
  auto burst = [&, wanted](bool superpackets) mutable {
    const size_t n = sender.burst(superpackets);
    sent += n;
    // The turns of a worker (path/crew), until nothing is left.
    for (epoll_event ready; epoll_wait(poll, &ready, 1, 0) > 0;) {
      outbound.serve(p.tunnel);
      outbound.flush();
      epoll_ctl(poll, EPOLL_CTL_MOD, p.tunnel.fd, &wanted);
    }
    return n;
  };
  printf("%s", kernel_of(p.suite).c_str());
  for (const bool encapsulated : {true, false}) {
    std::string why;
    p.out.encapsulated = encapsulated;
    p.out.local = {Address::of4(inet_addr(local)), uint16_t(encapsulated ? htons(4500) : 0)};
    const auto port = encapsulated ? nullptr : open_esp_port(NativeEsp::kAuto, p.out.local.address, &why);
    p.out.port = std::make_shared<std::atomic<EspPort*>>(port.get());
    for (const bool superpackets : {false, true}) printf("\t%.1f", spent(meter, [&] { return burst(superpackets); }));
    p.out.port = nullptr;
    if (!encapsulated) printf("\t%s\n", port ? port->name() : "raw");
  }
  for (size_t i = 0; i < kDropCount; i++) {
    if (p.tunnel.tx_drops.by[i].read()) fail(std::string("dropped: ") + drop_name(i));
  }
  if (p.out.packets.read() != sent) fail("packets got lost");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (argc == 3 && what == "path") path(Meter(argv[2]));
  else if (argc == 4 && what == "send") send(Meter(argv[2]), argv[3]);
  else if (argc == 7 && what == "tunnel") tunnel(Meter(argv[2]), argv[3], argv[4], argv[5], argv[6]);
  else fail("usage: instructions path|send|tunnel COUNTER ...");
}
