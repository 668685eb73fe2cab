// What nearly every file includes, precompiled: half of the time to build went into reading it again and again.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>
