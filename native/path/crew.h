// The data threads, one for each processor, and what they wait for.
//
//   1. epoll_wait()  hands a source to one worker and says nothing more of it (EPOLLONESHOT): packets of a flow cannot
//                    overtake each other, and what belongs to a source needs no lock. What comes from the network is asked
//                    for first: there are few such sources, and a thousand busy tunnels must not keep IKE waiting
//   2. serve         a batch from each source at hand, to its end (path/worker)
//   3. epoll_ctl()   the source is anybody's again
//
// Worker 0 always waits. The others rest until somebody had a large batch, help as long as there is enough to do, and rest
// again: at a low rate one processor does everything and no packet wakes two, at a high rate all of them share tunnels.
#pragma once
#include <sys/epoll.h>

#include <atomic>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "retired.h"
#include "worker.h"

namespace sekisho {

class Crew {
 public:
  Crew(Sockets& sockets, SaTable& table, Events& events, Quiescence& quiescence, Retired& retired);
  ~Crew() { stop(); }

  // How many there will be: what open sockets have to know.
  static int workers();
  // Returns a sentence when it fails.
  std::string start();
  void stop();

  // The control plane's: `tunnel` or `port` is what the descriptor belongs to. Returns a sentence when it fails.
  std::string watch(int fd, Tunnel* tunnel = nullptr, EspPort* port = nullptr);
  // No worker begins to serve it any more; whoever does so still is over when the threads have passed.
  void unwatch(int fd);

  // What belongs to no tunnel, of all workers.
  uint64_t drops(Drop reason) const;

 private:
  static constexpr uint32_t kSources = 4096;
  static constexpr int kMost = 64;  // sources a turn

  void run(Worker& worker);
  int wait(Worker& worker, epoll_event* ready, int most);
  void ask_for_help();
  Source* find(uint64_t tag) const;
  bool arm(const Source& source, int operation);
  void share();

  Sockets& sockets_;
  SaTable& table_;
  Events& events_;
  Quiescence& quiescence_;
  Retired& retired_;

  int poll_ = -1, network_ = -1, wake_ = -1;  // tunnels, and within it what comes from the network
  std::atomic<bool> stopping_{false};
  std::atomic<int> turn_{1};  // sources that a worker takes at once, so that something is left for the others
  std::atomic<int> resting_{0};
  std::counting_semaphore<> help_{0};
  // A worker may hold the tag of a source that went while it slept: it asks here.
  std::unique_ptr<std::atomic<Source*>[]> sources_;
  std::vector<std::shared_ptr<Source>> owned_;  // by place
  uint64_t numbers_ = 0;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
};

}  // namespace sekisho
