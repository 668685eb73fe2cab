// A sink that cuts superpackets again, with the code that cuts those from TUN, and holds each to what a vnet header may
// say. Used by every test that receives.
#pragma once
#include "../io/tun.h"
#include "../path/coalesce.h"
#include "inner.h"

namespace sekisho::test {

class Recut final : public SuperpacketSink {
 public:
  struct Packet {
    Tunnel* tunnel;
    Octets octets;
    uint32_t together;  // packets in its superpacket
  };
  std::vector<Packet> packets;
  uint64_t writes = 0;

  void write(Tunnel& tunnel, const VnetHeader& header, const iovec* parts, int count, uint32_t n) override;

 private:
  static void emit(void* self, const uint8_t* headers, uint32_t header_octets, const uint8_t* payload, uint32_t octets);

  Tunnel* at_ = nullptr;
  uint32_t together_ = 0;
};

}  // namespace sekisho::test
