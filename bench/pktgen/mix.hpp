// Frame sizes: one, or several in a proportion (IMIX), and what a line carries of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.hpp"

namespace fairlead::bench::pktgen {

/// With FCS. Ethernet without jumbo frames.
inline constexpr std::uint32_t kLargestFrame = 1518;

struct Mix {
  struct Part {
    std::uint32_t frame_bytes = 0, weight = 1;  // with FCS
    bool operator==(const Part&) const = default;
  };
  std::vector<Part> parts;
  std::string name;  // as it was asked for

  /// Indices into `parts`, one round, each as often as its weight says and as evenly spread as
  /// can be; to be repeated.
  [[nodiscard]] std::vector<std::uint32_t> order() const;
  [[nodiscard]] double mean_bytes() const;
};

/// "64"; "64:7,594:4,1518:1"; "imix", which is "64:7,594:4,1518:1" (RFC 6985's tetragram of the
/// common Internet mix). Errors: sizes that are not within `smallest` and kLargestFrame; weights
/// that are not within 1 and 1000. For "imix" the smallest frame grows to `smallest`.
Result<Mix> parse_mix(std::string_view text, std::size_t smallest);

/// What one after the other RFC 2544 (9.1) asks for Ethernet; those below `smallest` become it.
std::vector<std::uint32_t> rfc2544_sizes(std::size_t smallest);

/// Frames a second that fill the line: each has 20 bytes more there, preamble and gap.
double line_rate(const Mix& mix, std::uint64_t bits_a_second);

/// "1000", "1.5k", "2M", "10%" (of `line`, packets/s; 0: not known, which is an error).
Result<double> parse_rate(std::string_view text, double line);

}  // namespace fairlead::bench::pktgen
