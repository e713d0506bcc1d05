// One reader a capability.
#include "cni/runtime_config.hpp"

#include <algorithm>

#include "dataplane/podnet/addresses.hpp"
#include "model/quoted.hpp"

namespace fairlead::cni {

namespace json = boost::json;

namespace {

Outcome<Port> read_port(const Fields& mapping, std::string_view key) {
  TRY(const std::uint64_t number, mapping.number(key));
  if (number == 0 || number > 65535) {
    return wrong_field(mapping.path_of(key), "not a port from 1 to 65535");
  }
  return Port{static_cast<std::uint16_t>(number)};
}

/// In any case of letters; TCP where it is not said.
Outcome<Protocol> read_protocol(const Fields& mapping) {
  TRY(const auto text, mapping.string("protocol"));
  if (!text || text->empty()) return Protocol::kTcp;
  std::string upper(*text);
  std::ranges::transform(upper, upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  const auto protocol = parse_protocol(upper);
  if (!protocol) return wrong_field(mapping.path_of("protocol"), protocol.error().doing);
  return *protocol;
}

/// "", 0.0.0.0 and :: are every address of the node.
Outcome<std::optional<Ip>> read_host_ip(const Fields& mapping) {
  TRY(const auto text, mapping.string("hostIP"));
  if (!text || text->empty()) return std::nullopt;
  const auto ip = parse_ip(*text);
  if (!ip) return wrong_field(mapping.path_of("hostIP"), ip.error().doing);
  return ip->is_unspecified() ? std::nullopt : std::optional(*ip);
}

Outcome<std::vector<podnet::PortMapping>> read_port_mappings(const Fields& runtime) {
  std::vector<podnet::PortMapping> mappings;
  TRY(const auto list, runtime.array("portMappings"));
  if (list == nullptr) return mappings;
  for (std::size_t i = 0; i < list->size(); ++i) {
    TRY(const Fields entry, as_fields((*list)[i], path_of(runtime.path_of("portMappings"), i)));
    podnet::PortMapping mapping;
    TRY(mapping.host_port, read_port(entry, "hostPort"));
    TRY(mapping.pod_port, read_port(entry, "containerPort"));
    TRY(mapping.protocol, read_protocol(entry));
    TRY(mapping.host_ip, read_host_ip(entry));
    mappings.push_back(mapping);
  }
  return mappings;
}

Outcome<Ip> read_bound(const Fields& range, const char* key, const Ip& usual,
                       const IpRange& usable) {
  TRY(const auto text, range.string(key));
  if (!text || text->empty()) return usual;
  const auto ip = parse_ip(*text);
  if (!ip) return wrong_field(range.path_of(key), ip.error().doing);
  if (!usable.contains(*ip))
    return wrong_field(range.path_of(key), to_string(*ip) + " is none of " + to_string(usable));
  return *ip;
}

/// Appends the range to `set`: whole, or the part of it that is asked for.
Outcome<> read_range(const json::value& value, const std::string& path, podnet::RangeSet& set) {
  TRY(const Fields range, as_fields(value, path));
  TRY(const auto subnet, range.string("subnet"));
  if (!subnet) return wrong_field(path, "needs subnet");
  const auto cidr = parse_cidr(*subnet);
  if (!cidr) return wrong_field(range.path_of("subnet"), cidr.error().doing);
  const IpRange usable = podnet::usable_range(*cidr);
  IpRange part;
  TRY(part.first, read_bound(range, "rangeStart", usable.first, usable));
  TRY(part.last, read_bound(range, "rangeEnd", usable.last, usable));
  if (part.last < part.first)
    return wrong_field(range.path_of("rangeEnd"), "before rangeStart " + to_string(part.first));
  if (part == usable)
    set.subnets.push_back(*cidr);
  else
    set.parts.push_back(part);
  return {};
}

Outcome<podnet::RangeSet> read_range_set(const json::value& value, const std::string& path) {
  const auto* ranges = value.if_array();
  if (ranges == nullptr || ranges->empty()) return wrong_field(path, "not a list of ranges");
  podnet::RangeSet set;
  for (std::size_t i = 0; i < ranges->size(); ++i)
    if (auto read = read_range((*ranges)[i], path_of(path, i), set); !read)
      return tl::unexpected(std::move(read).error());
  const auto is_other = [&](const auto& range) { return range.family() != set.family(); };
  if (std::ranges::any_of(set.subnets, is_other) || std::ranges::any_of(set.parts, is_other))
    return wrong_field(path, "ranges of two families");
  return set;
}

/// A list of sets of ranges: each set gives one address, and a pod has one of each family.
Outcome<std::vector<podnet::RangeSet>> read_ip_ranges(const Fields& runtime) {
  std::vector<podnet::RangeSet> sets;
  TRY(const auto list, runtime.array("ipRanges"));
  if (list == nullptr) return sets;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string path = path_of(runtime.path_of("ipRanges"), i);
    TRY(auto set, read_range_set((*list)[i], path));
    if (std::ranges::find(sets, set.family(), &podnet::RangeSet::family) != sets.end())
      return wrong_field(path, "a second set of ranges of the same family");
    sets.push_back(std::move(set));
  }
  return sets;
}

Outcome<podnet::Bandwidth> read_bandwidth(const Fields& runtime) {
  podnet::Bandwidth bandwidth;
  TRY(const auto fields, runtime.object("bandwidth"));
  if (!fields) return bandwidth;
  TRY(bandwidth.ingress_rate, fields->number("ingressRate"));
  TRY(bandwidth.ingress_burst, fields->number("ingressBurst"));
  TRY(bandwidth.egress_rate, fields->number("egressRate"));
  TRY(bandwidth.egress_burst, fields->number("egressBurst"));
  return bandwidth;
}

}  // namespace

Outcome<> read_runtime_config(const Fields& runtime, podnet::AttachmentRequest& attachment) {
  TRY(attachment.port_mappings, read_port_mappings(runtime));
  TRY(attachment.ip_ranges, read_ip_ranges(runtime));
  TRY(attachment.bandwidth, read_bandwidth(runtime));
  return {};
}

}  // namespace fairlead::cni
