// A TUN interface with superpackets: what the kernel hands over in one read may be a whole TSO or USO packet.
#pragma once
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>
#include <string>

namespace sekisho {

// struct virtio_net_hdr; its Linux header is no C++. Numbers in the order of the host (legacy layout).
struct VnetHeader {
  static constexpr uint8_t kNeedsChecksum = 1;
  static constexpr uint8_t kGsoNone = 0, kGsoTcp4 = 1, kGsoTcp6 = 4, kGsoUdp = 5, kGsoEcn = 0x80;
  uint8_t flags, gso_type;
  uint16_t header_octets, gso_size, checksum_start, checksum_offset;
};
static_assert(sizeof(VnetHeader) == 10);

// Creates a non-blocking TUN in the current network namespace, gone when its descriptor closes.
// Returns the descriptor, or -1 with a sentence in *error. `udp_superpackets`: whether the kernel cuts UDP too.
int open_tun(const std::string& name, bool* udp_superpackets, std::string* error);

// The system call alone: C libraries make of every read and write a place where a thread may be cancelled, which costs a
// tenth of it.
inline ssize_t read_tun(int fd, void* to, size_t room) { return syscall(SYS_read, fd, to, room); }
inline ssize_t write_tun(int fd, const void* from, size_t octets) { return syscall(SYS_write, fd, from, octets); }
inline ssize_t write_tun(int fd, const iovec* parts, int count) { return syscall(SYS_writev, fd, parts, count); }

// Cuts a superpacket into packets of its gso_size, or completes the checksum of a plain one.
// Each packet is handed to `emit(context, headers, header_octets, payload, payload_octets)`, which must copy.
// The superpacket's own octets are overwritten. False when header and packet do not fit together.
using EmitSegment = void (*)(void* context, const uint8_t* headers, uint32_t header_octets, const uint8_t* payload,
                             uint32_t payload_octets);
bool split_superpacket(const VnetHeader& header, uint8_t* packet, uint32_t octets, EmitSegment emit,
                       void* context);

}  // namespace sekisho
