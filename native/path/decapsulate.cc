#include "decapsulate.h"

#include <sched.h>

#include "../crypto/esp_layout.h"
#include "limits.h"
#include "packet.h"
#include "transport.h"

namespace sekisho {
namespace {

constexpr uint8_t kNextIpv4 = 4, kNextIpv6 = 41, kNextNone = 59;  // RFC 4303 2.6
constexpr uint8_t kEct1 = 1, kEct0 = 2, kCe = 3;                   // RFC 3168 5

uint8_t ecn_of(const uint8_t* inner) { return (inner[0] >> 4 == 6 ? inner[1] >> 4 : inner[1]) & 3; }

void set_ecn(uint8_t* inner, uint8_t ecn) {
  if (inner[0] >> 4 == 6) {
    inner[1] = (inner[1] & 0xcf) | ecn << 4;
    return;
  }
  const uint16_t old = get16(inner);
  inner[1] = (inner[1] & 0xfc) | ecn;
  uint32_t sum = uint16_t(~get16(inner + 10)) + uint16_t(~old) + get16(inner);  // RFC 1624
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  put16(inner + 10, ~sum);
}

// Carries the outer congestion mark in (RFC 6040 4.2, figure 4); false where a packet that cannot be marked met congestion.
bool merge_ecn(uint8_t* inner, uint8_t outer_tos) {
  const uint8_t outer = outer_tos & 3, own = ecn_of(inner);
  if (outer == kCe) {
    if (own == 0) return false;
    if (own != kCe) set_ecn(inner, kCe);
  } else if (outer == kEct1 && own == kEct0) {
    set_ecn(inner, kEct1);
  }
  return true;
}

}  // namespace

Decapsulator::Decapsulator(SaTable& table, Events& events, DropCounters& drops, SuperpacketSink& sink)
    : table_(table), events_(events), drops_(drops), coalescer_(sink) {
  jobs_.reserve(kPackets);
  pending_.reserve(kPackets);
  batches_.reserve(kPackets);
  held_.reserve(kPackets);
}

// Whoever has to wait lets go of everything first: two workers cannot wait for each other.
void Decapsulator::hold(Tunnel& tunnel) {
  if (tunnel.holder.load(std::memory_order_relaxed) == this) return;
  const void* nobody = nullptr;
  if (!tunnel.holder.compare_exchange_strong(nobody, this, std::memory_order_acquire)) {
    finish();
    do {
      sched_yield();
      nobody = nullptr;
    } while (!tunnel.holder.compare_exchange_weak(nobody, this, std::memory_order_acquire));
  }
  held_.push_back(&tunnel);
}

void Decapsulator::esp(uint8_t* packet, uint32_t octets, const Outer& outer) {
  if (octets < kEspHeader) return drops_.count(Drop::kMalformedEsp);
  InboundSa* sa = table_.find(get32(packet));
  if (!sa) return drops_.count(Drop::kUnknownSpi);
  hold(*sa->tunnel);
  DropCounters& drops = sa->tunnel->rx_drops;
  const Suite& s = sa->suite;
  if (!sa->usable()) return drops.count(Drop::kSaExpired);
  const uint32_t overhead = kEspHeader + s.iv + s.icv;
  // At least a trailer, and whole blocks: AEADs align to 4 octets, which a peer need not (RFC 4106 3.3 asks it to).
  if (octets < overhead + 2) return drops.count(Drop::kMalformedEsp);
  const uint32_t text = octets - overhead;
  if (!s.aead() && text % s.block != 0) return drops.count(Drop::kMalformedEsp);
  const uint64_t sequence = sa->replay.expand(get32(packet + 4));
  if (!sa->replay.acceptable(sequence)) return drops.count(Drop::kReplayed);
  if (jobs_.size() == kPackets) open();
  const uint32_t at = jobs_.size();
  // The SA remembers its place in this turn; what it remembers of an earlier turn does not fit.
  if (sa->batch >= batches_.size() || batches_[sa->batch].sa != sa) {
    sa->batch = batches_.size();
    batches_.push_back({sa, at, at});
  } else {
    pending_[batches_[sa->batch].tail].next = at;
    batches_[sa->batch].tail = at;
  }
  jobs_.push_back({packet, text, static_cast<uint32_t>(sequence >> 32), false});
  // Both forms are taken at any time (RFC 7296 2.23); only the encapsulated one can tell of a NAT.
  pending_.push_back({sa, sequence, outer, kNone});
}

void Decapsulator::open() {
  for (const Batch& batch : batches_) {
    // The packets of the only SA lie together already.
    if (batches_.size() == 1) {
      for (size_t i = 0; i < jobs_.size(); i += kMaxBatch) {
        batch.sa->cipher->open(&jobs_[i], jobs_.size() - i < kMaxBatch ? jobs_.size() - i : kMaxBatch);
      }
      break;
    }
    for (uint32_t i = batch.head; i != kNone;) {
      const uint32_t from = i;
      size_t n = 0;
      for (; i != kNone && n < kMaxBatch; i = pending_[i].next) sorted_[n++] = jobs_[i];
      batch.sa->cipher->open(sorted_, n);
      uint32_t back = from;
      for (size_t k = 0; k < n; k++, back = pending_[back].next) jobs_[back].ok = sorted_[k].ok;
    }
  }
  for (size_t i = 0; i < jobs_.size(); i++) deliver(jobs_[i], pending_[i]);
  jobs_.clear();
  pending_.clear();
  batches_.clear();
}

void Decapsulator::finish() {
  if (!jobs_.empty()) open();
  coalescer_.flush();
  lifted_ = 0;
  for (Tunnel* tunnel : held_) tunnel->holder.store(nullptr, std::memory_order_release);
  held_.clear();
}

// In transport mode the outer IP header is the packet's own (RFC 4303 3.1.1). It is made anew in front of a copy: in place
// it would stand on the packet before.
uint8_t* Decapsulator::lift(const InboundSa& sa, const Pending& p, const uint8_t* payload, uint32_t octets, uint8_t next) {
  const uint32_t room = SuperpacketSink::kFront + kMostNetworkOctets + octets;
  if (lifted_ + room > kLifted) {
    coalescer_.flush();
    lifted_ = 0;
  }
  uint8_t* ip = lift_.get() + lifted_ + SuperpacketSink::kFront;
  lifted_ += (room + 15) & ~15u;
  return restore_packet(ip, {p.outer.from.address, p.outer.local.address, p.outer.tos}, payload, octets, next,
                        sa.encapsulated)
             ? ip
             : nullptr;
}

void Decapsulator::deliver(const Job& job, const Pending& p) {
  InboundSa& sa = *p.sa;
  Tunnel& tunnel = *sa.tunnel;
  DropCounters& drops = tunnel.rx_drops;
  if (!job.ok) return drops.count(Drop::kAuthenticationFailed);
  bool newest;
  // Asked again: the same packet may stand twice in one batch.
  if (!sa.replay.mark(p.sequence, &newest)) return drops.count(Drop::kReplayed);

  if (sa.packets.read() == 0) {
    Event e{Event::Kind::kFirstPacket, {}, {}, {}, {}};
    e.spi = sa.spi;
    events_.push(std::move(e));
  }
  if (newest && p.outer.encapsulated && sa.encapsulated &&
      p.outer.from != sa.remote.load()) {
    // Authentic, and not an old packet kept back by somebody: the peer's NAT changed its mapping (RFC 7296 2.23).
    sa.remote.store(p.outer.from);
    Event e{Event::Kind::kPeerMoved, p.outer.local, p.outer.from, {}, {}};
    e.spi = sa.spi;
    events_.push(std::move(e));
  }
  uint8_t* inner = text_of(sa.suite, job);
  const uint8_t next = inner[job.text - 1], padding = inner[job.text - 2];
  sa.packets.add(1);
  if (padding + 2u > job.text) return drops.count(Drop::kMalformedEsp);
  const uint32_t octets = job.text - 2 - padding;
  sa.octets.add(octets);
  within_limits(sa, events_);
  if (next == kNextNone) return drops.count(Drop::kDummy);
  uint32_t length;
  if (sa.transport) {
    if (!(inner = lift(sa, p, inner, octets, next))) return drops.count(Drop::kMalformedInner);
    length = octets + network_octets(inner);
  } else {
    // What follows the packet's own length is padding for traffic flow confidentiality (RFC 4303 2.7).
    length = inner_length(inner, octets);
    const uint8_t v = length ? inner[0] >> 4 : 0;
    if (v != (next == kNextIpv4 ? 4 : next == kNextIpv6 ? 6 : 255)) return drops.count(Drop::kMalformedInner);
  }
  const uint8_t version = inner[0] >> 4;
  if (version == 6 && !tunnel.ipv6.load(std::memory_order_relaxed)) return drops.count(Drop::kIpv6Blocked);
  if (!sa.selectors.allow_in(inner, length)) return drops.count(Drop::kSelectorMismatch);
  if (!merge_ecn(inner, p.outer.tos)) return drops.count(Drop::kCongestion);
  clamp_mss(inner, length, tunnel.mss4.load(std::memory_order_relaxed), tunnel.mss6.load(std::memory_order_relaxed),
            false);
  tunnel.rx_packets.add(1);
  tunnel.rx_octets.add(length);
  coalescer_.add(tunnel, inner, length);
}

}  // namespace sekisho
