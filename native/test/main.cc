// Runs the tests whose file or name contains the first argument, or all.
#include <time.h>

#include <cstdio>
#include <cstring>
#include <exception>

#include "test.h"

using namespace sekisho::test;

static double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char** argv) {
  const char* filter = argc > 1 ? argv[1] : "";
  setvbuf(stdout, nullptr, _IOLBF, 0);
  int ran = 0, failed = 0;
  for (const Case& c : cases()) {
    if (!strstr(c.file, filter) && !strstr(c.name, filter)) continue;
    ran++;
    during.clear();
    const double start = now();
    bool ok = false;
    try {
      c.run();
      ok = true;
    } catch (const Failure&) {
    } catch (const std::exception& e) {
      fprintf(stderr, "%s\n", e.what());
    }
    if (!ok) failed++;
    printf("%s %-28s %s (%.2f s)\n", ok ? "ok    " : "FAILED", c.file, c.name, now() - start);
  }
  printf("%d tests, %d failed\n", ran, failed);
  return ran == 0 || failed ? 1 : 0;
}
