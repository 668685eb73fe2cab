// Memory of some megabytes that a worker goes through again and again: in huge pages where the kernel has some to give. A
// change of threads may empty the processor's table of pages, and four thousand octets at a time it takes long to fill.
#pragma once
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>

namespace sekisho {

class Pages {
 public:
  explicit Pages(size_t octets) : at_(static_cast<uint8_t*>(operator new(octets, kHuge))) {
    // Advice: without it everything works all the same.
    madvise(at_, octets / size_t(kHuge) * size_t(kHuge), MADV_HUGEPAGE);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { operator delete(at_, kHuge); }

  uint8_t* get() const { return at_; }

 private:
  // Of x86-64, and of arm64 with pages of 4 KB; where they are larger nothing comes of it.
  static constexpr std::align_val_t kHuge{2 << 20};
  uint8_t* const at_;
};

}  // namespace sekisho
