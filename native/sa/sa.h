// One direction of an IPsec SA. Hot lines first, written by one data thread at a time; the rest is only read.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "../crypto/cipher.h"
#include "../path/drops.h"
#include "endpoint.h"
#include "replay.h"
#include "selectors.h"

namespace sekisho {

struct Tunnel;

// 0 is no limit. Time limits are looked at once a second, the others with every packet.
struct Limits {
  uint64_t octets = 0, packets = 0, seconds = 0;
};

enum class Cause : uint8_t { kTime, kOctets, kPackets };

struct Sa {
  uint32_t spi;
  Suite suite;
  bool esn;
  bool encapsulated;
  bool ecn;  // outbound: the peer carries congestion marks in (RFC 6040 4.1, RFC 7296 2.24)
  bool transport = false;  // without the inner packet's IP header (RFC 4303 3.1.1)
  Tunnel* tunnel;
  std::unique_ptr<Cipher> cipher;
  Selectors selectors;
  Endpoint local;
  MovingEndpoint remote;
  Limits soft, hard;
  uint64_t installed_ms;

  Counter packets, octets;
  std::atomic<bool> said_soft{false}, said_hard{false};

  // False once a hard limit is reached: the SA carries nothing more.
  bool usable() const { return !said_hard.load(std::memory_order_relaxed); }
};

struct InboundSa : Sa {
  InboundSa(uint32_t window, bool esn_) : replay(window, esn_) {}
  ReplayWindow replay;
  uint32_t batch = 0;  // its place in the turn of the worker that holds its tunnel
};

class EspPort;

struct OutboundSa : Sa {
  // Native ESP: where the port of its address is found, or null there for the raw socket.
  std::shared_ptr<std::atomic<EspPort*>> port;
  // The tunnel's SA before this one: packets leave on the newest that is for them.
  std::atomic<OutboundSa*> older{nullptr};
  bool loose = false;  // also carries what no SA's selectors name
  // Whoever serves the tunnel's TUN has these for himself: number of the last packet, and when its path was last found
  // too narrow.
  uint64_t sequence = 0;
  time_t path_reported = 0;
};

// The outer DF bit (RFC 4301 8.1).
enum class DontFragment : uint8_t { kCopy, kSet, kClear };

struct TunnelSettings {
  std::string name;
  uint32_t mtu = 1400;
  uint16_t mss4 = 0, mss6 = 0;
  int tos = 0;  // -1 copies the inner packet's
  bool ipv6 = true;
  DontFragment df = DontFragment::kSet;
};

// What the data threads read of a tunnel on every packet. Out of it one worker carries at a time, the one that serves its
// TUN; into it, the one that holds it.
struct Tunnel {
  std::string name;
  int fd = -1;
  bool udp_superpackets = false;  // the TUN takes them, from Linux 6.2 on
  std::atomic<uint16_t> mss4{0}, mss6{0};
  std::atomic<int> tos{0};
  std::atomic<bool> ipv6{true};
  std::atomic<uint32_t> mtu{UINT32_MAX};  // the largest inner packet that the path carries whole
  std::atomic<DontFragment> df{DontFragment::kSet};
  std::atomic<OutboundSa*> outbound{nullptr};  // the newest
  std::atomic<bool> acquired{false};
  std::atomic<const void*> holder{nullptr};  // a Decapsulator
  Counter rx_packets, rx_octets, tx_packets, tx_octets;
  DropCounters rx_drops, tx_drops;
};

}  // namespace sekisho
