// Requests as the tests of CNI begin with: good ones, from which each test takes or changes a part.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "cni/request.hpp"

namespace fairlead::cni {

inline Environment environment_of(const std::string& command) {
  return {.command = command,
          .container = "0123abcd",
          .netns = "/run/netns/pod-1",
          .interface = "eth0",
          .args = "",
          .path = "/opt/cni/bin"};
}

/// A configuration with `more` members, {"key": …} without the braces.
inline std::string config_of(const std::string& more = "", const std::string& version = "1.1.0") {
  return R"({"cniVersion": ")" + version + R"(", "name": "pods", "type": "fairlead-cni")" +
         (more.empty() ? "" : ", " + more) + "}";
}

inline Request add_request(const std::string& more = "", const std::string& version = "1.1.0") {
  return parse_request(environment_of("ADD"), config_of(more, version)).value();
}

inline boost::json::object object_of(const std::string& text) {
  return boost::json::parse(text).as_object();
}

inline podnet::Attachment attachment() {
  podnet::Attachment made;
  made.key = {"pods", "0123abcd", "eth0"};
  made.ips = {parse_ip("10.244.1.5").value(), parse_ip("fd00:244:1::5").value()};
  made.pod_mac = {2, 0, 0, 0, 0, 5};
  made.host_mac = {2, 0, 0, 0, 0, 6};
  made.host_link = "fl-0123456789ab";
  made.mtu = 1450;
  return made;
}

}  // namespace fairlead::cni
