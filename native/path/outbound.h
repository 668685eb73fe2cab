// From TUN to the network. One thread serves all tunnels:
//
//   1. read()      a superpacket from a TUN that has one, until it is empty or the batch is full
//   2. split       into packets as large as the sender's MSS, checksums completed (io/tun)
//   3. encapsulate each packet into the arena: ESP header, IV, packet, padding, trailer, room for the ICV
//   4. seal        runs of packets of one SA as a batch (crypto/)
//   5. group       neighbours of equal size and destination into one UDP_SEGMENT message
//   6. sendmmsg()  everything at once
//
// Nothing here allocates, locks or calls the control plane; what cannot be sent is a named drop.
#pragma once
#include <sys/socket.h>

#include <memory>
#include <vector>

#include "../io/sockets.h"
#include "../sa/sa.h"
#include "events.h"

namespace sekisho {

class Outbound {
 public:
  Outbound(Sockets& sockets, Events& events);

  // Carries what a TUN has, at most one batch; true when there may be more.
  bool serve(Tunnel& tunnel);

 private:
  static constexpr size_t kArena = 4 << 20;
  static constexpr size_t kPackets = 4096;
  static constexpr size_t kSuperpackets = 64;
  // A batch ends here or a superpacket later: whoever waits for this thread's quiescence waits that long.
  static constexpr size_t kBatch = 256;
  static constexpr int kOldSegments = 60;
  static constexpr uint32_t kMaxGsoOctets = 65'500;

  struct Packet {
    uint32_t at, octets;
    uint8_t tos;
  };

  static void on_segment(void* self, const uint8_t* headers, uint32_t header_octets, const uint8_t* payload,
                         uint32_t payload_octets);
  void encapsulate(const uint8_t* headers, uint32_t header_octets, const uint8_t* payload, uint32_t payload_octets);
  void seal();
  // Fills messages_ with the packets from `from` on; returns how many messages they are.
  size_t group(size_t from);
  void flush();
  bool exceeds_path(uint32_t octets) const;
  void report_path();

  Sockets& sockets_;
  Events& events_;
  std::unique_ptr<uint8_t[]> arena_, superpacket_;
  size_t used_ = 0;
  std::vector<Packet> packets_;
  std::vector<Job> jobs_;
  Tunnel* tunnel_ = nullptr;
  OutboundSa* sa_ = nullptr;

  std::vector<mmsghdr> messages_;
  std::vector<iovec> vectors_;
  std::vector<uint8_t> control_;
  std::vector<uint16_t> counts_;
  sockaddr_in to_;
  time_t path_reported_ = 0;
};

// Says once that a limit is reached; false when it was a hard one.
bool within_limits(Sa& sa, Events& events);

}  // namespace sekisho
