// An object in memory: the bytes that lists and watches send, made once and shared, and the few
// fields that are asked for often.
#pragma once

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "controlplane/storage/storage.hpp"
#include "model/result.hpp"

namespace fairlead::store {

using storage::Revision;

/// Never changed once it exists.
struct Object {
  std::string key;  // "services/default/web", "nodes/node1"
  Revision revision = 0;
  boost::json::object head = {};  // {"metadata": {…}}: what label selectors and owners need
  std::string bytes = {};         // JSON of the whole, with this resourceVersion

  [[nodiscard]] boost::json::object parse() const;
  /// A member of metadata that is text; "" if it is absent.
  [[nodiscard]] std::string_view metadata(std::string_view name) const;
  [[nodiscard]] const boost::json::object& metadata() const;
};
using ObjectPtr = std::shared_ptr<const Object>;

/// From JSON with or without a resourceVersion. Errors name the key.
Result<ObjectPtr> make_object(std::string key, Revision revision, std::string_view json);

/// The bytes that storage keeps: without the resourceVersion, which is known by the commit only.
std::string stored_bytes(const boost::json::object& object);

/// The kind part of a key: "services" of "services/default/web".
std::string_view collection_of(std::string_view key);

}  // namespace fairlead::store
