#include "xdp.h"

#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "../path/decapsulate.h"
#include "../path/packet.h"
#include "ethernet.h"

namespace sekisho {
namespace {

constexpr uint32_t kRing = 2048;  // descriptors of each ring, and frames for each direction
constexpr uint32_t kReceiveBatch = 256;
constexpr int kMostQueues = 16, kSocketBuffer = 16 << 20;
constexpr int kBusyTries = 50, kBusyWaitUs = 2000;

int bpf(int command, bpf_attr* attr) { return syscall(SYS_bpf, command, attr, sizeof *attr); }

// A descriptor that closes itself: what was opened before a step failed.
struct Fd {
  int fd = -1;
  Fd() = default;
  explicit Fd(int f) : fd(f) {}
  Fd(Fd&& o) noexcept : fd(std::exchange(o.fd, -1)) {}
  Fd& operator=(Fd&& o) noexcept {
    std::swap(fd, o.fd);
    return *this;
  }
  ~Fd() {
    if (fd >= 0) ::close(fd);
  }
  explicit operator bool() const { return fd >= 0; }
};

// Redirects IPv4 packets of protocol 50 to `local`, whole and without options, to the queue's socket; the rest passes.
Fd load_program(int sockets_map, int interface, uint32_t local) {
  enum : uint8_t { r0, r1, r2, r3, r4, r5 };
  auto insn = [](uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm) {
    bpf_insn i = {};
    i.code = code;
    i.dst_reg = dst;
    i.src_reg = src;
    i.off = off;
    i.imm = imm;
    return i;
  };
  constexpr uint8_t kLoad16 = BPF_LDX | BPF_H | BPF_MEM, kLoad8 = BPF_LDX | BPF_B | BPF_MEM,
                    kLoad32 = BPF_LDX | BPF_W | BPF_MEM, kJumpNot = BPF_JMP | BPF_JNE | BPF_K;
  const int pass = 23;  // index of the last two instructions
  auto unless = [&](int at, uint8_t reg, int32_t value) { return insn(kJumpNot, reg, 0, pass - at - 1, value); };
  const bpf_insn program[] = {
      // A bond or a virtual function hands its frames to the program of the device above it: our socket is not theirs.
      insn(kLoad32, r2, r1, offsetof(xdp_md, ingress_ifindex), 0),
      unless(1, r2, interface),
      insn(kLoad32, r2, r1, offsetof(xdp_md, data), 0),
      insn(kLoad32, r3, r1, offsetof(xdp_md, data_end), 0),
      insn(BPF_ALU64 | BPF_MOV | BPF_X, r4, r2, 0, 0),
      insn(BPF_ALU64 | BPF_ADD | BPF_K, r4, 0, 0, 34),
      insn(BPF_JMP | BPF_JGT | BPF_X, r4, r3, pass - 6 - 1, 0),
      insn(kLoad16, r5, r2, 12, 0),
      unless(8, r5, htons(0x0800)),
      insn(kLoad8, r5, r2, 14, 0),
      unless(10, r5, 0x45),
      insn(kLoad16, r5, r2, 20, 0),
      insn(BPF_JMP | BPF_JSET | BPF_K, r5, 0, pass - 12 - 1, htons(0x3fff)),
      insn(kLoad8, r5, r2, 23, 0),
      unless(14, r5, IPPROTO_ESP),
      insn(kLoad32, r5, r2, 30, 0),
      // 32-bit compare: the address must not be sign-extended.
      insn(BPF_JMP32 | BPF_JNE | BPF_K, r5, 0, pass - 16 - 1, static_cast<int32_t>(local)),
      insn(kLoad32, r2, r1, offsetof(xdp_md, rx_queue_index), 0),
      insn(BPF_LD | BPF_DW | BPF_IMM, r1, BPF_PSEUDO_MAP_FD, 0, sockets_map),
      insn(0, 0, 0, 0, 0),
      insn(BPF_ALU64 | BPF_MOV | BPF_K, r3, 0, 0, XDP_PASS),
      insn(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map),
      // Behind the call r0 holds the verdict; a jump to here sets it.
      insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
      insn(BPF_ALU64 | BPF_MOV | BPF_K, r0, 0, 0, XDP_PASS),
      insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  bpf_attr attr = {};
  attr.prog_type = BPF_PROG_TYPE_XDP;
  attr.insns = reinterpret_cast<uint64_t>(program);
  attr.insn_cnt = sizeof program / sizeof program[0];
  attr.license = reinterpret_cast<uint64_t>("Apache-2.0");
  return Fd(bpf(BPF_PROG_LOAD, &attr));
}

// A ring that kernel and process share: one writes the producer's index, the other the consumer's.
template <class Entry>
struct Ring {
  std::atomic<uint32_t>* producer = nullptr;
  std::atomic<uint32_t>* consumer = nullptr;
  Entry* entries = nullptr;
  uint32_t own = 0;  // the index that is ours, ahead of what the other side sees
  void* mapped = MAP_FAILED;
  size_t octets = 0;

  bool map(int fd, const xdp_ring_offset& at, uint64_t page_offset) {
    octets = at.desc + kRing * sizeof(Entry);
    mapped = mmap(nullptr, octets, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, page_offset);
    if (mapped == MAP_FAILED) return false;
    auto* base = static_cast<uint8_t*>(mapped);
    producer = reinterpret_cast<std::atomic<uint32_t>*>(base + at.producer);
    consumer = reinterpret_cast<std::atomic<uint32_t>*>(base + at.consumer);
    entries = reinterpret_cast<Entry*>(base + at.desc);
    return true;
  }
  ~Ring() {
    if (mapped != MAP_FAILED) munmap(mapped, octets);
  }
  Entry& at(uint32_t i) { return entries[i & (kRing - 1)]; }
};

// One receive queue of the interface. Frames below kRing are received into, those above are sent from.
struct Queue {
  Fd socket;
  uint8_t* memory = static_cast<uint8_t*>(MAP_FAILED);
  size_t octets = 0;
  uint32_t frame = 0;
  Ring<uint64_t> fill, completion;
  Ring<xdp_desc> received, sent;
  std::vector<uint64_t> free;  // frames to send from
  Tunnel* owner[kRing] = {};   // of each descriptor to send, for its drops: of those since the last kick
  uint32_t kicked = 0;
  bool full = false;  // the kernel would not take all of them

  ~Queue() {
    if (memory != MAP_FAILED) munmap(memory, octets);
  }

  bool open(int index, uint32_t queue, uint32_t frame_octets, std::string* why) {
    auto refused = [&](const char* what) {
      *why = std::string(what) + ": " + strerror(errno);
      return false;
    };
    frame = frame_octets;
    socket = Fd(::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
    if (!socket) return refused("no AF_XDP sockets");
    // Without zero copy what is under way counts as the socket's.
    setsockopt(socket.fd, SOL_SOCKET, SO_SNDBUFFORCE, &kSocketBuffer, sizeof kSocketBuffer);
    octets = size_t(kRing) * 2 * frame;
    memory = static_cast<uint8_t*>(
        mmap(nullptr, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
    if (memory == MAP_FAILED) return refused("no memory for frames");
    madvise(memory, octets, MADV_DONTFORK);  // pinned: a child would get a copy of it all
    xdp_umem_reg region = {};
    region.addr = reinterpret_cast<uint64_t>(memory);
    region.len = octets;
    region.chunk_size = frame;
    if (setsockopt(socket.fd, SOL_XDP, XDP_UMEM_REG, &region, sizeof region) < 0) return refused("frames not accepted");
    for (int ring : {XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING, XDP_TX_RING}) {
      const uint32_t entries = kRing;
      if (setsockopt(socket.fd, SOL_XDP, ring, &entries, sizeof entries) < 0) return refused("rings not accepted");
    }
    xdp_mmap_offsets at = {};
    socklen_t length = sizeof at;
    if (getsockopt(socket.fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &length) < 0 || length != sizeof at) {
      return refused("rings not told");
    }
    if (!received.map(socket.fd, at.rx, XDP_PGOFF_RX_RING) || !sent.map(socket.fd, at.tx, XDP_PGOFF_TX_RING) ||
        !fill.map(socket.fd, at.fr, XDP_UMEM_PGOFF_FILL_RING) ||
        !completion.map(socket.fd, at.cr, XDP_UMEM_PGOFF_COMPLETION_RING)) {
      return refused("rings not mapped");
    }
    for (uint32_t i = 0; i < kRing; i++) {
      fill.at(i) = uint64_t(i) * frame;
      free.push_back(uint64_t(kRing + i) * frame);
    }
    fill.own = kRing;
    fill.producer->store(kRing, std::memory_order_release);
    sockaddr_xdp address = {};
    address.sxdp_family = AF_XDP;
    address.sxdp_ifindex = index;
    address.sxdp_queue_id = queue;
    address.sxdp_flags = XDP_COPY;
    // The kernel gives a queue back a moment after its last socket was closed.
    for (int tries = 0; bind(socket.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0; tries++) {
      if (errno != EBUSY || tries == kBusyTries) return refused("queue not to be had");
      usleep(kBusyWaitUs);
    }
    return true;
  }

  void reclaim() {
    const uint32_t until = completion.producer->load(std::memory_order_acquire);
    for (; completion.own != until; completion.own++) free.push_back(completion.at(completion.own));
    completion.consumer->store(completion.own, std::memory_order_release);
  }
};

class XdpPort : public EspPort {
 public:
  XdpPort(Ethernet ethernet, std::vector<std::unique_ptr<Queue>> queues, Fd map, Fd link)
      : ethernet_(std::move(ethernet)), map_(std::move(map)), queues_(std::move(queues)), link_(std::move(link)) {
    for (const auto& q : queues_) descriptors_.push_back(q->socket.fd);
  }

  const char* name() const override { return "af-xdp"; }
  bool sees_all() const override { return false; }
  uint64_t lost() override {
    uint64_t sum = 0;
    for (const auto& q : queues_) {
      xdp_statistics s = {};
      socklen_t length = sizeof s;
      if (getsockopt(q->socket.fd, SOL_XDP, XDP_STATISTICS, &s, &length) == 0) sum += s.rx_dropped + s.rx_ring_full;
    }
    return sum;
  }
  const std::vector<int>& descriptors() const override { return descriptors_; }

  size_t receive(int descriptor, Decapsulator& to) override {
    size_t i = 0;
    while (i < descriptors_.size() && descriptors_[i] != descriptor) i++;
    if (i == descriptors_.size()) return 0;
    Queue& q = *queues_[i];
    const uint32_t waiting = q.received.producer->load(std::memory_order_acquire) - q.received.own;
    const uint32_t n = waiting < kReceiveBatch ? waiting : kReceiveBatch;
    for (uint32_t k = 0; k < n; k++) {
      const xdp_desc& d = q.received.at(q.received.own + k);
      take_ethernet(q.memory + d.addr, d.len, to);
    }
    to.finish();
    // The frames go back to the driver only now: the packets were opened and delivered from within them.
    for (uint32_t k = 0; k < n; k++) {
      q.fill.at(q.fill.own++) = q.received.at(q.received.own++).addr / q.frame * q.frame;
    }
    q.received.consumer->store(q.received.own, std::memory_order_release);
    q.fill.producer->store(q.fill.own, std::memory_order_release);
    return n;
  }

  bool put(const OutboundSa& sa, const uint8_t* esp, uint32_t octets, uint8_t tos, bool dont_fragment) override {
    Queue& q = *queues_[0];
    const EthernetHop* hop = ethernet_.find(sa, octets);
    if (!hop || octets + kEthernetIpv4 > q.frame) return false;
    if (q.free.empty()) q.reclaim();
    if (q.free.empty() && !q.full) kick();
    if (q.free.empty()) return false;
    const uint64_t frame = q.free.back();
    q.free.pop_back();
    uint8_t* at = q.memory + frame;
    ethernet_.write(*hop, sa, at, octets, tos, dont_fragment);
    memcpy(at + kEthernetIpv4, esp, octets);
    q.owner[q.sent.own & (kRing - 1)] = sa.tunnel;
    q.sent.at(q.sent.own++) = {frame, octets + kEthernetIpv4, 0};
    return true;
  }

  void kick() override {
    Queue& q = *queues_[0];
    q.sent.producer->store(q.sent.own, std::memory_order_release);
    // Without zero copy the kernel sends within the call, some at a time; a full device queue ends it.
    for (int tries = 0; tries < 256 && q.sent.consumer->load(std::memory_order_acquire) != q.sent.own; tries++) {
      if (sendto(q.socket.fd, nullptr, 0, MSG_DONTWAIT, nullptr, 0) < 0) {
        if (errno == EBUSY) {
          // The device dropped the last one that it was given.
          const uint32_t last = q.sent.consumer->load(std::memory_order_acquire) - 1;
          if (int32_t(last - q.kicked) >= 0) q.owner[last & (kRing - 1)]->tx_drops.count(Drop::kSendFailed);
        } else if (errno != EAGAIN) {
          break;
        }
      }
      q.reclaim();
    }
    q.reclaim();
    q.kicked = q.sent.own;
    q.full = q.sent.consumer->load(std::memory_order_acquire) != q.sent.own;
  }

 private:
  Ethernet ethernet_;
  std::vector<int> descriptors_;
  // The link closes first: the program must not redirect into sockets that are gone.
  Fd map_;
  std::vector<std::unique_ptr<Queue>> queues_;
  Fd link_;
};

int receive_queues(const std::string& interface) {
  int n = 0;
  if (DIR* d = opendir(("/sys/class/net/" + interface + "/queues").c_str())) {
    while (dirent* e = readdir(d)) n += strncmp(e->d_name, "rx-", 3) == 0;
    closedir(d);
  }
  // Without sysfs of this namespace the first queue is what can be known.
  return n ? n : 1;
}

}  // namespace

std::unique_ptr<EspPort> open_xdp(const std::string& interface, int index, uint32_t local, std::string* why) {
  auto refused = [&](const char* what) {
    *why = std::string(what) + ": " + strerror(errno);
    return nullptr;
  };
  Ethernet ethernet;
  if (!ethernet.open(interface, index, why)) return nullptr;
  const uint32_t page = sysconf(_SC_PAGESIZE), whole = ethernet.room() + kEthernetIpv4 - 20 + XDP_PACKET_HEADROOM;
  const uint32_t frame = whole <= 2048 ? 2048 : page;
  if (whole > frame) {
    *why = "MTU " + std::to_string(ethernet.room()) + " does not fit a memory page";
    return nullptr;
  }
  const int queues = receive_queues(interface);
  if (queues > kMostQueues) {
    *why = "more than " + std::to_string(kMostQueues) + " receive queues";
    return nullptr;
  }
  bpf_attr attr = {};
  attr.map_type = BPF_MAP_TYPE_XSKMAP;
  attr.key_size = attr.value_size = 4;
  attr.max_entries = queues;
  Fd map(bpf(BPF_MAP_CREATE, &attr));
  if (!map) return refused("no map for sockets");
  Fd program = load_program(map.fd, index, local);
  if (!program) return refused("the program was not accepted");
  // In the driver: the generic hook costs more than the raw socket. It goes when the descriptor closes, however we end.
  attr = {};
  attr.link_create.prog_fd = program.fd;
  attr.link_create.target_ifindex = index;
  attr.link_create.attach_type = BPF_XDP;
  attr.link_create.flags = XDP_FLAGS_DRV_MODE;
  Fd link(bpf(BPF_LINK_CREATE, &attr));
  if (!link) return refused("its driver takes no program");
  std::vector<std::unique_ptr<Queue>> list;
  for (int i = 0; i < queues; i++) {
    list.push_back(std::make_unique<Queue>());
    if (!list.back()->open(index, i, frame, why)) return nullptr;
    attr = {};
    const uint32_t key = i;
    attr.map_fd = map.fd;
    attr.key = reinterpret_cast<uint64_t>(&key);
    attr.value = reinterpret_cast<uint64_t>(&list.back()->socket.fd);
    if (bpf(BPF_MAP_UPDATE_ELEM, &attr) < 0) return refused("a socket was not taken into the map");
  }
  return std::make_unique<XdpPort>(std::move(ethernet), std::move(list), std::move(map), std::move(link));
}

}  // namespace sekisho
