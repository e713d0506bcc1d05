// fairlead.io/v1alpha1 BGPAdvertisement: JSON -> model.
#include <limits>
#include <utility>

#include "objects/bgp_objects.hpp"
#include "objects/custom_object.hpp"
#include "objects/metadata.hpp"

namespace fairlead {

namespace json = boost::json;

namespace {

constexpr std::string_view kKind = "BGPAdvertisement";
constexpr std::size_t kMostRoutes = 16, kMostCommunities = 63;
constexpr std::int64_t kHighest = std::numeric_limits<std::uint32_t>::max();

void decode_routes(const Fields& spec, BgpAdvertisement& advertisement) {
  spec.for_each_text("routes", kMostRoutes, [&](std::string_view text, const Path& path) {
    if (text == "PodCIDR") {
      advertisement.pod_cidrs = true;
    } else if (text == "ClusterIP") {
      advertisement.cluster_ips = true;
    } else if (text == "ExternalIP") {
      advertisement.external_ips = true;
    } else if (text == "LoadBalancerIP") {
      advertisement.load_balancer_ips = true;
    } else {
      spec.problems().add(
          path, quoted(text) + " must be PodCIDR, ClusterIP, ExternalIP or LoadBalancerIP");
    }
  });
}

std::optional<std::uint32_t> decode_preference(const Fields& spec, std::string_view key) {
  const auto number = bounded(spec, key, 0, kHighest);
  if (!number) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

std::uint8_t decode_small(const Fields& spec, std::string_view key, std::int64_t most,
                          std::int64_t fallback) {
  return static_cast<std::uint8_t>(bounded(spec, key, 0, most).value_or(fallback));
}

}  // namespace

Result<Decoded<BgpAdvertisement>> decode_bgp_advertisement(const json::value& json) {
  TRY(const auto metadata, decode_metadata(json, kKind, Namespaced::kNo));
  const std::string object = describe(kKind, metadata.name);
  TRY(const auto* section, spec_of(json, object));
  Spec spec(*section, object);
  BgpAdvertisement advertisement;
  advertisement.name = metadata.name.name;
  decode_routes(spec.may, advertisement);
  advertisement.pools = decode_names(spec.must, "pools");
  advertisement.peers = decode_names(spec.must, "peers");
  advertisement.services = decode_selector(spec.must, "serviceSelector");
  advertisement.nodes = decode_selector(spec.must, "nodeSelector");
  spec.must.for_each_text("communities", kMostCommunities,
                          [&](std::string_view text, const Path& path) {
                            auto added = advertisement.communities.add(text);
                            if (!added) spec.must.problems().add(path, added.error().doing);
                          });
  TRY_VOID(spec.check());
  advertisement.local_preference = decode_preference(spec.may, "localPreference");
  advertisement.med = decode_preference(spec.may, "med");
  advertisement.as_path_prepend = decode_small(spec.may, "asPathPrepend", 10, 0);
  advertisement.aggregation_length_v4 = decode_small(spec.may, "aggregationLength", 32, 32);
  advertisement.aggregation_length_v6 = decode_small(spec.may, "aggregationLengthV6", 128, 128);
  const bool announces = advertisement.pod_cidrs || advertisement.cluster_ips ||
                         advertisement.external_ips || advertisement.load_balancer_ips;
  if (!announces) return invalid(object + ": spec.routes: names nothing to announce");
  return Decoded<BgpAdvertisement>{std::move(advertisement), spec.take_problems()};
}

}  // namespace fairlead
