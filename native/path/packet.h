// What the path needs to know of inner packets: lengths, checksums, the MSS option. Bounds are checked here.
#pragma once
#include <cstddef>
#include <cstdint>

namespace sekisho {

// Length of the whole packet by its own header, or 0 when it is no whole IPv4 or IPv6 packet of at most `octets`.
uint32_t inner_length(const uint8_t* packet, size_t octets);

// Internet checksum arithmetic (RFC 1071): sum() folds nothing, finish() folds and complements.
uint64_t checksum_sum(const uint8_t* data, size_t octets, uint64_t start = 0);
uint16_t checksum_finish(uint64_t sum);
// Of the pseudo header (RFC 9293 3.1, RFC 8200 8.1) of a packet that carries `octets` of `protocol`.
uint64_t pseudo_sum(const uint8_t* packet, bool v6, uint8_t protocol, uint32_t octets);

// Offset of the transport header and its protocol, or 0: fragments and extension headers have none for us.
uint32_t transport_offset(const uint8_t* packet, size_t octets, uint8_t* protocol);

// Lowers the MSS option of a SYN to `mss` and mends the checksum (RFC 1624) unless it is only partial yet.
void clamp_mss(uint8_t* packet, size_t octets, uint16_t mss4, uint16_t mss6, bool partial_checksum);

}  // namespace sekisho
