// add() -> waiting_ -> run().
#include "dataplane/ebpf/chores.hpp"

#include <utility>

namespace fairlead::ebpf {

Chores::Chores() : thread_([this](const std::stop_token& stop) { run(stop); }) {}

Chores::~Chores() = default;

void Chores::add(std::function<void()> chore) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(chore));
  }
  wake_.notify_one();
}

void Chores::run(const std::stop_token& stop) {
  while (true) {
    std::function<void()> chore;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [&] { return !waiting_.empty(); })) return;
      if (stop.stop_requested()) return;
      chore = std::move(waiting_.front());
      waiting_.pop_front();
    }
    chore();
  }
}

}  // namespace fairlead::ebpf
