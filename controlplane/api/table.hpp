// Table answers: what `kubectl get` prints, columns as kubectl's users know them.
#pragma once

#include <boost/json.hpp>

#include "controlplane/api/resource.hpp"
#include "model/object.hpp"

namespace fairlead::api {

/// meta/v1 TableColumnDefinitions; priority 1 shows with -o wide only.
boost::json::array table_columns(const ResourceType& type);

/// ?includeObject=: what the row carries next to its cells.
enum class IncludeObject { kNone, kMetadata, kObject };

/// A meta/v1 TableRow. `now` makes ages.
boost::json::object table_row(const ResourceType& type, const boost::json::object& object, Time now,
                              IncludeObject include = IncludeObject::kMetadata);

/// "5s", "3m20s", "4h", "2d": a duration in the few letters that kubectl uses.
std::string human_duration(Time from, Time now);

}  // namespace fairlead::api
