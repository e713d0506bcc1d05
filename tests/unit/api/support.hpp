// What the tests of api/ speak in: objects as JSON text, and a small cluster to write them to.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "controlplane/api/allocators.hpp"
#include "controlplane/api/json_view.hpp"
#include "controlplane/api/prepare.hpp"
#include "objects/decode.hpp"

namespace fairlead::api {

inline boost::json::value from_text(std::string_view text) {
  boost::json::parse_options options;
  options.allow_trailing_commas = true;
  return boost::json::parse({text.data(), text.size()}, {}, options);
}
inline boost::json::object object(std::string_view text) { return from_text(text).as_object(); }

inline const ResourceType& kind(std::string_view name) {
  for (const ResourceType& type : resources()) {
    if (type.kind == name) return type;
  }
  throw std::invalid_argument(std::string(name));
}

/// Allocators, time and randomness; 2026-01-02T03:04:05Z.
struct Cluster {
  Allocators allocators;
  std::mt19937_64 random{7};
  Time now = *parse_time("2026-01-02T03:04:05Z");

  explicit Cluster(std::vector<std::string> cidrs = {"10.96.0.0/16"},
                   std::vector<std::string> pods = {})
      : allocators(make(std::move(cidrs), std::move(pods))) {}

  static Allocators make(std::vector<std::string> cidrs, std::vector<std::string> pods) {
    AllocatorOptions options;
    for (const std::string& cidr : cidrs) options.service_cidrs.push_back(*parse_cidr(cidr));
    for (const std::string& cidr : pods) options.pod_cidrs.push_back(*parse_cidr(cidr));
    return *make_allocators(options);
  }

  WriteContext context(bool dry_run = false) { return {allocators, random, now, dry_run}; }

  /// Body -> decoded -> bound to namespace "default" -> prepared. Not committed.
  ApiResult<Prepared> create(const ResourceType& type, std::string_view body,
                             bool dry_run = false) {
    std::vector<std::string> warnings;
    auto decoded = decode_body(type, "application/json", body, FieldValidation::kStrict, warnings);
    if (!decoded) return tl::unexpected(decoded.error());
    auto bound = bind_to_request(type, *decoded, "default", "");
    if (!bound) return tl::unexpected(bound.error());
    return prepare_create(type, std::move(*decoded), context(dry_run));
  }

  /// Creates, commits and gives it resourceVersion 1.
  boost::json::object stored(const ResourceType& type, std::string_view body) {
    auto prepared = create(type, body);
    EXPECT_TRUE(prepared) << (prepared ? "" : prepared.error().message);
    if (!prepared) return {};
    prepared->reservation.commit();
    prepared->object["metadata"].as_object()["resourceVersion"] = "1";
    return prepared->object;
  }

  ApiResult<Prepared> update(const ResourceType& type, const boost::json::object& old,
                             boost::json::object object, std::string_view subresource = "") {
    return prepare_update(type, old, std::move(object), subresource, context());
  }
};

/// The message of a refusal, "" if there was none.
template <class T>
std::string message_of(const ApiResult<T>& result) {
  return result ? "" : result.error().message;
}

inline std::string text(const boost::json::object& object,
                        std::initializer_list<std::string_view> path) {
  const boost::json::value* found = find_value(object, path);
  if (found == nullptr) return "(none)";
  return found->is_string() ? std::string(text_of(*found)) : boost::json::serialize(*found);
}

}  // namespace fairlead::api
