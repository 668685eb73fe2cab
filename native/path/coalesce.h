// Merges neighbours of one TCP or UDP flow into superpackets, so that the kernel's stack runs once for many packets:
//
//   1. add()    a packet that was opened joins its flow's run, or ends it and starts another; what cannot be merged is
//               written behind its flow's run
//   2. flush()  the rest, in the order in which the runs began; when a batch ends nothing stays here
//
// Packets are merged only after their checksums were verified, and only where cutting the superpacket again gives the
// same packets; nobody can tell that it happened. Order within a flow holds. Packets are not copied: their memory must
// live until flush().
#pragma once
#include <sys/uio.h>

#include <array>
#include <cstdint>

#include "../io/tun.h"
#include "../sa/sa.h"

namespace sekisho {

// Where superpackets go: the TUN, or a test's list. In front of the first part stands the ESP header that was opened: at
// least kFront octets that are the sink's to write on.
class SuperpacketSink {
 public:
  static constexpr uint32_t kFront = 16;
  virtual void write(Tunnel& tunnel, const VnetHeader& header, const iovec* parts, int count, uint32_t packets) = 0;

 protected:
  ~SuperpacketSink() = default;
};

class Coalescer {
 public:
  explicit Coalescer(SuperpacketSink& sink) : sink_(sink) {}

  // `packet` is a whole IPv4 or IPv6 packet of `octets` octets (inner_length()).
  void add(Tunnel& tunnel, uint8_t* packet, uint32_t octets);
  void flush();

  static constexpr uint32_t kMaxSegments = 120;

 private:
  // As many flows as are likely in one batch; two flows of one slot only merge less.
  static constexpr uint32_t kSlots = 512;
  static constexpr uint32_t kNone = UINT32_MAX;

  // What the merge has to know of a packet, read once.
  struct Packet {
    uint8_t* at;
    uint32_t octets, ip, headers;  // lengths: whole, IP header, IP and transport headers
    bool v6, udp;
    uint32_t payload() const { return octets - headers; }
  };

  // Packets of a flow that follow each other, by their places in parts_.
  struct Run {
    Packet first;
    Tunnel* tunnel = nullptr;
    uint32_t count = 0, octets = 0, next_sequence = 0;
    uint16_t next_id = 0;
    bool open = false;  // may take another one
    uint32_t head = kNone, tail = kNone;
  };

  struct Part {
    uint8_t* at;
    uint32_t octets, next;
  };

  static bool same_flow(const Run& run, const Tunnel& tunnel, const Packet& p);
  static bool mergeable(const Packet& p);
  static bool follows(const Run& run, const Packet& p);
  void start(uint32_t slot, Tunnel& tunnel, const Packet& p, bool open);
  void append(Run& run, const Packet& p);
  void end(Run& run);
  void alone(Tunnel& tunnel, uint8_t* packet, uint32_t octets);

  SuperpacketSink& sink_;
  std::array<Run, kSlots> runs_;
  std::array<uint16_t, kSlots> order_;  // slots in the order in which their runs began
  uint32_t active_ = 0;
  std::array<Part, 4096> parts_;
  uint32_t used_ = 0;
  std::array<iovec, kMaxSegments + 1> vectors_;
};

}  // namespace sekisho
