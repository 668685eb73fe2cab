#include "../sa/selectors.h"

#include <memory>

#include "inner.h"

using namespace sekisho;
using namespace sekisho::test;

namespace {

Selector range4(Octets first, Octets last, uint8_t protocol = 0, uint16_t from = 0, uint16_t to = 65'535) {
  Selector s{4, protocol, from, to, {}, {}};
  memcpy(s.first, first.data(), 4);
  memcpy(s.last, last.data(), 4);
  return s;
}

Selector any(uint8_t version) {
  Selector s{version, 0, 0, 65'535, {}, {}};
  memset(s.last, 0xff, sizeof s.last);
  return s;
}

bool allowed(const std::vector<Selector>& local, const std::vector<Selector>& remote, const Octets& packet) {
  Selectors s{true, local, remote};
  std::unique_ptr<uint8_t[]> exact(new uint8_t[packet.size()]);
  memcpy(exact.get(), packet.data(), packet.size());
  return s.allow_in(exact.get(), packet.size());
}

Inner inner(Octets source, Octets destination) {
  Inner p;
  p.source = source;
  p.destination = destination;
  return p;
}

}  // namespace

TEST("nothing is asked of an SA that enforces none, nothing passes one that has none") {
  const Octets p = Inner().build();
  CHECK(Selectors{}.allow_in(p.data(), p.size()));
  CHECK(!allowed({}, {}, p));
  CHECK(!allowed({any(4)}, {}, p));
  CHECK(!allowed({}, {any(4)}, p));
  CHECK(allowed({any(4)}, {any(4)}, p));
  CHECK(!allowed({any(6)}, {any(6)}, p));
}

TEST("addresses: both bounds are included, the peer's is the source") {
  const auto local = range4({10, 0, 0, 10}, {10, 0, 1, 20}), remote = range4({172, 16, 0, 0}, {172, 16, 0, 0});
  struct Row {
    Octets source, destination;
    bool pass;
  };
  const Row table[] = {
      {{172, 16, 0, 0}, {10, 0, 0, 10}, true},   {{172, 16, 0, 0}, {10, 0, 1, 20}, true},
      {{172, 16, 0, 0}, {10, 0, 0, 255}, true},  {{172, 16, 0, 0}, {10, 0, 0, 9}, false},
      {{172, 16, 0, 0}, {10, 0, 1, 21}, false},  {{172, 16, 0, 1}, {10, 0, 0, 10}, false},
      {{172, 15, 255, 255}, {10, 0, 0, 10}, false}, {{10, 0, 0, 10}, {172, 16, 0, 0}, false},
  };
  for (const Row& r : table) {
    during = hex(r.source) + " to " + hex(r.destination);
    CHECK_EQUAL(allowed({local}, {remote}, inner(r.source, r.destination).build()), r.pass);
  }
}

TEST("IPv6 addresses are compared whole") {
  Inner p;
  p.make_v6();
  Selector s = any(6);
  memcpy(s.first, p.destination.data(), 16);
  memcpy(s.last, p.destination.data(), 16);
  CHECK(allowed({s}, {any(6)}, p.build()));
  for (int at = 0; at < 16; at++) {
    for (const int step : {1, -1}) {
      Inner q = p;
      q.destination[at] += step;
      during = "octet " + std::to_string(at);
      CHECK(!allowed({s}, {any(6)}, q.build()));
    }
  }
}

TEST("protocols and ports, each side its own") {
  const Octets low = {0, 0, 0, 0}, high = {255, 255, 255, 255};
  const auto tcp80 = range4(low, high, IPPROTO_TCP, 80, 80), tcp = range4(low, high, IPPROTO_TCP);
  const auto high_ports = range4(low, high, IPPROTO_TCP, 1024, 65'535), udp = range4(low, high, IPPROTO_UDP);
  Inner p;
  p.source_port = 5000;
  p.destination_port = 80;
  CHECK(allowed({tcp80}, {any(4)}, p.build()));
  CHECK(allowed({tcp80}, {high_ports}, p.build()));
  CHECK(!allowed({high_ports}, {tcp80}, p.build()));
  CHECK(!allowed({udp}, {any(4)}, p.build()));
  CHECK(allowed({udp, tcp}, {any(4)}, p.build()));
  p.destination_port = 81;
  CHECK(!allowed({tcp80}, {any(4)}, p.build()));
  p.destination_port = 80;
  p.ip_options = Octets(8, 1);
  CHECK(allowed({tcp80}, {any(4)}, p.build()));
  // A fragment's ports are not known, its protocol is.
  p.ip_options.clear();
  for (const uint16_t fragment : {0x2000, 0x0010}) {
    p.fragment = fragment;
    CHECK(!allowed({tcp80}, {any(4)}, p.build()));
    CHECK(allowed({tcp}, {any(4)}, p.build()));
    CHECK(!allowed({udp}, {any(4)}, p.build()));
  }
  // Nor are those of a packet that ends before them.
  Octets cut = Inner().build();
  cut.resize(23);
  put16(&cut[2], 23);
  CHECK(!allowed({tcp80}, {any(4)}, cut));
  CHECK(allowed({tcp}, {any(4)}, cut));
}

TEST("ICMP has a type and a code instead of ports, and both sides mean the same (RFC 7296 3.13.1)") {
  const auto echo = range4({0, 0, 0, 0}, {255, 255, 255, 255}, IPPROTO_ICMP, 0x0800, 0x08ff);
  Inner p;
  p.protocol = IPPROTO_ICMP;
  for (const uint8_t sum : {0, 8, 0x7f}) {
    p.payload = {8, 0, sum, 1, 0, 1, 0, 1};
    CHECK(allowed({any(4)}, {echo}, p.build()));
    CHECK(allowed({echo}, {echo}, p.build()));
    p.payload = {3, 1, 8, 0, 0, 1, 0, 1};
    CHECK(!allowed({any(4)}, {echo}, p.build()));
    CHECK(!allowed({echo}, {any(4)}, p.build()));
  }
}

TEST("a header between IPv6 and the ports hides them") {
  Selector web = any(6);
  web.protocol = IPPROTO_TCP;
  web.first_port = web.last_port = 80;
  Inner p;
  p.make_v6();
  p.destination_port = 80;
  CHECK(allowed({web}, {any(6)}, p.build()));
  for (const uint8_t kind : {IPPROTO_HOPOPTS, IPPROTO_FRAGMENT}) {
    p.extended = true;
    p.extension = kind;
    p.extension_rest = {0, 80, 0, 80, 0, 80};  // where ports would stand
    CHECK(!allowed({web}, {any(6)}, p.build()));
    CHECK(allowed({any(6)}, {any(6)}, p.build()));
    // Nor may its octets be taken for ports where any protocol may pass.
    Selector odd = web;
    odd.protocol = 0;
    CHECK(!allowed({odd}, {any(6)}, p.build()));
  }
}
