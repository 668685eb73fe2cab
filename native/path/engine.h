// The native engine: tunnels, SAs, two data threads and a clock. The control plane calls it from one thread.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "../io/esp_port.h"
#include "../io/sockets.h"
#include "../sa/table.h"
#include "events.h"
#include "inbound.h"
#include "outbound.h"
#include "quiescence.h"

namespace sekisho {

struct SaSpec {
  std::string tunnel;
  uint32_t spi;
  Suite suite;
  Secret key, mac_key;
  bool esn, encapsulated, ecn;
  uint32_t window;
  Endpoint4 local, remote;
  Limits soft, hard;
  Selectors selectors;  // inbound
};

struct SaStatistics {
  uint32_t spi;
  bool inbound;
  std::string tunnel;
  uint64_t packets, octets, age_seconds;
};

struct TunnelStatistics {
  std::string name;
  uint64_t rx_packets, rx_octets, tx_packets, tx_octets;
  uint64_t drops[kDropCount];
};

// How native ESP travels at one of our addresses.
struct PortStatistics {
  uint32_t local;
  std::string name, refused;  // refused: why the better ones were not to be had
  uint64_t lost;
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
  void move_peer(const std::string& tunnel, Endpoint4 remote);
  // `marker`: with the non-ESP marker, from port 4500.
  void send(Endpoint4 local, Endpoint4 remote, const uint8_t* data, size_t octets, bool marker);

  std::vector<Event> drain() { return events_.drain(); }
  std::vector<SaStatistics> sas() const;
  std::vector<TunnelStatistics> tunnels() const;
  std::vector<PortStatistics> ports() const;
  const DropCounters& drops() const { return drops_; }

 private:
  void run_outbound();
  void run_inbound();
  void run_clock();
  void expire_by_time(Sa& sa, uint64_t now_ms);
  Tunnel* find(const std::string& name) const;
  // What the receiving thread waits for.
  struct Source {
    int fd = -1;
    EspPort* port = nullptr;
  };
  // The port of one of our addresses, as long as native SAs use it.
  struct Port {
    std::unique_ptr<EspPort> port;  // null: the raw socket
    std::vector<std::unique_ptr<Source>> sources;
    std::string refused;
    int interface = 0;  // index of the one that had the address when it was opened
    size_t users = 0;
  };

  void retire(std::shared_ptr<void> thing);
  void end(std::shared_ptr<Sa> sa);
  std::string use_port(Sa& sa);
  void open_port(uint32_t local, Port& port);
  void close_port(Port& port);
  void reopen_port(uint32_t local, Port& port);
  void follow_interfaces();
  void filter_raw();
  void free_retired();
  void fill(Sa& sa, const SaSpec& spec, Tunnel* tunnel);

  Events events_;
  Sockets sockets_;
  SaTable table_;
  Quiescence quiescence_;
  DropCounters drops_;

  // What exists, for the control plane and the clock; the data threads never take this lock.
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Tunnel>> tunnels_;
  std::map<uint32_t, std::unique_ptr<InboundSa>> inbound_;
  // By tunnel, the one in use last: when it goes, the newest of the others takes over with its own sequence numbers.
  std::map<std::string, std::vector<std::unique_ptr<OutboundSa>>> outbound_;
  // SAs and ports that ended, with the mark after which no thread can have them any more: freed, and keys wiped, by the
  // clock.
  std::vector<std::pair<uint64_t, std::shared_ptr<void>>> retired_;
  NativeEsp wish_ = NativeEsp::kAuto;
  std::map<uint32_t, Port> ports_;
  uint64_t followed_ms_ = 0;
  std::map<uint32_t, uint64_t> reserved_;  // SPI → until when, ms

  std::atomic<bool> stopping_{false};
  int tun_poll_ = -1, socket_poll_ = -1, wake_ = -1;
  Source sources_[4];  // the sockets, and what ends the wait
  std::vector<std::thread> threads_;
};

}  // namespace sekisho
