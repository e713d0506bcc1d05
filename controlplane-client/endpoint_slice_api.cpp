// GET /apis/discovery.k8s.io -> the best version that we know too.
#include "controlplane-client/endpoint_slice_api.hpp"

#include <algorithm>

#include "controlplane-client/object_meta.hpp"

namespace fairlead::client {
namespace {

constexpr std::array<std::string_view, 2> kVersions{"discovery.k8s.io/v1",
                                                    "discovery.k8s.io/v1beta1"};

std::string best_version(const boost::json::value& group) {
  const boost::json::array* offered = member(group, "versions").if_array();
  if (offered == nullptr) return {};
  for (const std::string_view version : kVersions) {
    const bool found = std::any_of(offered->begin(), offered->end(), [version](const auto& entry) {
      return text_member(entry, "groupVersion") == version;
    });
    if (found) return std::string(version);
  }
  return {};
}

}  // namespace

Awaitable<Result<std::string>> EndpointSliceApi::path() {
  if (version_.empty()) {
    auto group = co_await client_.get("/apis/discovery.k8s.io");
    if (!group && is_status(group.error(), 403)) {
      // Whoever may not look may still read: every server since 1.21 has v1.
      version_ = kVersions.front();
    } else if (!group) {
      co_return tl::unexpected(
          prefix("find the version of EndpointSlices", std::move(group).error()));
    } else {
      version_ = best_version(*group);
    }
  }
  if (version_.empty()) {
    co_return invalid("the server has no EndpointSlices: neither discovery.k8s.io/v1 nor v1beta1");
  }
  co_return "/apis/" + version_ + "/endpointslices";
}

}  // namespace fairlead::client
