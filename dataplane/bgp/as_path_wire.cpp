// A path is a list of (kind, count, numbers); between speakers of two octets the true numbers
// travel beside it, and are put together here.
#include "dataplane/bgp/as_path_wire.hpp"

#include <algorithm>

namespace fairlead::bgp {
namespace {

constexpr std::size_t kSegmentLimit = 255;
constexpr std::uint8_t kSet = 1, kSequence = 2, kConfederationSequence = 3, kConfederationSet = 4;

tl::unexpected<std::string> wrong(std::string what) { return tl::unexpected(std::move(what)); }

tl::expected<AsSegment, std::string> read_numbers(Reader numbers, std::size_t width,
                                                  AsSegment::Kind kind) {
  AsSegment segment{.kind = kind, .numbers = {}};
  segment.numbers.reserve(numbers.remaining() / width);
  while (!numbers.empty()) {
    const auto as = numbers.number(width);
    if (!as || *as == 0) return wrong("AS 0 in the path");
    segment.numbers.push_back(AsNumber{*as});
  }
  return segment;
}

/// Appends a sequence, to the last segment where that is one and has room.
void append(AsPath& path, AsSegment segment) {
  const bool joins = !path.segments.empty() && segment.kind == AsSegment::Kind::kSequence &&
                     path.segments.back().kind == AsSegment::Kind::kSequence &&
                     path.segments.back().numbers.size() + segment.numbers.size() <= kSegmentLimit;
  if (!joins) return path.segments.push_back(std::move(segment));
  auto& numbers = path.segments.back().numbers;
  numbers.insert(numbers.end(), segment.numbers.begin(), segment.numbers.end());
}

/// The first `length` of `path`, counted as AsPath::length() does.
AsPath head(const AsPath& path, std::size_t length) {
  AsPath result;
  for (const auto& segment : path.segments) {
    if (length == 0) break;
    if (segment.kind == AsSegment::Kind::kSet) {
      result.segments.push_back(segment);
      --length;
      continue;
    }
    const std::size_t taken = std::min(length, segment.numbers.size());
    const auto end = segment.numbers.begin() + static_cast<std::ptrdiff_t>(taken);
    result.segments.push_back({.kind = segment.kind, .numbers = {segment.numbers.begin(), end}});
    length -= taken;
  }
  return result;
}

void write_segment(Writer& writer, AsSegment::Kind kind, std::span<const AsNumber> numbers,
                   std::size_t width) {
  writer.u8(static_cast<std::uint8_t>(kind));
  writer.u8(numbers.size());
  for (const AsNumber as : numbers) {
    if (width == 4)
      writer.u32(as.number);
    else
      writer.u16(fits_two_octets(as) ? as.number : kAsTrans.number);
  }
}

}  // namespace

tl::expected<AsPath, std::string> read_as_path(Reader reader, std::size_t width,
                                               Confederation confederation) {
  AsPath path;
  while (!reader.empty()) {
    const auto kind = reader.u8();
    const auto count = reader.u8();
    if (!count) return wrong("one octet left after the last segment");
    const bool confederated = *kind == kConfederationSequence || *kind == kConfederationSet;
    if (!confederated && *kind != kSet && *kind != kSequence)
      return wrong("segment of kind " + std::to_string(*kind));
    if (confederated && confederation == Confederation::kRefused)
      return wrong("segment of a confederation");
    if (*count == 0) return wrong("empty segment");
    const auto numbers = reader.part(*count * width);
    if (!numbers) return wrong("segment past the end");
    if (confederated) continue;
    auto segment = read_numbers(*numbers, width, static_cast<AsSegment::Kind>(*kind));
    if (!segment) return wrong(std::move(segment).error());
    path.segments.push_back(*std::move(segment));
  }
  return path;
}

void write_as_path(Writer& writer, const AsPath& path, std::size_t width) {
  for (const auto& segment : path.segments) {
    std::span<const AsNumber> rest = segment.numbers;
    while (!rest.empty()) {
      const auto part = rest.first(std::min(rest.size(), kSegmentLimit));
      write_segment(writer, segment.kind, part, width);
      rest = rest.subspan(part.size());
    }
  }
}

bool fits_two_octets(const AsPath& path) {
  return std::ranges::all_of(path.segments, [](const AsSegment& segment) {
    return std::ranges::all_of(segment.numbers, [](AsNumber as) { return fits_two_octets(as); });
  });
}

AsPath merge_as4_path(const AsPath& path, const AsPath& as4_path) {
  const std::size_t all = path.length();
  const std::size_t known = as4_path.length();
  if (known > all) return path;
  AsPath merged = head(path, all - known);
  for (const auto& segment : as4_path.segments) {
    // Only where the two paths meet; segments of one path stay as they were sent.
    if (&segment == &as4_path.segments.front())
      append(merged, segment);
    else
      merged.segments.push_back(segment);
  }
  return merged;
}

}  // namespace fairlead::bgp
