// Addresses of both families as one: an IPv4 address is written as RFC 4291 2.5.5.2 maps it. Network order throughout.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>

namespace sekisho {

struct Address {
  std::array<uint8_t, 16> octets{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};

  static Address of4(uint32_t v4) {
    Address a;
    memcpy(&a.octets[12], &v4, 4);
    return a;
  }
  static Address of6(const in6_addr& v6) {
    Address a;
    memcpy(a.octets.data(), &v6, 16);
    return a;
  }
  bool is4() const {
    static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(octets.data(), kMapped, sizeof kMapped) == 0;
  }
  uint32_t v4() const {
    uint32_t v;
    memcpy(&v, &octets[12], 4);
    return v;
  }
  in6_addr v6() const {
    in6_addr v;
    memcpy(&v, octets.data(), 16);
    return v;
  }
  auto operator<=>(const Address&) const = default;
};

// A UDP endpoint, or where native ESP goes, which has no port.
struct Endpoint {
  Address address;
  uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;

  sockaddr_storage socket_address(socklen_t* length) const {
    sockaddr_storage s = {};
    if (address.is4()) {
      auto* a = reinterpret_cast<sockaddr_in*>(&s);
      *a = {AF_INET, port, {address.v4()}, {}};
      *length = sizeof *a;
    } else {
      auto* a = reinterpret_cast<sockaddr_in6*>(&s);
      *a = {AF_INET6, port, 0, address.v6(), 0};
      *length = sizeof *a;
    }
    return s;
  }
  static Endpoint of(const sockaddr_storage& s) {
    if (s.ss_family == AF_INET6) {
      const auto* a = reinterpret_cast<const sockaddr_in6*>(&s);
      return {Address::of6(a->sin6_addr), a->sin6_port};
    }
    const auto* a = reinterpret_cast<const sockaddr_in*>(&s);
    return {Address::of4(a->sin_addr.s_addr), a->sin_port};
  }
};

// One that is replaced now and then while threads read it with every packet: readers never wait for each other, and take
// it again when it changed under them.
class MovingEndpoint {
 public:
  Endpoint load() const {
    for (;;) {
      const uint32_t before = version_.load(std::memory_order_acquire);
      uint64_t words[kWords];
      for (size_t i = 0; i < kWords; i++) words[i] = words_[i].load(std::memory_order_acquire);
      if (!(before & 1) && version_.load(std::memory_order_relaxed) == before) {
        Endpoint e;
        memcpy(e.address.octets.data(), words, 16);
        e.port = static_cast<uint16_t>(words[2]);
        return e;
      }
    }
  }
  void store(const Endpoint& e) {
    uint32_t version = version_.load(std::memory_order_relaxed);
    // Odd while somebody writes.
    while ((version & 1) || !version_.compare_exchange_weak(version, version + 1, std::memory_order_acquire)) {
      sched_yield();
      version = version_.load(std::memory_order_relaxed);
    }
    uint64_t words[kWords] = {0, 0, e.port};
    memcpy(words, e.address.octets.data(), 16);
    for (size_t i = 0; i < kWords; i++) words_[i].store(words[i], std::memory_order_release);
    version_.store(version + 2, std::memory_order_release);
  }
  MovingEndpoint& operator=(const Endpoint& e) {
    store(e);
    return *this;
  }

 private:
  static constexpr size_t kWords = 3;
  std::atomic<uint32_t> version_{0};
  std::atomic<uint64_t> words_[kWords] = {0, 0, 0};
};

}  // namespace sekisho
