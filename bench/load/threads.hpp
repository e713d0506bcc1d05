// What both sides do with their threads.
#pragma once

#include <pthread.h>

#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

#include "model/result.hpp"

namespace fairlead::bench {

/// `thread` runs on cpus[index mod size] only; wherever if `cpus` is empty. Errors: there is no
/// such CPU.
Result<> pin_thread(pthread_t thread, const std::vector<unsigned>& cpus, unsigned index);

/// Timers of the calling thread fire when they are due and not up to 50 us later.
void wake_punctually();

double thread_cpu_seconds(clockid_t clock = CLOCK_THREAD_CPUTIME_ID);
/// `thread` must not have been joined.
double cpu_seconds_of(std::thread& thread);

}  // namespace fairlead::bench
