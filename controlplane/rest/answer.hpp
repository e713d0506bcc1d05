// JSON answers of the API: objects, Status refusals, plain text.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/api/status.hpp"
#include "http/message.hpp"

namespace fairlead::rest {

http::Response json_answer(unsigned status, std::string body);
http::Response json_answer(unsigned status, const boost::json::object& body);
http::Response text_answer(unsigned status, std::string_view body);
http::Response refusal(const api::StatusError& error);

/// The `Warning: 299 - "…"` headers that kubectl prints.
void add_warnings(http::Response& response, const std::vector<std::string>& warnings);

/// Makes the JSON body readable if the client asks (?pretty, or it is curl, wget or a browser), and
/// packs a large body for clients that accept gzip. Streams stay as they are.
void finish(const http::Request& request, http::Response& response);

/// Two blanks a level, as `kubectl get -o json` prints.
std::string pretty_json(const boost::json::value& value);

}  // namespace fairlead::rest
