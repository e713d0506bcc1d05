// ObjectMeta: what the server fills in, what clients may say, what may not change.
#pragma once

#include <boost/json.hpp>
#include <random>
#include <string>
#include <string_view>

#include "controlplane/api/resource.hpp"
#include "controlplane/api/status.hpp"
#include "model/object.hpp"

namespace fairlead::api {

/// `base` (cut to 58 bytes) + 5 random letters that spell no words.
std::string generate_name(std::string_view base, std::mt19937_64& random);
/// A random (version 4) UUID.
std::string generate_uid(std::mt19937_64& random);

/// uid, creationTimestamp, a generated name; drops what only the server may set.
void begin_metadata(boost::json::object& object, Time now, std::mt19937_64& random);
/// Takes from the stored object what an update leaves out or may not touch.
void carry_metadata(const boost::json::object& old, boost::json::object& object);

void validate_metadata(const ResourceType& type, const boost::json::object& object,
                       FieldErrors& errors);
void validate_metadata_update(const boost::json::object& old, const boost::json::object& object,
                              FieldErrors& errors);

void validate_labels(const boost::json::object& labels, const std::string& field,
                     FieldErrors& errors);

/// `field: field is immutable` if the two differ; missing counts as null.
void validate_immutable(const boost::json::object& old, const boost::json::object& object,
                        std::initializer_list<std::string_view> path, FieldErrors& errors);

}  // namespace fairlead::api
