// Native ESP through AF_XDP: a program in the driver's receive path redirects whole ESP packets for our address into
// memory shared with us; everything else, fragments too, takes the kernel's way.
#pragma once
#include <memory>
#include <string>

#include "esp_port.h"

namespace sekisho {

// Null with a sentence fragment in *why when the interface or the kernel cannot.
std::unique_ptr<EspPort> open_xdp(const std::string& interface, int index, uint32_t local, std::string* why);

}  // namespace sekisho
