#include "coalesce.h"

#include <netinet/in.h>

#include <cstring>
#include <utility>

#include "../octets.h"
#include "packet.h"

namespace sekisho {
namespace {

constexpr uint32_t kMaxPacket = 65'535;
constexpr uint8_t kPush = 0x08, kAck = 0x10;

uint32_t read32(const uint8_t* p) {
  uint32_t v;
  memcpy(&v, p, 4);
  return v;
}

}  // namespace

void Coalescer::add(Tunnel& tunnel, uint8_t* packet, uint32_t octets) {
  uint8_t protocol = 0;
  const uint32_t ip = transport_offset(packet, octets, &protocol);
  const bool tcp = protocol == IPPROTO_TCP;
  if (ip == 0) {
    // A fragment belongs to a flow that cannot be seen here: nothing may be overtaken.
    flush();
    return alone(tunnel, packet, octets);
  }
  if ((!tcp && protocol != IPPROTO_UDP) || ip + (tcp ? 20u : 8u) > octets) return alone(tunnel, packet, octets);

  const Packet p{packet, octets, ip, ip + (tcp ? (packet[ip + 12] >> 4) * 4 : 8), packet[0] >> 4 == 6, !tcp};
  uint32_t h = read32(packet + ip) ^ uint32_t(reinterpret_cast<uintptr_t>(&tunnel) >> 6) * 0x9e3779b1;  // both ports
  for (uint32_t at = p.v6 ? 8 : 12; at < (p.v6 ? 40u : 20u); at += 4) h = (h ^ read32(packet + at)) * 0x85ebca6b;
  const uint32_t slot = (h ^ h >> 15) % kSlots;
  Run& run = runs_[slot];
  const bool merges = (tcp || tunnel.udp_superpackets) && mergeable(p);
  if (run.count && same_flow(run, tunnel, p)) {
    if (merges && follows(run, p)) return append(run, p);
    end(run);
  } else if (run.count) {
    end(run);
  }
  if (merges) start(slot, tunnel, p, true);
  else alone(tunnel, packet, octets);
}

bool Coalescer::same_flow(const Run& run, const Tunnel& tunnel, const Packet& p) {
  const Packet& f = run.first;
  if (run.tunnel != &tunnel || f.v6 != p.v6 || f.udp != p.udp) return false;
  if (read32(f.at + f.ip) != read32(p.at + p.ip)) return false;
  return p.v6 ? memcmp(f.at + 8, p.at + 8, 32) == 0 : memcmp(f.at + 12, p.at + 12, 8) == 0;
}

// Whether a packet can be part of a superpacket at all.
bool Coalescer::mergeable(const Packet& p) {
  if (p.headers >= p.octets) return false;
  if (!p.v6 && (p.ip != 20 || (get16(p.at + 6) & 0x8000))) return false;
  if (!p.v6 && checksum_finish(checksum_sum(p.at, 20)) != 0) return false;
  const uint8_t* l4 = p.at + p.ip;
  const uint32_t length = p.octets - p.ip;
  if (p.udp) {
    if (get16(l4 + 4) != length || get16(l4 + 6) == 0) return false;
  } else {
    // Plain data only: whatever else TCP says with a packet is said at once.
    if (p.headers < p.ip + 20 || (l4[12] & 0x0f) || (l4[13] & ~kPush) != kAck) return false;
  }
  const uint8_t protocol = p.udp ? IPPROTO_UDP : IPPROTO_TCP;
  return checksum_finish(checksum_sum(l4, length, pseudo_sum(p.at, p.v6, protocol, length))) == 0;
}

// Whether a packet of the same flow is the next one of a run, equal in all that cutting will repeat.
bool Coalescer::follows(const Run& run, const Packet& p) {
  const Packet& f = run.first;
  if (!run.open || run.count == kMaxSegments || p.headers != f.headers || p.payload() > f.payload()) return false;
  if (run.octets + p.payload() > kMaxPacket) return false;
  if (p.v6) {
    // Version, class, flow label; next header, hop limit.
    if (read32(f.at) != read32(p.at) || get16(f.at + 6) != get16(p.at + 6)) return false;
  } else {
    if (get16(f.at) != get16(p.at) || get16(f.at + 6) != get16(p.at + 6) || get16(f.at + 8) != get16(p.at + 8)) return false;
    // Cutting numbers the packets one by one, which is of no account only where they cannot be fragmented (RFC 6864 4.1).
    if (get16(p.at + 4) != run.next_id && !(p.at[6] & 0x40)) return false;
  }
  if (p.udp) return true;
  const uint8_t *a = f.at + f.ip, *b = p.at + p.ip;
  return get32(b + 4) == run.next_sequence && get32(a + 8) == get32(b + 8) && get16(a + 14) == get16(b + 14) &&
         get16(a + 18) == get16(b + 18) &&
         memcmp(a + 20, b + 20, p.headers - p.ip - 20) == 0;
}

void Coalescer::start(uint32_t slot, Tunnel& tunnel, const Packet& p, bool open) {
  if (used_ == parts_.size() || active_ == order_.size()) flush();
  Run& run = runs_[slot];
  run = {};
  run.first = p;
  run.tunnel = &tunnel;
  run.open = open;
  run.octets = p.headers;
  run.next_sequence = p.udp ? 0 : get32(p.at + p.ip + 4);
  order_[active_++] = slot;
  append(run, p);
}

void Coalescer::append(Run& run, const Packet& p) {
  if (used_ == parts_.size()) {
    const uint32_t slot = &run - runs_.data();
    Tunnel& tunnel = *run.tunnel;
    flush();
    return start(slot, tunnel, p, true);
  }
  parts_[used_] = {p.at + p.headers, p.payload(), kNone};
  if (run.count == 0) run.head = used_;
  else parts_[run.tail].next = used_;
  run.tail = used_++;
  run.count++;
  run.octets += p.payload();
  run.next_sequence += p.payload();
  run.next_id = p.v6 ? 0 : get16(p.at + 4) + 1;
  const bool push = !p.udp && (p.at[p.ip + 13] & kPush);
  if (push && run.count > 1) run.first.at[run.first.ip + 13] |= kPush;
  // Only the last of a superpacket may be shorter or carry PSH.
  if (push || p.payload() < run.first.payload()) run.open = false;
}

void Coalescer::end(Run& run) {
  const Packet f = run.first;
  const uint32_t count = std::exchange(run.count, 0);
  if (count == 1) return alone(*run.tunnel, f.at, f.octets);
  VnetHeader header = {};
  header.flags = VnetHeader::kNeedsChecksum;
  header.gso_type = f.udp ? VnetHeader::kGsoUdp : f.v6 ? VnetHeader::kGsoTcp6 : VnetHeader::kGsoTcp4;
  header.header_octets = f.headers;
  header.gso_size = f.payload();
  header.checksum_start = f.ip;
  header.checksum_offset = f.udp ? 6 : 16;
  const uint32_t length = run.octets - f.ip;
  if (f.v6) {
    put16(f.at + 4, run.octets - 40);
  } else {
    put16(f.at + 2, run.octets);
    put16(f.at + 10, 0);
    put16(f.at + 10, checksum_finish(checksum_sum(f.at, 20)));
  }
  if (f.udp) put16(f.at + f.ip + 4, length);
  // The kernel, or the device, completes it: the field holds the pseudo header's sum.
  const uint8_t protocol = f.udp ? IPPROTO_UDP : IPPROTO_TCP;
  put16(f.at + f.ip + header.checksum_offset, ~checksum_finish(pseudo_sum(f.at, f.v6, protocol, length)));
  vectors_[0] = {f.at, f.octets};
  uint32_t n = 1;
  for (uint32_t i = parts_[run.head].next; i != kNone; i = parts_[i].next) vectors_[n++] = {parts_[i].at, parts_[i].octets};
  sink_.write(*run.tunnel, header, vectors_.data(), n, count);
}

void Coalescer::alone(Tunnel& tunnel, uint8_t* packet, uint32_t octets) {
  const iovec part = {packet, octets};
  sink_.write(tunnel, VnetHeader{}, &part, 1, 1);
}

void Coalescer::flush() {
  for (uint32_t i = 0; i < active_; i++) {
    Run& run = runs_[order_[i]];
    if (run.count) end(run);
  }
  active_ = 0;
  used_ = 0;
}

}  // namespace sekisho
