#include "packet_socket.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../path/decapsulate.h"
#include "ethernet.h"

namespace sekisho {
namespace {

constexpr size_t kMessages = 64, kMessageOctets = (1 << 16) + 64, kBatch = 256;
constexpr int kSocketBuffer = 16 << 20;

class PacketSocket : public EspPort {
 public:
  PacketSocket(Ethernet ethernet, int fd)
      : ethernet_(std::move(ethernet)),
        descriptors_{fd},
        received_(new uint8_t[kMessages * kMessageOctets]),
        sending_(new uint8_t[kBatch * (ethernet_.room() + 14)]) {}
  ~PacketSocket() override { ::close(descriptors_[0]); }

  const char* name() const override { return "af-packet"; }
  bool sees_all() const override { return true; }
  uint64_t lost() override {
    tpacket_stats s = {};
    socklen_t length = sizeof s;
    // Reading sets it to zero.
    if (getsockopt(descriptors_[0], SOL_PACKET, PACKET_STATISTICS, &s, &length) == 0) lost_ += s.tp_drops;
    return lost_;
  }
  const std::vector<int>& descriptors() const override { return descriptors_; }

  size_t receive(int descriptor, Decapsulator& to) override {
    mmsghdr messages[kMessages] = {};
    iovec vectors[kMessages];
    for (size_t i = 0; i < kMessages; i++) {
      vectors[i] = {&received_[i * kMessageOctets], kMessageOctets};
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int got = recvmmsg(descriptor, messages, kMessages, MSG_DONTWAIT, nullptr);
    for (int i = 0; i < got; i++) take_ethernet(&received_[i * kMessageOctets], messages[i].msg_len, to);
    to.finish();
    return got < 0 ? 0 : got;
  }

  bool put(const OutboundSa& sa, const uint8_t* esp, uint32_t octets, uint8_t tos, bool dont_fragment) override {
    const EthernetHop* hop = ethernet_.find(sa, octets);
    if (!hop) return false;
    if (waiting_ == kBatch) kick();
    uint8_t* at = &sending_[waiting_ * (ethernet_.room() + 14)];
    ethernet_.write(*hop, sa, at, octets, tos, dont_fragment);
    memcpy(at + kEthernetIpv4, esp, octets);
    vectors_[waiting_] = {at, octets + kEthernetIpv4};
    tunnels_[waiting_++] = sa.tunnel;
    return true;
  }

  void kick() override {
    mmsghdr messages[kBatch] = {};
    for (size_t i = 0; i < waiting_; i++) {
      messages[i].msg_hdr.msg_iov = &vectors_[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (size_t sent = 0; sent < waiting_;) {
      const int went = sendmmsg(descriptors_[0], &messages[sent], waiting_ - sent, MSG_DONTWAIT);
      if (went > 0) sent += went;
      else if (errno != EINTR) tunnels_[sent++]->tx_drops.count(errno == EMSGSIZE ? Drop::kTooBig : Drop::kSendFailed);
    }
    waiting_ = 0;
  }

 private:
  Ethernet ethernet_;
  const std::vector<int> descriptors_;
  std::unique_ptr<uint8_t[]> received_, sending_;
  iovec vectors_[kBatch];
  Tunnel* tunnels_[kBatch];
  size_t waiting_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace

std::unique_ptr<EspPort> open_packet_socket(const std::string& interface, int index, uint32_t local, std::string* why) {
  Ethernet ethernet;
  if (!ethernet.open(interface, index, why)) return nullptr;
  // Bound without a protocol at first: nothing arrives before the filter stands.
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  auto refused = [&](const char* what) {
    *why = std::string(what) + ": " + strerror(errno);
    if (fd >= 0) ::close(fd);
    return nullptr;
  };
  if (fd < 0) return refused("no packet sockets");
  // To our own Ethernet address, IPv4 for our address, protocol 50; offsets count from the Ethernet header.
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 7),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 5),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ESP, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 30),  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(local), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff), BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const sock_fprog program = {sizeof code / sizeof code[0], code};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0) return refused("no filter");
  const int one = 1;
  setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
  setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBuffer, sizeof kSocketBuffer);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &kSocketBuffer, sizeof kSocketBuffer);
  sockaddr_ll address = {};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_IP);
  address.sll_ifindex = index;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) return refused("interface not to be had");
  // A group of one, for its flag: fragments are reassembled on their way here.
  const int fanout = (PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_DEFRAG | PACKET_FANOUT_FLAG_UNIQUEID) << 16;
  if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &fanout, sizeof fanout) < 0) return refused("no reassembly");
  return std::make_unique<PacketSocket>(std::move(ethernet), fd);
}

}  // namespace sekisho
