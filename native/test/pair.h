// Two ends of an SA without a network between them, and the sinks that tests look into.
#pragma once
#include <memory>

#include "../crypto/esp_layout.h"
#include "../path/decapsulate.h"
#include "../path/encapsulate.h"
#include "recut.h"

namespace sekisho::test {

struct NamedSuite {
  std::string name;
  Suite suite;
};

// Every suite that the configuration knows.
inline const std::vector<NamedSuite>& suites() {
  static const std::vector<NamedSuite> all = [] {
    std::vector<NamedSuite> out;
    for (const char* e : {"aes128", "aes192", "aes256", "3des", "aes128-gcm16", "aes256-gcm16", "chacha20-poly1305"}) {
      for (const char* i : {"", "md5", "sha1", "sha256", "sha384", "sha512"}) {
        Suite s;
        if (find_suite(e, i, &s)) out.push_back({std::string(e) + (*i ? "+" : "") + i, s});
      }
    }
    return out;
  }();
  return all;
}

struct Keys {
  Keys(const Suite& s, bool esn_, Choices& c)
      : key(c.filler(s.key + s.salt)), mac_key(c.filler(s.mac_key)), first_iv(c.word()), esn(esn_) {}
  KeyMaterial material() const { return {key.data(), mac_key.data(), esn, first_iv}; }
  Octets key, mac_key;
  uint64_t first_iv;
  bool esn;
};

inline void fill(Sa& sa, uint32_t spi, const Suite& suite, const Keys& keys, Tunnel& tunnel) {
  sa.spi = spi;
  sa.suite = suite;
  sa.esn = keys.esn;
  sa.encapsulated = false;
  sa.ecn = false;
  sa.tunnel = &tunnel;
  sa.remote = Endpoint{};
  sa.installed_ms = 0;
  sa.cipher = make_cipher(suite, keys.material());
  CHECK(sa.cipher);
}

inline std::unique_ptr<InboundSa> inbound(uint32_t spi, const Suite& suite, const Keys& keys, Tunnel& tunnel,
                                          uint32_t window = 4096) {
  auto sa = std::make_unique<InboundSa>(window, keys.esn);
  fill(*sa, spi, suite, keys, tunnel);
  return sa;
}

inline std::unique_ptr<OutboundSa> outbound(uint32_t spi, const Suite& suite, const Keys& keys, Tunnel& tunnel) {
  auto sa = std::make_unique<OutboundSa>();
  fill(*sa, spi, suite, keys, tunnel);
  return sa;
}

// Keeps what is sent, each packet in memory of its own so that a sanitizer sees its ends.
struct Sent final : EspSink {
  struct Packet {
    OutboundSa* sa;
    Octets octets;
    uint8_t tos;
    bool dont_fragment;
  };
  std::vector<Packet> packets;
  void send(uint8_t* arena, const EspPacket* list, size_t n) override {
    for (size_t i = 0; i < n; i++) {
      const EspPacket& p = list[i];
      packets.push_back({p.sa, Octets(arena + p.at, arena + p.at + p.octets), p.tos, p.dont_fragment});
    }
  }
};

inline uint64_t total(const DropCounters& drops) {
  uint64_t n = 0;
  for (const Counter& c : drops.by) n += c.read();
  return n;
}
inline uint64_t count(const DropCounters& drops, Drop reason) { return drops.by[size_t(reason)].read(); }

// A tunnel, one SA in each direction, and what sends and receives over them.
struct Pair {
  explicit Pair(const Suite& suite, bool esn, Choices& c, uint32_t spi = 0x1234'0007) : keys(suite, esn, c) {
    tunnel.name = "ipsec0";
    in = inbound(spi, suite, keys, tunnel);
    out = outbound(spi, suite, keys, tunnel);
    tunnel.outbound = out.get();
    table.replace(spi, in.get());
  }

  // A plain packet through the sending side.
  void send(Octets packet) {
    encapsulator->add(tunnel, VnetHeader{}, packet.data(), packet.size());
    encapsulator->flush();
  }

  // The packet that carries `text` (inner packet, padding, trailer), under the next sequence number.
  Octets seal(const Octets& text) {
    const Suite& s = out->suite;
    Octets p(kEspHeader + s.iv + text.size() + s.icv);
    const uint64_t sequence = ++out->sequence;
    put32(&p[0], out->spi);
    put32(&p[4], sequence);
    memcpy(&p[kEspHeader + s.iv], text.data(), text.size());
    Job job{p.data(), uint32_t(text.size()), uint32_t(sequence >> 32), false};
    out->cipher->seal(&job, 1);
    CHECK(job.ok);
    return p;
  }

  void receive(Octets packet, uint8_t tos = 0) {
    Octets exact(packet);  // as large as the packet: a sanitizer sees what reads behind it
    decapsulator->esp(exact.data(), exact.size(), Outer{{}, {}, false, tos});
    decapsulator->finish();
  }

  uint64_t dropped() const { return total(drops) + total(tunnel.rx_drops) + total(tunnel.tx_drops); }

  Keys keys;
  Tunnel tunnel;
  Events events{[] {}};
  SaTable table;
  DropCounters drops;
  Sent sent;
  Recut got;
  std::unique_ptr<InboundSa> in;
  std::unique_ptr<OutboundSa> out;
  std::unique_ptr<Encapsulator> encapsulator = std::make_unique<Encapsulator>(events, sent);
  std::unique_ptr<Decapsulator> decapsulator = std::make_unique<Decapsulator>(table, events, drops, got);
};

// A packet of a protocol that nobody merges.
inline Octets opaque(bool v6, uint32_t octets, Choices& c) {
  Inner p;
  if (v6) p.make_v6();
  p.protocol = 253;
  p.payload = c.filler(octets > p.headers() ? octets - p.headers() : 0);
  return p.build();
}

// A text as a peer may make it: padding by RFC 4303 2.4, behind `inner` and `extra` octets of TFC padding.
inline Octets text_of(const Suite& s, Octets inner, uint8_t next, uint32_t extra = 0) {
  inner.resize(inner.size() + extra);
  const uint32_t padding = -(inner.size() + 2) & (s.block - 1);
  for (uint32_t i = 1; i <= padding; i++) inner.push_back(i);
  inner.push_back(padding);
  inner.push_back(next);
  return inner;
}

}  // namespace sekisho::test
