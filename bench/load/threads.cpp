// A thread's CPU, timers and CPU time.
#include "bench/load/threads.hpp"

#include <sched.h>
#include <sys/prctl.h>

#include <string>

namespace fairlead::bench {

Result<> pin_thread(pthread_t thread, const std::vector<unsigned>& cpus, unsigned index) {
  if (cpus.empty()) return {};
  const unsigned cpu = cpus[index % cpus.size()];
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  if (const int error = ::pthread_setaffinity_np(thread, sizeof(set), &set); error != 0)
    return system_error(error, "run on CPU " + std::to_string(cpu));
  return {};
}

void wake_punctually() { (void)::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); }

double thread_cpu_seconds(clockid_t clock) {
  timespec time{};
  (void)::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double cpu_seconds_of(std::thread& thread) {
  clockid_t clock{};
  if (::pthread_getcpuclockid(thread.native_handle(), &clock) != 0) return 0;
  return thread_cpu_seconds(clock);
}

}  // namespace fairlead::bench
