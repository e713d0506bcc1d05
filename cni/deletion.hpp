// A note that the plugin leaves when a DEL finds no agent: a small file in the state directory that
// the agent carries out when it starts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/podnet/attachment.hpp"
#include "model/result.hpp"

namespace fairlead::cni {

/// Below the state directory.
inline constexpr std::string_view kDeletionsDirectory = "deletions";

struct Deletion {
  podnet::AttachmentKey key;
  /// Of the namespace that the DEL was for; 0: unknown. A runtime may ADD the same key again later,
  /// in another namespace, which the note must not hurt.
  std::uint64_t netns_cookie = 0;
  bool operator==(const Deletion&) const = default;
};
std::string to_json(const Deletion& deletion);
/// The key's parts are of the sets of `names`.
Result<Deletion> parse_deletion(std::string_view text);

/// One a key; begins with a letter or digit, has no '/'.
std::string file_name_of(const podnet::AttachmentKey& key);

}  // namespace fairlead::cni
