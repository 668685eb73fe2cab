// Sends sealed packets over the sockets: neighbours of equal size, SA and class leave as one UDP_SEGMENT message, all
// messages in one sendmmsg().
#pragma once
#include <sys/socket.h>

#include <vector>

#include "../path/encapsulate.h"
#include "sockets.h"

namespace sekisho {

class EspSender : public EspSink {
 public:
  // `worker`: whose socket of several it uses.
  EspSender(Sockets& sockets, int worker, Events& events);
  void send(uint8_t* arena, const EspPacket* packets, size_t n) override;

 private:
  static constexpr size_t kMessages = 4096;
  static constexpr uint32_t kMaxGsoOctets = 65'500;
  static constexpr int kOldSegments = 60;  // what kernels before 6.9 carry, rounded down

  int socket_of(const EspPacket& p) const;
  void send_through(EspPort& port, uint8_t* arena, const EspPacket* packets, size_t n);
  void send_on(int fd, uint8_t* arena, const EspPacket* packets, size_t n);
  // Fills messages_ with the packets, at most `most` in one; returns how many messages they are.
  size_t group(uint8_t* arena, const EspPacket* packets, size_t n, size_t most);
  bool exceeds_path(const EspPacket& p) const;
  void report_path(OutboundSa& sa);

  Sockets& sockets_;
  const int worker_;
  Events& events_;
  std::vector<mmsghdr> messages_;
  std::vector<iovec> vectors_;
  std::vector<sockaddr_storage> addresses_;
  std::vector<uint8_t> control_;
  std::vector<uint16_t> counts_;
};

}  // namespace sekisho
