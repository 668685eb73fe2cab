// A tunnel between two ends without a network, and a packet to carry: for what measures the fast path.
#pragma once
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "../crypto/esp_layout.h"
#include "decapsulate.h"
#include "encapsulate.h"
#include "packet.h"

namespace sekisho {

// An IPv4 packet of TCP with a right checksum; `sequence` in segments.
inline std::vector<uint8_t> tcp_packet(uint32_t octets, uint32_t sequence) {
  std::vector<uint8_t> p(octets, 0x5a);
  memset(p.data(), 0, 40);
  p[0] = 0x45;
  put16(&p[2], octets);
  put16(&p[4], sequence);
  p[6] = 0x40;
  p[8] = 64;
  p[9] = 6;
  put32(&p[12], 0xc0a80102);
  put32(&p[16], 0xc0a80202);
  put16(&p[10], checksum_finish(checksum_sum(p.data(), 20)));
  put16(&p[20], 40000);
  put16(&p[22], 5201);
  put32(&p[24], sequence * (octets - 40));
  p[32] = 0x50;
  p[33] = 0x10;
  uint8_t pseudo[12] = {};
  memcpy(pseudo, &p[12], 8);
  pseudo[9] = 6;
  put16(pseudo + 10, octets - 20);
  put16(&p[36], checksum_finish(checksum_sum(&p[20], octets - 20, checksum_sum(pseudo, 12))));
  return p;
}

// Keeps what was sealed, opens it at once, or only takes it.
struct Sink : EspSink {
  std::vector<uint8_t> kept;
  std::vector<std::pair<uint32_t, uint32_t>> packets;  // place, octets
  bool keep = false;
  Decapsulator* other_end = nullptr;
  void send(uint8_t* arena, const EspPacket* list, size_t n) override {
    if (other_end) {
      const Outer outer{{1, 1}, {1, 1}, false, 0};
      for (size_t i = 0; i < n; i++) other_end->esp(arena + list[i].at, list[i].octets, outer);
      other_end->finish();
    }
    if (!keep) return;
    for (size_t i = 0; i < n; i++) {
      packets.push_back({static_cast<uint32_t>(kept.size()), list[i].octets});
      kept.insert(kept.end(), arena + list[i].at, arena + list[i].at + list[i].octets);
    }
  }
};

struct Nowhere : SuperpacketSink {
  void write(Tunnel&, const VnetHeader&, const iovec*, int, uint32_t) override {}
};

// A tunnel with one SA in each direction.
struct Pipe {
  Suite suite;
  std::vector<uint8_t> key = std::vector<uint8_t>(128, 7);
  Tunnel tunnel;
  OutboundSa out;
  InboundSa in{4096, false};
  SaTable table;
  Events events{[] {}};
  DropCounters drops;
  Sink sink;
  Nowhere nowhere;
  Encapsulator encapsulator{events, sink};
  Decapsulator decapsulator{table, events, drops, nowhere};

  explicit Pipe(const SuiteName& name) {
    find_suite(name.encryption, name.integrity, &suite);
    for (Sa* sa : {static_cast<Sa*>(&out), static_cast<Sa*>(&in)}) {
      sa->spi = 0x12340001;
      sa->suite = suite;
      sa->esn = false;
      sa->encapsulated = true;
      sa->ecn = false;
      sa->tunnel = &tunnel;
      sa->cipher = make_cipher(suite, {key.data(), key.data(), false, 0});
    }
    tunnel.udp_superpackets = true;
    tunnel.outbound = &out;
    table.replace(in.spi, &in);
  }
};

}  // namespace sekisho
