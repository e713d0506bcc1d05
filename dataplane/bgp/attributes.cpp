// Questions to AS paths, and the hash by which equal sets of attributes find each other.
#include "dataplane/bgp/attributes.hpp"

#include <algorithm>

namespace fairlead::bgp {
namespace {

constexpr std::size_t kSegmentLimit = 255;  // its count is one octet on the wire

/// FNV-1a over 64-bit words, with the upper half folded down so that low bits depend on all.
class Hash {
 public:
  void add(std::uint64_t word) {
    state_ = (state_ ^ word) * 0x100000001b3ULL;
    state_ ^= state_ >> 32;
  }
  void add(const Ip& ip) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < ip.bytes.size(); ++i) {
      word = word << 8 | ip.bytes[i];
      if (i % 8 == 7) add(word);
    }
  }
  /// An absent value and zero differ.
  void add(const std::optional<std::uint32_t>& value) { add(value ? *value + 1ULL : 0ULL); }

  [[nodiscard]] std::size_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

void add(Hash& hash, const AsPath& path) {
  hash.add(path.segments.size());
  for (const auto& segment : path.segments) {
    hash.add(static_cast<std::uint64_t>(segment.kind) << 32 | segment.numbers.size());
    for (const AsNumber as : segment.numbers) hash.add(as.number);
  }
}

void add_communities(Hash& hash, const PathAttributes& attributes) {
  hash.add(attributes.communities.size());
  for (const Community community : attributes.communities) hash.add(community.value);
  hash.add(attributes.large_communities.size());
  for (const auto& community : attributes.large_communities) {
    hash.add(community.global);
    hash.add(static_cast<std::uint64_t>(community.local_1) << 32 | community.local_2);
  }
  hash.add(attributes.extended_communities.size());
  for (const auto& community : attributes.extended_communities) {
    std::uint64_t word = 0;
    for (const std::uint8_t byte : community.bytes) word = word << 8 | byte;
    hash.add(word);
  }
}

}  // namespace

std::size_t AsPath::length() const {
  std::size_t length = 0;
  for (const auto& segment : segments)
    length += segment.kind == AsSegment::Kind::kSet ? 1 : segment.numbers.size();
  return length;
}

bool AsPath::contains(AsNumber as) const {
  return std::ranges::any_of(segments, [as](const AsSegment& segment) {
    return std::ranges::find(segment.numbers, as) != segment.numbers.end();
  });
}

std::optional<AsNumber> AsPath::first() const {
  if (segments.empty() || segments.front().kind == AsSegment::Kind::kSet) return std::nullopt;
  const auto& numbers = segments.front().numbers;
  return numbers.empty() ? std::nullopt : std::optional(numbers.front());
}

std::optional<AsNumber> AsPath::origin() const {
  if (segments.empty() || segments.back().kind == AsSegment::Kind::kSet) return std::nullopt;
  const auto& numbers = segments.back().numbers;
  return numbers.empty() ? std::nullopt : std::optional(numbers.back());
}

void AsPath::prepend(AsNumber as, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) {
    const bool fits = !segments.empty() && segments.front().kind == AsSegment::Kind::kSequence &&
                      segments.front().numbers.size() < kSegmentLimit;
    if (!fits) segments.insert(segments.begin(), AsSegment{});
    auto& numbers = segments.front().numbers;
    numbers.insert(numbers.begin(), as);
  }
}

std::size_t hash_of(const PathAttributes& attributes) {
  Hash hash;
  hash.add(static_cast<std::uint64_t>(attributes.origin) << 1 |
           static_cast<std::uint64_t>(attributes.atomic_aggregate));
  add(hash, attributes.as_path);
  hash.add(attributes.next_hop.address);
  hash.add(attributes.next_hop.link_local.value_or(Ip{}));
  hash.add(attributes.med);
  hash.add(attributes.local_preference);
  if (const auto& aggregator = attributes.aggregator)
    hash.add(static_cast<std::uint64_t>(aggregator->as.number) << 32 | aggregator->address.number);
  add_communities(hash, attributes);
  if (attributes.originator_id) hash.add(attributes.originator_id->number);
  hash.add(attributes.cluster_list.size());
  for (const RouterId cluster : attributes.cluster_list) hash.add(cluster.number);
  if (attributes.only_to_customer) hash.add(attributes.only_to_customer->number);
  return hash.value();
}

}  // namespace fairlead::bgp
