// How much work something is: machine instructions, counted one by one. The same on a busy machine
// and on an idle one.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace fairlead::test {

/// Does some work, and has its instructions counted: those of the calling thread in user space. A
/// thousand take up to 50 ms, and 200,000 are the most that is counted.
using CountSteps = std::function<void(const std::function<void()>& work)>;

/// Calls `run` in a child process whose first thread is traced, and returns what each call of its
/// argument counted. Expectations that fail there, or a child that dies, are a failure here.
/// Threads of this process do not exist in the child.
std::vector<std::uint64_t> steps_of(const std::function<void(const CountSteps& count)>& run);

}  // namespace fairlead::test
