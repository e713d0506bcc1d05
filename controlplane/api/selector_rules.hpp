// Rules for parts that several kinds of group fairlead.io have, in Kubernetes' words.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/api/status.hpp"

namespace fairlead::api {

/// spec[key] as a meta/v1 LabelSelector; `field` is "spec." + key.
void validate_selector(const boost::json::object& spec, std::string_view key, FieldErrors& errors);
/// section[key] is within bounds, where it is there. `prefix`: "spec.".
void validate_bounds(const boost::json::object& section, std::string_view prefix,
                     std::string_view key, std::int64_t least, std::int64_t most,
                     FieldErrors& errors);
/// Each text of the list spec[key] is one of `allowed`, and none is there twice.
void validate_choices(const boost::json::object& spec, std::string_view key,
                      std::initializer_list<std::string_view> allowed, FieldErrors& errors);
/// Each text of the list spec[key] is the name of an object, and none is there twice.
void validate_names(const boost::json::object& spec, std::string_view key, FieldErrors& errors);

}  // namespace fairlead::api
