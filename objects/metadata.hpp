// The head that every Kubernetes object has.
#pragma once

#include <boost/json.hpp>
#include <string_view>

#include "model/labels.hpp"
#include "model/object.hpp"
#include "model/result.hpp"
#include "objects/fields.hpp"

namespace fairlead {

struct Metadata {
  ObjectName name;  // ns: "default" where the object names none; "" for kinds without namespace
  bool being_deleted = false;
  const boost::json::object* all = nullptr;          // the section itself, within the JSON
  const boost::json::object* labels = nullptr;       // nullptr: none
  const boost::json::object* annotations = nullptr;  // the same
};

enum class Namespaced : bool { kNo, kYes };

/// Fails where the object cannot be told from others: not an object of `kind`, no name, or one that
/// Kubernetes never allows.
Result<Metadata> decode_metadata(const boost::json::value& json, std::string_view kind,
                                 Namespaced namespaced);
/// "Service default/web", as problems and errors name it.
std::string describe(std::string_view kind, const ObjectName& name);

/// metadata.creationTimestamp. Absent: the epoch. Unreadable: a Problem, and the object counts as
/// the youngest of all, so that a lie takes nothing from others.
Time decode_created(const Metadata& metadata, ProblemList& problems);
/// Labelled as somebody else's to handle; whatever the label's value.
bool is_handled_elsewhere(const Metadata& metadata);
/// metadata.labels; what is no text is not among them.
Labels labels_of(const Metadata& metadata);
/// The text of a label or annotation; "" where it is absent or no text.
std::string_view text_of(const boost::json::object* map, std::string_view key);

}  // namespace fairlead
