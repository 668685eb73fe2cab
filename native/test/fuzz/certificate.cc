// Certificates, paths, revocation lists and OCSP answers from the network: whatever the octets, nothing but a verdict.
// The first octet chooses who is asked, the second where the octets are cut in two.
#include "../../x509/verify.h"

using namespace sekisho;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const uint8_t who = data[0] % 4;
  const uint8_t* from = data + 2;
  const size_t octets = size - 2, cut = octets * data[1] / 255;
  const Der whole(from, from + octets), first(from, from + cut), second(from + cut, from + octets);
  switch (who) {
    case 0:
      describe(whole);
      break;
    case 1: {
      // The same certificate as its own authority: the path is looked at as far as it goes.
      PathRequest request = {{whole, second}, {whole}, {second}, true, false};
      verify_path(request);
      request.require_revocation = true;
      verify_path(request);
      break;
    }
    case 2:
      ocsp_answer(first, second, second);
      ocsp_request(first, second);
      list_is_from(first, second);
      break;
    default:
      list_next_update(whole);
  }
  return 0;
}
