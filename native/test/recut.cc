#include "recut.h"

namespace sekisho::test {
namespace {

// What the kernel asks of a superpacket: consistent lengths, the pseudo header's sum, a correct IPv4 header.
void hold(const VnetHeader& h, const Octets& p, uint32_t n) {
  const bool v6 = p[0] >> 4 == 6, udp = h.gso_type == VnetHeader::kGsoUdp;
  CHECK(n > 1);
  CHECK_EQUAL(h.flags, VnetHeader::kNeedsChecksum);
  CHECK_EQUAL(h.gso_type, udp ? VnetHeader::kGsoUdp : v6 ? VnetHeader::kGsoTcp6 : VnetHeader::kGsoTcp4);
  CHECK_EQUAL(h.checksum_start, v6 ? 40 : 20);
  CHECK_EQUAL(h.checksum_offset, udp ? 6 : 16);
  CHECK_EQUAL(h.header_octets, h.checksum_start + (udp ? 8 : (p[h.checksum_start + 12] >> 4) * 4));
  CHECK_EQUAL(p[v6 ? 6 : 9], udp ? IPPROTO_UDP : IPPROTO_TCP);
  CHECK_EQUAL(size_t(get16(&p[v6 ? 4 : 2])) + (v6 ? 40 : 0), p.size());
  const uint32_t length = p.size() - h.checksum_start;
  if (udp) CHECK_EQUAL(get16(&p[h.checksum_start + 4]), length);
  if (!v6) CHECK_EQUAL(naive_finish(naive_sum(p.data(), 20)), 0);
  const uint64_t pseudo = naive_sum(&p[v6 ? 8 : 12], v6 ? 32 : 8) + (udp ? IPPROTO_UDP : IPPROTO_TCP) + length;
  const uint16_t field = get16(&p[h.checksum_start + h.checksum_offset]);
  CHECK_EQUAL(uint16_t(~field), naive_finish(pseudo));
  const uint32_t payload = p.size() - h.header_octets;
  CHECK(h.gso_size > 0);
  CHECK_EQUAL((payload + h.gso_size - 1) / h.gso_size, n);
}

}  // namespace

void Recut::write(Tunnel& tunnel, const VnetHeader& header, const iovec* parts, int count, uint32_t n) {
  CHECK(count >= 1 && count <= int(Coalescer::kMaxSegments) + 1);
  Octets whole;
  for (int i = 0; i < count; i++) {
    const uint8_t* at = static_cast<const uint8_t*>(parts[i].iov_base);
    whole.insert(whole.end(), at, at + parts[i].iov_len);
  }
  writes++;
  CHECK(whole.size() <= 65'535);
  const bool merged = header.gso_type != VnetHeader::kGsoNone;
  if (merged) hold(header, whole, n);
  else CHECK(n == 1 && header.flags == 0 && count == 1);
  const size_t before = packets.size();
  at_ = &tunnel;
  together_ = n;
  CHECK(split_superpacket(header, whole.data(), whole.size(), emit, this));
  CHECK_EQUAL(packets.size() - before, size_t(n));
}

void Recut::emit(void* self, const uint8_t* headers, uint32_t header_octets, const uint8_t* payload, uint32_t octets) {
  auto& r = *static_cast<Recut*>(self);
  Octets p(headers, headers + header_octets);
  if (octets) p.insert(p.end(), payload, payload + octets);
  r.packets.push_back({r.at_, std::move(p), r.together_});
}

}  // namespace sekisho::test
