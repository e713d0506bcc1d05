// What an ADD answers, and what a CHECK compares with it.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>

#include "cni/request.hpp"
#include "dataplane/podnet/attachment.hpp"

namespace fairlead::cni {

/// The result in the request's version: both ends of the link, the pod's addresses with the
/// link-local gateway, default routes, dns. Behind another plugin's result (prevResult) ours is
/// added to it.
boost::json::object result_of(const podnet::Attachment& attachment, const Request& request);

/// What prevResult should say of the attachment and does not; nullopt: nothing. More than ours may
/// be in it: later plugins add to it.
std::optional<std::string> find_difference(const boost::json::object& previous,
                                           const podnet::Attachment& attachment,
                                           const std::string& sandbox);

}  // namespace fairlead::cni
