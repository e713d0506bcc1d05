// Questions that a client asks about itself: `kubectl auth can-i`, `kubectl auth whoami`.
#pragma once

#include "controlplane/rest/access.hpp"
#include "controlplane/rest/route.hpp"
#include "http/message.hpp"

namespace fairlead::rest {

http::Response answer_review(const http::Request& request, const Route& route,
                             const Identity& identity);

}  // namespace fairlead::rest
