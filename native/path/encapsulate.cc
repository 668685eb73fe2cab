#include "encapsulate.h"

#include <string.h>

#include "../crypto/esp_layout.h"
#include "limits.h"
#include "packet.h"
#include "transport.h"

namespace sekisho {
namespace {

constexpr uint8_t kNextIpv4 = 4, kNextIpv6 = 41;  // RFC 4303 2.6
constexpr uint32_t kIpv6MinimumMtu = 1280;        // RFC 8200 5

struct Segment {
  Encapsulator* self;
  Tunnel* tunnel;
  OutboundSa* sa;
};

void on_segment(void* context, const uint8_t* headers, uint32_t header_octets, const uint8_t* payload,
                uint32_t payload_octets) {
  const Segment& s = *static_cast<Segment*>(context);
  s.self->encapsulate(*s.tunnel, *s.sa, headers, header_octets, payload, payload_octets);
}

// The newest SA whose selectors name the packet; else, of those that are not strict, the newest.
OutboundSa* sa_for(OutboundSa* newest, const uint8_t* packet, uint32_t octets) {
  for (OutboundSa* sa = newest; sa; sa = sa->older.load(std::memory_order_acquire)) {
    if (!sa->selectors.enforced) return sa;
    if (inner_length(packet, octets) && sa->selectors.allow_out(packet, octets)) return sa;
  }
  for (OutboundSa* sa = newest; sa; sa = sa->older.load(std::memory_order_acquire)) {
    if (sa->loose) return sa;
  }
  return nullptr;
}

// The outer ToS octet: DSCP as configured, the congestion field copied where the peer carries marks back in (RFC 6040 4.1).
uint8_t outer_tos(const Tunnel& tunnel, const OutboundSa& sa, const uint8_t* inner) {
  const uint8_t own = inner[0] >> 4 == 6 ? inner[0] << 4 | inner[1] >> 4 : inner[1];
  const int tos = tunnel.tos.load(std::memory_order_relaxed);
  return ((tos < 0 ? own : tos) & 0xfc) | (sa.ecn ? own & 3 : 0);
}

// RFC 4301 8.1. An IPv6 packet is never cut under way, so its outer packet is not either; but what every link must carry
// (RFC 8200 5) goes in pieces where the path is too narrow (RFC 4213 3.2.2).
bool dont_fragment(const Tunnel& tunnel, const uint8_t* inner, uint32_t octets) {
  if (inner[0] >> 4 == 6 && octets <= kIpv6MinimumMtu && octets > tunnel.mtu.load(std::memory_order_relaxed)) {
    return false;
  }
  switch (tunnel.df.load(std::memory_order_relaxed)) {
    case DontFragment::kSet: return true;
    case DontFragment::kClear: return false;
    case DontFragment::kCopy: return inner[0] >> 4 == 6 || (inner[6] & 0x40);
  }
  return true;
}

}  // namespace

Encapsulator::Encapsulator(Events& events, EspSink& sink)
    : events_(events), sink_(sink) {
  packets_.reserve(kPackets);
  jobs_.reserve(kPackets);
}

void Encapsulator::add(Tunnel& tunnel, const VnetHeader& header, uint8_t* packet, uint32_t octets) {
  if (octets && packet[0] >> 4 == 6 && !tunnel.ipv6.load(std::memory_order_relaxed)) {
    return tunnel.tx_drops.count(Drop::kIpv6Blocked);
  }
  OutboundSa* newest = tunnel.outbound.load(std::memory_order_acquire);
  if (!newest) {
    tunnel.tx_drops.count(Drop::kNoOutboundSa);
    if (!tunnel.acquired.exchange(true)) {
      Event e{Event::Kind::kAcquire, {}, {}, {}, tunnel.name};
      events_.push(std::move(e));
    }
    return;
  }
  OutboundSa* sa = sa_for(newest, packet, octets);
  if (!sa) return tunnel.tx_drops.count(Drop::kNoMatchingSa);
  // Whole datagrams only (RFC 4303 3.1.1): the device's MTU lets the kernel make no fragments.
  if (sa->transport && is_fragment(packet, octets)) return tunnel.tx_drops.count(Drop::kFragment);
  if (!within_limits(*sa, events_)) return tunnel.tx_drops.count(Drop::kSaExpired);
  clamp_mss(packet, octets, tunnel.mss4.load(std::memory_order_relaxed), tunnel.mss6.load(std::memory_order_relaxed),
            header.flags & VnetHeader::kNeedsChecksum);
  Segment context{this, &tunnel, sa};
  if (!split_superpacket(header, packet, octets, on_segment, &context)) tunnel.tx_drops.count(Drop::kMalformedInner);
}

void Encapsulator::encapsulate(Tunnel& tunnel, OutboundSa& sa, const uint8_t* headers, uint32_t header_octets,
                               const uint8_t* payload, uint32_t payload_octets) {
  const Suite& s = sa.suite;
  const uint8_t* const ip = headers;
  const uint32_t whole = header_octets + payload_octets;
  if (sa.transport) {
    const uint32_t cut = network_octets(ip);
    headers += cut;
    header_octets -= cut;
  }
  const uint32_t inner = header_octets + payload_octets;
  const uint32_t padding = -(inner + 2) & (s.block - 1);
  const uint32_t text = inner + padding + 2;
  const uint32_t octets = kEspHeader + s.iv + text + s.icv;
  // Segments of a handful of octets could fill the arena in the middle of a superpacket.
  if (used_ + octets > kArena || packets_.size() == kPackets) flush();
  // Without ESN a number is never used twice (RFC 4303 3.3.3); the packet limit renews the SA long before.
  if (!sa.esn && sa.sequence == UINT32_MAX) return tunnel.tx_drops.count(Drop::kSaExpired);

  uint8_t* esp = arena_.get() + used_;
  const uint64_t sequence = ++sa.sequence;
  put32(esp, sa.spi);
  put32(esp + 4, sequence);
  uint8_t* at = esp + kEspHeader + s.iv;
  memcpy(at, headers, header_octets);
  if (payload_octets) memcpy(at + header_octets, payload, payload_octets);
  at += inner;
  for (uint32_t i = 1; i <= padding; i++) *at++ = i;  // RFC 4303 2.4
  *at++ = padding;
  *at = sa.transport ? network_protocol(ip) : ip[0] >> 4 == 6 ? kNextIpv6 : kNextIpv4;

  packets_.push_back({&sa, static_cast<uint32_t>(used_), octets, outer_tos(tunnel, sa, ip),
                      dont_fragment(tunnel, ip, whole)});
  jobs_.push_back({esp, text, static_cast<uint32_t>(sequence >> 32), false});
  used_ += octets;
  sa.packets.add(1);
  sa.octets.add(inner);
  tunnel.tx_packets.add(1);
  tunnel.tx_octets.add(whole);
  if (jobs_.size() - sealed_ >= sa.cipher->batch()) seal();
}

void Encapsulator::seal() {
  for (size_t n; sealed_ < jobs_.size(); sealed_ += n) {
    OutboundSa& sa = *packets_[sealed_].sa;
    const size_t most = sa.cipher->batch();
    for (n = 1; n < most && sealed_ + n < jobs_.size() && packets_[sealed_ + n].sa == &sa; n++) {
    }
    sa.cipher->seal(&jobs_[sealed_], n);
  }
}

void Encapsulator::flush() {
  if (packets_.empty()) return;
  seal();
  // What a kernel did not seal must not leave: it is still clear.
  for (size_t i = jobs_.size(); i-- > 0;) {
    if (jobs_[i].ok) continue;
    packets_[i].sa->tunnel->tx_drops.count(Drop::kSendFailed);
    packets_.erase(packets_.begin() + i);
  }
  sink_.send(arena_.get(), packets_.data(), packets_.size());
  packets_.clear();
  jobs_.clear();
  sealed_ = used_ = 0;
}

}  // namespace sekisho
