// Any octets as a packet: lengths, offsets, checksums, the MSS option, and selectors that a peer may have negotiated.
#include <netinet/in.h>

#include "../../sa/selectors.h"
#include "../inner.h"

using namespace sekisho;
using namespace sekisho::test;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Choices c(data, size);
  const bool partial = c.below(2);
  const uint16_t mss4 = c.below(65'536), mss6 = c.below(65'536);
  Selectors selectors{true, {}, {}};
  for (auto* list : {&selectors.local, &selectors.remote}) {
    for (uint32_t n = c.below(3); n; n--) {
      Selector s{uint8_t(c.below(2) ? 6 : 4), uint8_t(c.below(256)), uint16_t(c.word()), uint16_t(c.word()), {}, {}};
      memset(s.last, 0xff, sizeof s.last);
      s.first[0] = c.below(256);
      s.last[0] = c.below(256);
      list->push_back(s);
    }
  }
  Octets packet;
  while (!c.used_up()) packet.push_back(c.below(256));
  if (packet.empty()) return 0;

  CHECK_EQUAL(checksum_finish(checksum_sum(packet.data(), packet.size())),
              naive_finish(naive_sum(packet.data(), packet.size())));
  const uint32_t length = inner_length(packet.data(), packet.size());
  CHECK(length <= packet.size());
  uint8_t protocol = 0;
  const uint32_t at = transport_offset(packet.data(), packet.size(), &protocol);
  CHECK(at == 0 || (at >= 20 && at <= packet.size()));
  if (length) {
    packet.resize(length);
    selectors.allow_in(packet.data(), length);
  }
  const Octets before = packet;
  clamp_mss(packet.data(), packet.size(), mss4, mss6, partial);
  if (packet == before) return 0;
  // An MSS became smaller; with it only the checksum may change, and is as right or wrong as it was.
  const uint32_t ip = transport_offset(before.data(), before.size(), &protocol);
  CHECK(ip && protocol == IPPROTO_TCP);
  int changed = 0;
  for (size_t i = 0; i < before.size(); i++) {
    if (i != ip + 16 && i != ip + 17) changed += packet[i] != before[i];
    else CHECK(!partial || packet[i] == before[i]);
  }
  CHECK(changed <= 2);
  if (partial) return 0;
  auto wrong = [&](const Octets& p) { return naive_finish(naive_sum(&p[ip], p.size() - ip)) % 65'535; };
  CHECK_EQUAL(wrong(packet), wrong(before));
  return 0;
}
