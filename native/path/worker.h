// What a data thread has for itself: both directions, with buffers and counters of its own. Whatever becomes readable is
// served to its end by one worker, so that nothing waits in a queue between threads.
#pragma once
#include "inbound.h"
#include "outbound.h"

namespace sekisho {

// What becomes readable: a tunnel's TUN, a descriptor of a port of native ESP, or else a socket.
struct Source {
  uint64_t tag;  // its place, and a number that no other has
  int fd, poll;  // where it is waited for
  Tunnel* tunnel;
  EspPort* port;
};

class Worker {
 public:
  Worker(int number, Sockets& sockets, SaTable& table, Events& events)
      : number(number), inbound_(sockets, table, events, drops), outbound_(sockets, number, events) {}

  // Carries one batch; returns how many packets it was.
  size_t serve(const Source& source) {
    if (source.tunnel) return outbound_.serve(*source.tunnel);
    return source.port ? inbound_.serve(*source.port, source.fd) : inbound_.serve(source.fd);
  }
  // Ends the turn: what was read from TUNs leaves.
  void flush() { outbound_.flush(); }

  const int number;
  DropCounters drops;  // what belongs to no tunnel

 private:
  Inbound inbound_;
  Outbound outbound_;
};

}  // namespace sekisho
