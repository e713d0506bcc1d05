// The metadata that list and watch need of any object, read without knowing its kind.
#pragma once

#include <boost/json.hpp>
#include <string_view>

#include "model/object.hpp"
#include "model/result.hpp"

namespace fairlead::client {

/// The text of `object[field]`; "" where there is none. Lives as long as `object`.
std::string_view text_member(const boost::json::value& object, std::string_view field);
/// `object[field]`, or a null value.
const boost::json::value& member(const boost::json::value& object, std::string_view field);

/// metadata.namespace (may be empty) and metadata.name: at most 253 bytes each, as Kubernetes has
/// them.
Result<ObjectName> object_name(const boost::json::value& object);

/// True if both are decimal numbers and `left` is the smaller. Versions are opaque by contract,
/// numbers in all servers that there are; so this may only ever be a reason to ask the server
/// again.
bool is_older_version(std::string_view left, std::string_view right);

}  // namespace fairlead::client
