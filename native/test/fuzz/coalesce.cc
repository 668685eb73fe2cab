// The coalescer's property (flows.h), with the fuzzer choosing what each packet is.
#include "../flows.h"

using namespace sekisho::test;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Choices c(data, size);
  Flows f(c);
  const uint32_t calm = c.between(2, 12);
  for (int i = 0; i < 200 && !c.used_up(); i++) f.next(calm);
  f.hold();
  return 0;
}
