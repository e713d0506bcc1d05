// The query of a list, watch or write, checked as Kubernetes checks it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/api/decode.hpp"
#include "controlplane/api/resource.hpp"
#include "controlplane/api/selector.hpp"
#include "controlplane/api/status.hpp"
#include "controlplane/api/table.hpp"
#include "controlplane/store/store.hpp"
#include "http/query.hpp"

namespace fairlead::rest {

using store::Revision;

enum class RevisionMatch { kUnset, kNotOlderThan, kExact };

struct ListOptions {
  api::LabelSelector labels;
  api::FieldSelector fields;
  std::size_t limit = 0;
  std::string continue_token;
  std::optional<Revision> revision;  // "0" and absent are different for watches
  RevisionMatch match = RevisionMatch::kUnset;
  bool watch = false;
  bool bookmarks = false;
  std::optional<bool> send_initial_events;
  std::optional<std::chrono::seconds> timeout;
  api::IncludeObject include = api::IncludeObject::kMetadata;

  [[nodiscard]] bool has_selector() const { return !labels.empty() || !fields.empty(); }
};

api::ApiResult<ListOptions> parse_list_options(const api::ResourceType& type,
                                               const http::Query& query);

/// Matches what both selectors match, for the objects of `type`.
store::Filter make_filter(const api::ResourceType& type, const ListOptions& options);

struct WriteOptions {
  bool dry_run = false;
  api::FieldValidation validation = api::FieldValidation::kWarn;
};

/// `kind`: "CreateOptions", "UpdateOptions", "PatchOptions" for messages.
api::ApiResult<WriteOptions> parse_write_options(std::string_view kind, const http::Query& query);

/// 422 `ListOptions.meta.k8s.io "" is invalid: …`.
api::StatusError invalid_options(std::string_view kind, const api::FieldErrors& errors);

struct ContinueToken {
  Revision revision = 0;  // of the first page
  std::string after;      // key of the last object of the page before
};

/// Base64 of {"v":"meta.k8s.io/v1","rv":…,"start":"…\0"}, as kube-apiserver makes it.
std::string encode_continue(const ContinueToken& token, std::string_view prefix);
api::ApiResult<ContinueToken> decode_continue(std::string_view text, std::string_view prefix);

}  // namespace fairlead::rest
