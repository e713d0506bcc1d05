// Numbers -> text, for the command line and the log.
#include "dataplane/bgp/text.hpp"

#include <array>
#include <utility>

namespace fairlead::bgp {
namespace {

constexpr std::array kWellKnown{
    std::pair{kGracefulShutdown, "graceful-shutdown"},
    std::pair{kNoExport, "no-export"},
    std::pair{kNoAdvertise, "no-advertise"},
    std::pair{kNoExportSubconfed, "no-export-subconfed"},
};

std::string joined(const std::vector<AsNumber>& numbers, char separator) {
  std::string text;
  for (const AsNumber as : numbers) {
    if (!text.empty()) text += separator;
    text += to_string(as);
  }
  return text;
}

}  // namespace

std::string to_string(AsNumber as) { return std::to_string(as.number); }

std::string to_string(RouterId id) {
  const auto byte = [id](unsigned shift) { return static_cast<std::uint8_t>(id.number >> shift); };
  return to_string(ip_from_v4({byte(24), byte(16), byte(8), byte(0)}));
}

std::string to_string(Community community) {
  for (const auto& [known, name] : kWellKnown)
    if (known == community) return name;
  return std::to_string(community.value >> 16) + ":" + std::to_string(community.value & 0xffff);
}

std::string to_string(const LargeCommunity& community) {
  return std::to_string(community.global) + ":" + std::to_string(community.local_1) + ":" +
         std::to_string(community.local_2);
}

std::string to_string(const ExtendedCommunity& community) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : community.bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

std::string to_string(const AsPath& path) {
  std::string text;
  for (const auto& segment : path.segments) {
    if (!text.empty()) text += ' ';
    const bool is_set = segment.kind == AsSegment::Kind::kSet;
    text += is_set ? "{" + joined(segment.numbers, ',') + "}" : joined(segment.numbers, ' ');
  }
  return text;
}

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::kIgp:
      return "IGP";
    case Origin::kEgp:
      return "EGP";
    case Origin::kIncomplete:
      return "incomplete";
  }
  return "";
}

}  // namespace fairlead::bgp
