// What takes long, beside the syncs: one thread, one thing after the other.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace fairlead::ebpf {

class Chores {
 public:
  /// The thread is in the network namespace of the caller.
  Chores();
  /// Finishes the one at hand, not the others.
  ~Chores();
  Chores(const Chores&) = delete;
  Chores& operator=(const Chores&) = delete;

  /// Returns at once.
  void add(std::function<void()> chore);

 private:
  void run(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<std::function<void()>> waiting_;  // guarded by mutex_
  std::jthread thread_;                        // last: it uses all the others
};

}  // namespace fairlead::ebpf
