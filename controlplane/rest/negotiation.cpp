// Header -> ranges in order -> the first that can be served.
#include "controlplane/rest/negotiation.hpp"

#include <algorithm>

namespace fairlead::rest {
namespace {

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// Cuts the text before `separator` off the front of `text`.
std::string_view take_until(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const std::string_view part = trim(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

}  // namespace

std::vector<MediaRange> parse_accept(std::string_view header) {
  std::vector<MediaRange> ranges;
  if (trim(header).empty()) ranges.push_back({.type = "*/*", .as = {}, .version = {}, .group = {}});
  while (!header.empty()) {
    std::string_view entry = take_until(header, ',');
    MediaRange range;
    range.type = take_until(entry, ';');
    while (!entry.empty()) {
      std::string_view value = take_until(entry, ';');
      const std::string_view name = take_until(value, '=');
      if (name == "as") range.as = value;
      if (name == "v") range.version = value;
      if (name == "g") range.group = value;
    }
    if (!range.type.empty()) ranges.push_back(std::move(range));
  }
  return ranges;
}

std::optional<ObjectForm> choose_object_form(const std::vector<MediaRange>& accepted) {
  for (const MediaRange& range : accepted) {
    if (!range.allows_json()) continue;
    if (range.as.empty()) return ObjectForm{};
    if (range.group != "meta.k8s.io" || (range.version != "v1" && range.version != "v1beta1")) {
      continue;
    }
    if (range.as == "Table") return ObjectForm{Form::kTable, range.version};
    if (range.as == "PartialObjectMetadata" || range.as == "PartialObjectMetadataList") {
      return ObjectForm{Form::kMetadata, range.version};
    }
  }
  return std::nullopt;
}

std::string choose_discovery_version(const std::vector<MediaRange>& accepted) {
  for (const MediaRange& range : accepted) {
    if (!range.allows_json()) continue;
    if (range.as.empty()) return "";
    const bool known = range.version == "v2" || range.version == "v2beta1";
    if (range.as == "APIGroupDiscoveryList" && range.group == "apidiscovery.k8s.io" && known) {
      return range.version;
    }
  }
  return "";
}

}  // namespace fairlead::rest
