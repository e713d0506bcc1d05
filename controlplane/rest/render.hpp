// Objects in the form that the client asked for: as they are, as rows of a Table, or their metadata
// only.
#pragma once

#include <string>
#include <string_view>

#include "controlplane/api/resource.hpp"
#include "controlplane/api/table.hpp"
#include "controlplane/rest/negotiation.hpp"
#include "controlplane/store/store.hpp"
#include "model/object.hpp"

namespace fairlead::rest {

struct Rendering {
  const api::ResourceType* type = nullptr;
  ObjectForm form;
  api::IncludeObject include = api::IncludeObject::kMetadata;
  Time now;
};

/// JSON of one object.
std::string render_object(const Rendering& how, const store::Object& object);
/// The same for an object that is not stored like this (the answer to a write, a last state).
std::string render_object(const Rendering& how, const boost::json::object& object);
/// JSON of a list. `continue_token` may be "".
std::string render_list(const Rendering& how, const store::Page& page,
                        std::string_view continue_token, bool show_remaining);

/// One object of a watch: a Table has its columns in the first event only.
std::string render_event_object(const Rendering& how, const boost::json::object* converted,
                                const store::Object& object, bool first);

/// A BOOKMARK's object. `initial_events_end`: the state as of the start of the watch has been sent.
std::string render_bookmark(const Rendering& how, store::Revision revision,
                            bool initial_events_end);

}  // namespace fairlead::rest
