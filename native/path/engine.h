// The native engine: tunnels, SAs, the crew of data threads and a clock. The control plane calls it from one thread.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "../io/sockets.h"
#include "../sa/table.h"
#include "crew.h"
#include "events.h"
#include "ports.h"
#include "retired.h"

namespace sekisho {

struct SaSpec {
  std::string tunnel;
  uint32_t spi;
  Suite suite;
  Secret key, mac_key;
  bool esn, encapsulated, ecn, transport;
  bool loose;  // outbound
  uint32_t window;
  Endpoint local, remote;
  Limits soft, hard;
  Selectors selectors;
};

struct SaStatistics {
  uint32_t spi;
  bool inbound;
  std::string tunnel;
  uint64_t packets, octets, age_seconds;
  uint64_t highest;  // inbound: the highest sequence number that came
};

struct TunnelStatistics {
  std::string name;
  uint64_t rx_packets, rx_octets, tx_packets, tx_octets;
  uint64_t drops[kDropCount];
};

// Methods that return a string return a sentence when they fail, and "" when they succeed.
class Engine {
 public:
  explicit Engine(std::function<void()> wake);
  ~Engine();

  // Opens the sockets in the current network namespace and starts the threads.
  std::string start();
  void stop();
  bool stopped() const { return stopping_.load(); }

  uint32_t allocate_spi();
  std::string open_tunnel(const TunnelSettings& settings);
  std::string change_tunnel(const TunnelSettings& settings);
  void close_tunnel(const std::string& name);
  std::string install_inbound(SaSpec spec);
  std::string install_outbound(SaSpec spec);
  void remove_inbound(uint32_t spi);
  void remove_outbound(const std::string& tunnel, uint32_t spi);
  void set_native_esp(NativeEsp wish);
  void move_peer(const std::string& tunnel, Endpoint remote);
  // `marker`: with the non-ESP marker, from port 4500.
  void send(Endpoint local, Endpoint remote, const uint8_t* data, size_t octets, bool marker);

  std::vector<Event> drain() { return events_.drain(); }
  std::vector<SaStatistics> sas() const;
  std::vector<TunnelStatistics> tunnels() const;
  std::vector<PortStatistics> ports() const;
  // What belongs to no tunnel.
  uint64_t drops(Drop reason) const;

 private:
  void run_clock();
  void expire_by_time(Sa& sa, uint64_t now_ms);
  Tunnel* find(const std::string& name) const;
  void fill(Sa& sa, const SaSpec& spec, Tunnel* tunnel);
  // Chains the tunnel's outbound SAs, the newest first.
  void link(Tunnel& tunnel, const std::vector<std::unique_ptr<OutboundSa>>& list);
  void end(std::shared_ptr<Sa> sa);

  Events events_;
  Sockets sockets_;
  SaTable table_;
  Quiescence quiescence_;
  Retired retired_{quiescence_};
  Crew crew_{sockets_, table_, events_, quiescence_, retired_};
  Ports ports_{sockets_, crew_, retired_};
  std::atomic<uint64_t> unsent_{0};  // IKE datagrams that the kernel did not take

  // What exists, for the control plane and the clock; the data threads never take this lock.
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Tunnel>> tunnels_;
  std::map<uint32_t, std::unique_ptr<InboundSa>> inbound_;
  // By tunnel, the one in use last: when it goes, the newest of the others takes over with its own sequence numbers.
  std::map<std::string, std::vector<std::unique_ptr<OutboundSa>>> outbound_;
  std::map<uint32_t, uint64_t> reserved_;  // SPI → until when, ms
  uint64_t followed_ms_ = 0;

  std::atomic<bool> stopping_{false};
  int wake_ = -1;
  std::thread clock_;
};

}  // namespace sekisho
