// The Accept header -> the form of the answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::rest {

/// One entry of an Accept header: "application/json;as=Table;v=v1;g=meta.k8s.io".
struct MediaRange {
  std::string type;  // "application/json", "*/*"
  std::string as, version, group;

  [[nodiscard]] bool allows_json() const {
    return type == "application/json" || type == "application/*" || type == "*/*";
  }
};

/// In the order of the header, which is the order of preference; q values are ignored, as
/// Kubernetes' clients send none. An empty header accepts everything.
std::vector<MediaRange> parse_accept(std::string_view header);

/// How an object or a list is shown.
enum class Form { kJson, kTable, kMetadata };

struct ObjectForm {
  Form form = Form::kJson;
  std::string version = "v1";  // of meta.k8s.io, for the other two
};

/// nullopt: nothing acceptable (406).
std::optional<ObjectForm> choose_object_form(const std::vector<MediaRange>& accepted);

/// The version of the aggregated discovery document that the client asks for; "" for the legacy
/// one.
std::string choose_discovery_version(const std::vector<MediaRange>& accepted);

}  // namespace fairlead::rest
