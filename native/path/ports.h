// The ports of native ESP: one for each of our addresses, open as long as SAs use it. The control plane's and the clock's,
// under their lock; the data threads see what now() points to.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../io/esp_port.h"
#include "crew.h"

namespace sekisho {

// How native ESP travels at one of our addresses.
struct PortStatistics {
  Address local;
  std::string name, refused;  // refused: why the better ones were not to be had
  uint64_t lost;
};

class Ports {
 public:
  Ports(Sockets& sockets, Crew& crew, Retired& retired) : sockets_(sockets), crew_(crew), retired_(retired) {}

  // A native SA of the address begins, or ended. Returns a sentence when the way that is forced cannot be had.
  std::string use(const Address& local);
  void leave(const Address& local);
  // Where the address's port is found, null for the raw socket: it changes while SAs use it.
  std::shared_ptr<std::atomic<EspPort*>> now(const Address& local) const;

  void set(NativeEsp wish);
  // An interface may have been replaced, or the address moved to another, or come to one only now.
  void follow_interfaces();
  std::vector<PortStatistics> statistics() const;
  void clear() { ports_.clear(); }

 private:
  struct Port {
    std::unique_ptr<EspPort> port;  // null: the raw socket
    std::shared_ptr<std::atomic<EspPort*>> now = std::make_shared<std::atomic<EspPort*>>(nullptr);
    std::string refused;
    int interface = 0;  // index of the one that had the address when it was opened
    size_t users = 0;
  };

  void open(const Address& local, Port& port);
  void close(Port& port);
  void filter_raw();

  Sockets& sockets_;
  Crew& crew_;
  Retired& retired_;
  NativeEsp wish_ = NativeEsp::kAuto;
  std::map<Address, Port> ports_;
};

}  // namespace sekisho
