// The agent's answers as tables for people.
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace fairlead::cli {

std::string status_view(const boost::json::value& status);
std::string drops_view(const boost::json::value& drops);
std::string services_view(const boost::json::value& services);
std::string explain_view(const boost::json::value& explanation);

}  // namespace fairlead::cli
