// How fast each suite runs on this CPU, kernel by kernel.
#pragma once
#include <string>
#include <vector>

namespace sekisho {

struct Speed {
  std::string encryption, integrity;  // the configuration's names; integrity is empty for an AEAD
  std::string kernel;
  bool chosen;      // make_cipher() takes this one
  double gbit;      // Gbit/s of inner packets sealed
};

// Seals packets of 1,400 octets in batches of 32 on the calling thread, some milliseconds a suite: half a second in all.
std::vector<Speed> measure_crypto();

}  // namespace sekisho
