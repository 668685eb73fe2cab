// Inbound SAs by SPI. We choose the SPIs: the low 16 bits are the table's index, the high 16 are random.
#pragma once
#include <atomic>
#include <memory>

#include "sa.h"

namespace sekisho {

class SaTable {
 public:
  static constexpr uint32_t kSlots = 1 << 16;

  SaTable() : slots_(new std::atomic<InboundSa*>[kSlots]()) {}

  InboundSa* find(uint32_t spi) const {
    InboundSa* sa = slots_[spi & (kSlots - 1)].load(std::memory_order_acquire);
    return sa && sa->spi == spi ? sa : nullptr;
  }

  InboundSa* at(uint32_t index) const { return slots_[index].load(std::memory_order_acquire); }

  // Returns what stood there.
  InboundSa* replace(uint32_t spi, InboundSa* sa) {
    return slots_[spi & (kSlots - 1)].exchange(sa, std::memory_order_acq_rel);
  }

 private:
  std::unique_ptr<std::atomic<InboundSa*>[]> slots_;
};

}  // namespace sekisho
