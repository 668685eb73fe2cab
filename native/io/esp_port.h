// How native ESP (IP protocol 50) comes from and goes to a network interface. The raw socket, which works everywhere and
// carries what a port cannot, is in Sockets; a port is faster and stands between the driver and the kernel's IP stack.
#pragma once
#include <sched.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "../sa/sa.h"

namespace sekisho {

class Decapsulator;

class EspPort {
 public:
  // Workers send in turns, a batch each: free when one finds it so, and what it waits for else is one system call.
  class Turn {
   public:
    explicit Turn(EspPort& port) : port_(port) {
      while (port_.sending_.test_and_set(std::memory_order_acquire)) sched_yield();
    }
    ~Turn() { port_.sending_.clear(std::memory_order_release); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    EspPort& port_;
  };

  virtual ~EspPort() = default;
  virtual const char* name() const = 0;
  // Whether it receives everything, fragments too: then the raw socket must not.
  virtual bool sees_all() const = 0;
  // Packets lost because nobody took them in time, since it was opened.
  virtual uint64_t lost() = 0;
  // Readable when packets wait.
  virtual const std::vector<int>& descriptors() const = 0;

  // Hands over what waits at one of the descriptors, at most a batch; returns how many packets it was. One worker at a
  // time for each descriptor.
  virtual size_t receive(int descriptor, Decapsulator& to) = 0;

  // Within a turn: takes a packet, `esp` from the ESP header on, into the next batch. False when it has to go through the
  // raw socket: the next hop is unknown, the path too narrow, or no room is left.
  virtual bool put(const OutboundSa& sa, const uint8_t* esp, uint32_t octets, uint8_t tos, bool dont_fragment) = 0;
  // Sends the batch.
  virtual void kick() = 0;

 private:
  std::atomic_flag sending_;
};

enum class NativeEsp : uint8_t { kAuto, kAfXdp, kAfPacket, kRaw };

// Index of the interface that has an address now; 0 when none has.
int interface_of(const Address& local);

// Opens the best port for the interface that has `local`, or the one that is forced. Null for the raw socket; `why` tells
// of each one that was refused, and of a forced one that cannot be had.
std::unique_ptr<EspPort> open_esp_port(NativeEsp wish, const Address& local, std::string* why);

}  // namespace sekisho
