// The clock of the stamps: CLOCK_MONOTONIC, which all processes and namespaces of a machine share,
// and no two machines.
#pragma once

#include <cstdint>
#include <ctime>

namespace fairlead::bench::pktgen {

inline std::uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace fairlead::bench::pktgen
