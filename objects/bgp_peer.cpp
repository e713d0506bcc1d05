// fairlead.io/v1alpha1 BGPPeer: JSON -> model.
#include <array>
#include <limits>
#include <utility>

#include "objects/bgp_objects.hpp"
#include "objects/custom_object.hpp"
#include "objects/metadata.hpp"

namespace fairlead {

namespace json = boost::json;

namespace {

constexpr std::string_view kKind = "BGPPeer";
constexpr std::int64_t kHighestAsn = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t kLongestRestart = 4095;  // 12 bits in the capability, RFC 4724 3
constexpr std::size_t kMostRules = 1000;

Ip decode_address(const Fields& spec) {
  const auto text = spec.text("address");
  if (!text) {
    spec.problems().add(spec.path() / "address", "missing");
    return {};
  }
  auto ip = parse_ip(*text);
  if (!ip) {
    spec.problems().add(spec.path() / "address", std::move(ip.error().doing));
    return {};
  }
  if (ip->is_unspecified() || ip->is_loopback() || ip->is_link_local() || ip->is_multicast()) {
    spec.problems().add(spec.path() / "address", quoted(*text) + " is no router's address");
  }
  return *ip;
}

std::optional<SecretKey> decode_password(const Fields& spec) {
  constexpr std::size_t kLongest = 253;
  const auto* section = spec.object("passwordSecretRef");
  if (section == nullptr) return std::nullopt;
  const Path path = spec.path() / "passwordSecretRef";
  const Fields fields(*section, path, spec.problems());
  const auto part = [&](std::string_view key, std::string_view fallback) {
    const auto text = fields.short_text(key, kLongest);
    if (text && !text->empty()) return std::string(*text);
    if (fallback.empty()) spec.problems().add(path / key, "missing");
    return std::string(fallback);
  };
  SecretKey secret;
  secret.secret = {part("namespace", ""), part("name", "")};
  secret.key = part("key", "password");
  return secret;
}

std::optional<BgpRole> decode_role(const Fields& spec) {
  const auto text = spec.text("role");
  if (!text || text->empty()) return std::nullopt;
  for (const auto role : {BgpRole::kProvider, BgpRole::kRouteServer, BgpRole::kRouteServerClient,
                          BgpRole::kCustomer, BgpRole::kPeer}) {
    if (*text == to_string(role)) return role;
  }
  spec.problems().add(spec.path() / "role", quoted(*text) +
                                                " must be Provider, RouteServer, "
                                                "RouteServerClient, Customer or Peer");
  return std::nullopt;
}

std::optional<Bfd> decode_bfd(const Fields& spec) {
  const auto* section = spec.object("bfd");
  if (section == nullptr) return std::nullopt;
  const Path path = spec.path() / "bfd";
  const Fields fields(*section, path, spec.problems());
  if (!fields.boolean("enabled").value_or(true)) return std::nullopt;
  Bfd bfd;
  if (const auto interval = bounded(fields, "intervalMilliseconds", 10, 60'000)) {
    bfd.interval = std::chrono::milliseconds(*interval);
  }
  if (const auto multiplier = bounded(fields, "multiplier", 2, 255)) {
    bfd.multiplier = static_cast<std::uint8_t>(*multiplier);
  }
  return bfd;
}

/// Without bounds the prefix itself is meant; with one of them, what lies between it and the end.
void decode_rule(const Fields& fields, std::vector<PrefixRule>& rules) {
  const auto text = fields.text("prefix");
  if (!text) return fields.problems().add(fields.path() / "prefix", "missing");
  auto prefix = parse_cidr(*text);
  if (!prefix) return fields.problems().add(fields.path() / "prefix", prefix.error().doing);
  const std::int64_t longest = prefix->family() == Family::kIpv4 ? 32 : 128;
  const bool said_least = fields.find("minLength") != nullptr;
  const bool said_most = fields.find("maxLength") != nullptr;
  const auto least = bounded(fields, "minLength", prefix->length, longest);
  const auto most = bounded(fields, "maxLength", least.value_or(prefix->length), longest);
  if ((said_least && !least) || (said_most && !most)) return;
  const std::int64_t end = most.value_or(said_least ? longest : prefix->length);
  rules.push_back({*prefix, static_cast<std::uint8_t>(least.value_or(prefix->length)),
                   static_cast<std::uint8_t>(end)});
}

void decode_families(const Fields& spec, BgpPeer& peer) {
  const auto* list = spec.array("families");
  if (list == nullptr || list->empty()) return;
  peer.ipv4 = peer.ipv6 = false;
  spec.for_each_text("families", 2, [&](std::string_view text, const Path& path) {
    if (text == "IPv4") {
      peer.ipv4 = true;
    } else if (text == "IPv6") {
      peer.ipv6 = true;
    } else {
      spec.problems().add(path, quoted(text) + " must be IPv4 or IPv6");
    }
  });
}

void decode_identity(const Fields& must, BgpPeer& peer) {
  peer.address = decode_address(must);
  peer.port.host = static_cast<std::uint16_t>(bounded(must, "port", 1, 65535).value_or(179));
  if (must.find("asn") == nullptr) must.problems().add(must.path() / "asn", "missing");
  peer.asn = static_cast<std::uint32_t>(bounded(must, "asn", 1, kHighestAsn).value_or(0));
  if (const auto asn = bounded(must, "localASN", 1, kHighestAsn)) {
    peer.local_asn = static_cast<std::uint32_t>(*asn);
  }
  peer.nodes = decode_selector(must, "nodeSelector");
  peer.password = decode_password(must);
  const auto hops = bounded(must, "ebgpMultihop", 1, 255);
  peer.ebgp_multihop = static_cast<std::uint8_t>(hops.value_or(1));
  peer.ttl_security = must.boolean("ttlSecurity").value_or(false);
  if (peer.ttl_security && peer.ebgp_multihop > 1) {
    must.problems().add(must.path() / "ttlSecurity", "may not be set together with ebgpMultihop");
  }
  decode_families(must, peer);
  peer.route_reflector_client = must.boolean("routeReflectorClient").value_or(false);
  peer.role = decode_role(must);
}

void decode_times(const Fields& may, BgpPeer& peer) {
  if (const auto hold = bounded(may, "holdTimeSeconds", 0, 65535)) {
    if (*hold == 1 || *hold == 2) {
      may.problems().add(may.path() / "holdTimeSeconds", "must be 0, or 3 at least; 90 is used");
    } else {
      peer.hold_time = std::chrono::seconds(*hold);
    }
  }
  if (const auto keepalive = bounded(may, "keepaliveSeconds", 1, 21845)) {
    if (std::chrono::seconds(*keepalive) >= peer.hold_time && peer.hold_time.count() > 0) {
      may.problems().add(may.path() / "keepaliveSeconds",
                         "must be less than the hold time; a third of it is used");
    } else {
      peer.keepalive = std::chrono::seconds(*keepalive);
    }
  }
  if (const auto retry = bounded(may, "connectRetrySeconds", 1, 65535)) {
    peer.connect_retry = std::chrono::seconds(*retry);
  }
  if (const auto restart = bounded(may, "gracefulRestartSeconds", 0, kLongestRestart)) {
    peer.graceful_restart = std::chrono::seconds(*restart);
  }
  peer.bfd = decode_bfd(may);
}

}  // namespace

Result<Decoded<BgpPeer>> decode_bgp_peer(const json::value& json) {
  TRY(const auto metadata, decode_metadata(json, kKind, Namespaced::kNo));
  const std::string object = describe(kKind, metadata.name);
  TRY(const auto* section, spec_of(json, object));
  Spec spec(*section, object);
  BgpPeer peer;
  peer.name = metadata.name.name;
  decode_identity(spec.must, peer);
  TRY_VOID(spec.check());
  decode_times(spec.may, peer);
  peer.passive = spec.may.boolean("passive").value_or(false);
  peer.next_hop_self = spec.may.boolean("nextHopSelf").value_or(false);
  if (const auto most = bounded(spec.may, "maxPrefixes", 1, kHighestAsn)) {
    peer.max_prefixes = static_cast<std::uint32_t>(*most);
  }
  spec.may.for_each_object("importPrefixes", kMostRules,
                           [&](const Fields& rule) { decode_rule(rule, peer.imports); });
  return Decoded<BgpPeer>{std::move(peer), spec.take_problems()};
}

}  // namespace fairlead
