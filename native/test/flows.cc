#include "flows.h"

namespace sekisho::test {

Octets normal(Octets p) {
  const bool v6 = p[0] >> 4 == 6;
  const uint32_t ip = v6 ? 40 : (p[0] & 15) * 4;
  if (!v6 && naive_finish(naive_sum(p.data(), ip)) == 0) {
    if (get16(&p[10]) == 0xffff) put16(&p[10], 0);
    if ((get16(&p[6]) & 0x7fff) == 0x4000) put16(&p[4], 0), put16(&p[10], 0);
  }
  if (p[v6 ? 6 : 9] == IPPROTO_TCP && p.size() >= ip + 20 && (v6 || !(get16(&p[6]) & 0x3fff))) {
    const uint32_t length = p.size() - ip;
    const uint64_t pseudo = naive_sum(&p[v6 ? 8 : 12], v6 ? 32 : 8) + IPPROTO_TCP + length;
    if (get16(&p[ip + 16]) == 0xffff && naive_finish(pseudo + naive_sum(&p[ip], length)) == 0) put16(&p[ip + 16], 0);
  }
  return p;
}

Flows::Flows(Choices& c) : choices(c) {
  tunnels[0].udp_superpackets = true;
  tunnels[1].udp_superpackets = choices.one_in(2);
  const uint32_t n = choices.between(1, 6);
  for (uint32_t i = 0; i < n; i++) {
    Inner f;
    if (choices.one_in(3)) f.make_v6();
    f.udp = choices.one_in(3);
    f.source_port = 1000 + i;  // flows differ by a port at least
    if (choices.one_in(3)) f.source.back() = 9;
    f.sequence = choices.one_in(4) ? -choices.below(5000) : choices.word();
    f.id = choices.one_in(4) ? 0xfffe : choices.word();
    if (choices.one_in(2)) f.fragment = 0;
    if (choices.one_in(3)) f.options = choices.filler(12);
    flows.push_back(f);
    sizes.push_back(choices.one_in(4) ? choices.between(1, 9) : choices.between(10, 1500));
    tunnel_of.push_back(choices.one_in(4));
  }
}

void Flows::next(uint32_t calm) {
  const uint32_t i = choices.one_in(3) ? choices.below(flows.size()) : last;
  last = i;
  Inner& flow = flows[i];
  flow.payload = choices.filler(sizes[i]);
  Inner p = flow;
  const uint32_t kind = choices.one_in(calm) ? choices.between(1, kKinds) : 0;
  uint32_t flip = 0;  // an octet to spoil after the checksums stand, counted from the packet's end
  switch (kind) {
    case 1: p.flags |= 0x08; break;  // PSH
    case 2: p.payload.resize(1 + choices.below(p.payload.size())); break;
    case 3: flip = 1 + choices.below(p.payload.size()); break;
    case 4: p.tos ^= 1 << choices.below(8); break;
    case 5: p.hops ^= 1 << choices.below(8); break;
    case 6: p.window ^= 1 << choices.below(16); break;
    case 7: p.options = choices.filler(4 * choices.below(11)); break;
    case 8: p.id += choices.word(); break;
    case 9: flow.fragment ^= 0x4000, p.fragment = flow.fragment; break;
    case 10:  // fragments: IPv4's in the header, IPv6's behind it
      if (p.v6) p.extended = true, p.extension = IPPROTO_FRAGMENT, p.extension_rest = choices.chosen(6);
      else p.fragment = choices.one_in(2) ? 0x2000 : 1 + choices.below(0x1fff);
      break;
    case 11: p.ip_options = choices.filler(4 * choices.below(11)); break;
    case 12:
      if (p.v6) p.extended = true, p.extension = choices.one_in(2) ? IPPROTO_HOPOPTS : IPPROTO_DSTOPTS;
      break;
    case 13: p.udp_checksum = false; break;
    case 14: p.sequence += choices.below(5000) - 2500; break;
    case 15:
      if (!packets.empty()) return add(packets.back().flow, packets.back().octets);
      break;
    case 16: p.urgent ^= 1 << choices.below(16); break;
    case 17: flow.acknowledged += choices.below(5000), p.acknowledged = flow.acknowledged; break;
    case 18: flip = UINT32_MAX; break;  // IPv4 header checksum
    case 19: p.flags = choices.below(256); break;
    case 20: p.reserved = choices.below(16); break;
    case 21: p.payload.clear(); break;
    case 22: p.flow_label ^= choices.below(1 << 20); break;
    case 23: p.payload = choices.filler(p.payload.size() + choices.below(100)); break;
    case 24: p.protocol = choices.one_in(2) ? IPPROTO_ICMP : IPPROTO_SCTP; break;
    case 25: p.fragment |= 0x8000; break;
    case 26:    // a transport checksum of zero, ...
    case 27: {  // ... and the same in its other form
      if (p.payload.size() < 2) break;
      put16(&p.payload[0], 0);
      const Octets b = p.build();
      const uint32_t at = p.ip_octets() + (p.udp ? 6 : 16);
      if (p.udp && get16(&b[at]) == 0xffff) break;
      put16(&p.payload[0], get16(&b[at]));
      break;
    }
    case 28: return end();
    case 29: sizes[i] = choices.between(1, 1500); break;
    default: break;
  }
  flow.id++;
  if (kind != 14 && kind != 24 && kind != 10) flow.sequence += p.payload.size();
  Octets b = p.build();
  if (kind == 27 && !p.udp && get16(&b[p.ip_octets() + 16]) == 0) put16(&b[p.ip_octets() + 16], 0xffff);
  if (flip == UINT32_MAX) b[p.v6 ? 7 : 10] ^= 1 << choices.below(8);
  else if (flip) b[b.size() - flip] ^= 1 << choices.below(8);
  // Another protocol between the same hosts is a flow of its own.
  const uint32_t of = kind == 24 ? flows.size() + i : i;
  // UDP lengths and TCP data offsets that lie.
  if (kind == kKinds) {
    const uint32_t at = p.ip_octets() + (p.udp ? 5 : 12);
    if (at < b.size()) b[at] = choices.below(256);
  }
  add(of, std::move(b));
}

void Flows::add(uint32_t flow, Octets b) {
  packets.push_back({flow, b, b});
  Packet& p = packets.back();
  coalescer->add(tunnel(flow), p.at.data(), p.at.size());
}

void Flows::end() {
  coalescer->flush();
  for (Packet& p : packets) Octets().swap(p.at);
}

void Flows::hold() {
  end();
  std::vector<Octets> in, out;
  for (const Packet& p : packets) in.push_back(normal(p.octets));
  for (const auto& p : sink.packets) out.push_back(normal(p.octets));
  CHECK_EQUAL(in.size(), out.size());
  // Each packet that came out is the first equal one not yet seen; what is left over finds none.
  std::vector<size_t> place(in.size(), SIZE_MAX);
  for (size_t o = 0; o < out.size(); o++) {
    size_t i = 0;
    while (i < in.size() && (place[i] != SIZE_MAX || in[i] != out[o] ||
                             &tunnel(packets[i].flow) != sink.packets[o].tunnel)) {
      i++;
    }
    if (i == in.size()) fail(__FILE__, __LINE__, "came out but never went in: " + hex(out[o]));
    place[i] = o;
  }
  std::vector<size_t> latest(2 * flows.size(), 0);
  for (size_t i = 0; i < in.size(); i++) {
    size_t& before = latest[packets[i].flow];
    if (place[i] < before) fail(__FILE__, __LINE__, "overtaken in its flow: " + hex(in[i]));
    before = place[i];
  }
}

}  // namespace sekisho::test
