// fairlead.io/v1alpha1 AddressPool: JSON -> model.
#include <algorithm>
#include <utility>

#include "objects/bgp_objects.hpp"
#include "objects/custom_object.hpp"
#include "objects/metadata.hpp"

namespace fairlead {

namespace json = boost::json;

namespace {

constexpr std::string_view kKind = "AddressPool";
constexpr std::size_t kMostRanges = 1000;

void add_range(std::string_view text, const Path& path, ProblemList& problems,
               std::vector<IpRange>& ranges) {
  auto range = parse_ip_range(text);
  if (!range) return problems.add(path, std::move(range.error().doing));
  if (auto checked = check_pool_range(*range); !checked) {
    return problems.add(path, quoted(text) + ": " + checked.error().doing);
  }
  const auto other =
      std::ranges::find_if(ranges, [&](const IpRange& before) { return before.overlaps(*range); });
  if (other != ranges.end()) {
    return problems.add(path, quoted(text) + " overlaps with " + to_string(*other));
  }
  ranges.push_back(*range);
}

Announce decode_announce(const Fields& spec) {
  const auto text = spec.text("announce");
  if (!text || *text == "BGP") return Announce::kBgp;
  if (*text == "Layer2") return Announce::kLayer2;
  if (*text != "None") {
    spec.problems().add(spec.path() / "announce", quoted(*text) + " must be BGP, Layer2 or None");
  }
  return Announce::kNone;
}

}  // namespace

Result<Decoded<AddressPool>> decode_address_pool(const json::value& json) {
  TRY(const auto metadata, decode_metadata(json, kKind, Namespaced::kNo));
  const std::string object = describe(kKind, metadata.name);
  TRY(const auto* section, spec_of(json, object));
  Spec spec(*section, object);
  AddressPool pool;
  pool.name = metadata.name.name;
  spec.may.for_each_text("addresses", kMostRanges, [&](std::string_view text, const Path& path) {
    add_range(text, path, spec.may.problems(), pool.ranges);
  });
  pool.auto_assign = spec.must.boolean("autoAssign").value_or(true);
  pool.avoid_buggy_ips = spec.must.boolean("avoidBuggyIPs").value_or(false);
  pool.services = decode_selector(spec.must, "serviceSelector");
  pool.namespaces = decode_names(spec.must, "namespaces");
  pool.announce = decode_announce(spec.must);
  TRY_VOID(spec.check());
  auto problems = spec.take_problems();
  if (pool.ranges.empty()) {
    const std::string why = problems.empty() ? "missing" : problems.front().message;
    return invalid(object + ": spec.addresses: no usable range: " + why);
  }
  return Decoded<AddressPool>{std::move(pool), std::move(problems)};
}

}  // namespace fairlead
