// Native ESP through AF_PACKET: whole Ethernet frames past the kernel's IP stack, for interfaces whose driver takes no XDP
// program. Fragments are put together before we see them.
#pragma once
#include <memory>
#include <string>

#include "esp_port.h"

namespace sekisho {

// Null with a sentence fragment in *why when the interface or the kernel cannot.
std::unique_ptr<EspPort> open_packet_socket(const std::string& interface, int index, uint32_t local, std::string* why);

}  // namespace sekisho
