// Lifetimes in octets and packets (RFC 4301 4.4.2.1), looked at with every packet; those in seconds are the clock's.
#pragma once
#include "events.h"

namespace sekisho {

// Says once that a limit of the SA is reached.
inline void expire(Sa& sa, Events& events, bool hard, Cause cause) {
  std::atomic<bool>& said = hard ? sa.said_hard : sa.said_soft;
  if (said.load(std::memory_order_relaxed) || said.exchange(true)) return;
  Event e{Event::Kind::kExpire, {}, {}, {}, {}};
  e.spi = sa.spi;
  e.hard = hard;
  e.cause = cause;
  events.push(std::move(e));
}

// False when a hard limit is reached: the SA carries nothing more.
inline bool within_limits(Sa& sa, Events& events) {
  const uint64_t octets = sa.octets.read(), packets = sa.packets.read();
  auto over = [](uint64_t limit, uint64_t value) { return limit != 0 && value >= limit; };
  if (over(sa.soft.octets, octets)) expire(sa, events, false, Cause::kOctets);
  if (over(sa.soft.packets, packets)) expire(sa, events, false, Cause::kPackets);
  if (over(sa.hard.octets, octets)) expire(sa, events, true, Cause::kOctets);
  if (over(sa.hard.packets, packets)) expire(sa, events, true, Cause::kPackets);
  return sa.usable();
}

}  // namespace sekisho
