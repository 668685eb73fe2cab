#include "inner.h"

namespace sekisho::test {

uint64_t naive_sum(const uint8_t* data, size_t octets, uint64_t sum) {
  for (size_t i = 0; i < octets; i++) sum += i % 2 ? data[i] : data[i] << 8;
  return sum;
}

uint16_t naive_finish(uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum;
}

uint64_t Inner::pseudo(uint32_t length) const {
  return naive_sum(source.data(), source.size(), naive_sum(destination.data(), destination.size())) + transport() +
         (length >> 16) + (length & 0xffff);
}

Octets Inner::build(bool partial) const {
  Octets p(headers());
  const uint32_t ip = ip_octets(), length = transport_octets() + payload.size(), total = ip + length;
  if (v6) {
    put32(&p[0], 6u << 28 | uint32_t(tos) << 20 | flow_label);
    put16(&p[4], total - 40);
    p[6] = extended ? extension : transport();
    p[7] = hops;
    memcpy(&p[8], source.data(), 16);
    memcpy(&p[24], destination.data(), 16);
    if (extended) {
      p[40] = transport();
      memcpy(&p[42], extension_rest.data(), 6);
    }
  } else {
    p[0] = 0x40 | ip / 4;
    p[1] = tos;
    put16(&p[2], total);
    put16(&p[4], id);
    put16(&p[6], fragment);
    p[8] = hops;
    p[9] = transport();
    memcpy(&p[12], source.data(), 4);
    memcpy(&p[16], destination.data(), 4);
    if (!ip_options.empty()) memcpy(&p[20], ip_options.data(), ip_options.size());
    put16(&p[10], naive_finish(naive_sum(p.data(), ip)));
  }
  if (!protocol) {
    put16(&p[ip], source_port);
    put16(&p[ip + 2], destination_port);
    if (udp) {
      put16(&p[ip + 4], length);
    } else {
      put32(&p[ip + 4], sequence);
      put32(&p[ip + 8], acknowledged);
      p[ip + 12] = transport_octets() / 4 << 4 | reserved;
      p[ip + 13] = flags;
      put16(&p[ip + 14], window);
      put16(&p[ip + 18], urgent);
      if (!options.empty()) memcpy(&p[ip + 20], options.data(), options.size());
    }
  }
  p.insert(p.end(), payload.begin(), payload.end());
  if (!protocol && (!udp || udp_checksum)) {
    const uint32_t at = ip + (udp ? 6 : 16);
    uint16_t sum = naive_finish(pseudo(length) + (partial ? 0 : naive_sum(&p[ip], length)));
    if (partial) sum = ~sum;
    else if (udp && sum == 0) sum = 0xffff;
    put16(&p[at], sum);
  }
  return p;
}

}  // namespace sekisho::test
