#include "crew.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

namespace sekisho {
namespace {

constexpr uint64_t kWake = UINT64_MAX, kNetwork = UINT64_MAX - 1;
constexpr size_t kLargeBatch = 32;  // packets; a TCP superpacket is more
constexpr size_t kTurn = 2048;      // packets, then the network is asked again
constexpr int kHelpMs = 2;          // without work a helper rests
// Each has buffers of some megabytes, and beyond this the kernel's own work is the limit.
constexpr int kMostWorkers = 8;
static_assert(kMostWorkers <= Quiescence::kThreads);

}  // namespace

Crew::Crew(Sockets& sockets, SaTable& table, Events& events, Quiescence& quiescence, Retired& retired)
    : sockets_(sockets),
      table_(table),
      events_(events),
      quiescence_(quiescence),
      retired_(retired),
      sources_(new std::atomic<Source*>[kSources]()) {}

int Crew::workers() {
  static const int n = std::clamp<int>(std::thread::hardware_concurrency(), 2, kMostWorkers);
  return n;
}

std::string Crew::start() {
  poll_ = epoll_create1(EPOLL_CLOEXEC);
  network_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (poll_ < 0 || network_ < 0 || wake_ < 0) return std::string("cannot poll: ") + strerror(errno);
  epoll_event e = {};
  e.events = EPOLLIN;
  e.data.u64 = kWake;
  epoll_ctl(poll_, EPOLL_CTL_ADD, wake_, &e);
  e.data.u64 = kNetwork;
  epoll_ctl(poll_, EPOLL_CTL_ADD, network_, &e);
  for (int i = 0; i < workers(); i++) workers_.push_back(std::make_unique<Worker>(i, sockets_, table_, events_));
  for (auto& worker : workers_) {
    threads_.emplace_back([this, &w = *worker] { run(w); });
    pthread_setname_np(threads_.back().native_handle(), ("esp-" + std::to_string(worker->number)).c_str());
  }
  return "";
}

void Crew::stop() {
  stopping_ = true;
  if (wake_ >= 0) eventfd_write(wake_, 1);  // level-triggered: every waiting worker sees it
  if (!threads_.empty()) help_.release(threads_.size());
  for (std::thread& t : threads_) t.join();
  threads_.clear();
  for (int* fd : {&poll_, &network_, &wake_}) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
}

std::string Crew::watch(int fd, Tunnel* tunnel, EspPort* port) {
  size_t place = 0;
  while (place < owned_.size() && owned_[place]) place++;
  if (place == kSources) return "more than " + std::to_string(kSources) + " descriptors to wait for";
  if (place == owned_.size()) owned_.emplace_back();
  owned_[place] = std::make_shared<Source>(Source{++numbers_ << 16 | place, fd, tunnel ? poll_ : network_, tunnel, port});
  sources_[place].store(owned_[place].get(), std::memory_order_release);
  if (!arm(*owned_[place], EPOLL_CTL_ADD)) {
    const std::string error = std::string("cannot wait for a descriptor: ") + strerror(errno);
    unwatch(fd);
    return error;
  }
  share();
  return "";
}

void Crew::unwatch(int fd) {
  for (size_t place = 0; place < owned_.size(); place++) {
    if (!owned_[place] || owned_[place]->fd != fd) continue;
    sources_[place].store(nullptr, std::memory_order_release);
    epoll_ctl(owned_[place]->poll, EPOLL_CTL_DEL, fd, nullptr);
    retired_.add(std::exchange(owned_[place], nullptr));
  }
  share();
}

void Crew::share() {
  const int n = owned_.size() - std::count(owned_.begin(), owned_.end(), nullptr);
  turn_ = std::clamp(n / (4 * workers()), 1, kMost);
}

uint64_t Crew::drops(Drop reason) const {
  uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->drops.by[static_cast<size_t>(reason)].read();
  return sum;
}

Source* Crew::find(uint64_t tag) const {
  Source* s = sources_[tag & 0xffff].load(std::memory_order_acquire);
  return s && s->tag == tag ? s : nullptr;
}

bool Crew::arm(const Source& source, int operation) {
  epoll_event e = {};
  e.events = EPOLLIN | EPOLLONESHOT;
  e.data.u64 = source.tag;
  return epoll_ctl(source.poll, operation, source.fd, &e) == 0;
}

void Crew::run(Worker& worker) {
  epoll_event ready[kMost];
  const Source* served[kMost];
  size_t packets = 0;
  while (!stopping_.load(std::memory_order_relaxed)) {
    const int n = wait(worker, ready, turn_.load(std::memory_order_relaxed));
    // What is found from here on stays alive until the turn is over.
    quiescence_.awake(worker.number);
    if (packets >= kLargeBatch) ask_for_help();
    packets = 0;
    int count = 0;
    for (int i = 0; i < n; i++) {
      if (ready[i].data.u64 >= kNetwork) continue;
      const Source* source = find(ready[i].data.u64);
      // Somebody deleted the interface: it will never be readable again, and would be reported for ever.
      if (!source || (source->tunnel && ready[i].events & (EPOLLERR | EPOLLHUP))) continue;
      if (packets < kTurn) packets += worker.serve(*source);
      served[count++] = source;
    }
    worker.flush();
    for (int i = 0; i < count; i++) arm(*served[i], EPOLL_CTL_MOD);
  }
  quiescence_.asleep(worker.number);
}

// What it returns was asked while asleep, and may be gone by now: tags, not pointers.
int Crew::wait(Worker& worker, epoll_event* ready, int most) {
  int n = epoll_wait(network_, ready, 1, 0);
  if (n <= 0) n = epoll_wait(poll_, ready, most, 0);
  if (n > 0) return n;
  quiescence_.asleep(worker.number);
  n = epoll_wait(poll_, ready, most, worker.number == 0 ? -1 : kHelpMs);
  if (n != 0 || worker.number == 0) return n;
  resting_.fetch_add(1);
  help_.acquire();
  return 0;
}

void Crew::ask_for_help() {
  int n = resting_.load(std::memory_order_relaxed);
  while (n > 0 && !resting_.compare_exchange_weak(n, n - 1)) {
  }
  if (n > 0) help_.release();
}

}  // namespace sekisho
