// NodeAgent's three tables of pages: health, metrics and admin.
#include <boost/json.hpp>
#include <charconv>

#include "agent/bgp/status_json.hpp"
#include "agent/config_json.hpp"
#include "agent/explain.hpp"
#include "agent/node_agent.hpp"
#include "agent/pages.hpp"
#include "agent/plan_json.hpp"
#include "http/query.hpp"

namespace fairlead {
namespace {

namespace json = boost::json;

Now now() {
  return {.steady = std::chrono::steady_clock::now(),
          .wall = std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now())};
}

http::Response error_page(const Error& error) {
  return json_page(json::serialize(json::object{{"error", error.doing}}), 400);
}

/// source=10.244.1.5&destination=10.96.0.10&port=80&protocol=TCP
Result<Packet> parse_packet(const http::Request& request) {
  TRY(const auto query, http::Query::parse(request.query));
  const auto get = [&query](std::string_view name) { return query.get(name).value_or(""); };
  Packet packet;
  TRY(packet.source, parse_ip(get("source")));
  TRY(packet.destination, parse_ip(get("destination")));
  std::int64_t port = 0;
  const std::string_view digits = get("port");
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size())
    return invalid("port: not a number");
  TRY(packet.port, make_port(port));
  TRY(packet.protocol, parse_protocol(get("protocol")));
  if (packet.source.family() != packet.destination.family())
    return invalid("source and destination are of two families");
  return packet;
}

}  // namespace

http::Response NodeAgent::health_page(bool is_healthz, const HealthAnswer& answer) {
  metrics_.answered_health(is_healthz, answer.ok);
  return json_page(answer.body, answer.ok ? 200 : 503);
}

http::Handler NodeAgent::health_pages() {
  return serve(
      {{"/healthz", [this](const auto&) { return health_page(true, health_.healthz(now())); }},
       {"/livez", [this](const auto&) { return health_page(false, health_.livez(now())); }},
       {"/readyz", [this](const auto&) {
          const HealthAnswer answer = health_.readyz(now());
          return json_page(answer.body, answer.ok ? 200 : 503);
        }}});
}

std::string NodeAgent::metrics_text() {
  metrics_.set_plan(planner_);
  metrics_.set_pending(planner_, reconciler_);
  metrics_.set_problems(problems_.size());
  if (const auto figures = datapath_->figures())
    metrics_.set_figures(*figures);
  else
    log_.warn("cannot read the datapath's figures", {{"error", figures.error()}});
  if (const auto layer2 = layer2_.figures()) metrics_.set_layer2(*layer2);
  for (const client::Resource resource : client::kResources)
    metrics_.set_watch(resource, watch_.status(resource));
  return metrics_.text();
}

http::Handler NodeAgent::metrics_pages() {
  return serve(
      {{.path = "/metrics", .answer = {}, .ask = [this](const auto&) { return metrics_page(); }},
       {"/healthz", [](const auto&) { return text_page("ok"); }},
       {"/proxyMode", [this](const auto&) { return text_page(std::string(datapath_->name())); }},
       {"/configz",
        [this](const auto&) { return json_page(json::serialize(config_json(config_))); }}});
}

http::Handler NodeAgent::admin_pages() {
  return serve_owner(
      {{"/v1/status",
        [this](const auto&) {
          const auto figures = datapath_->figures();
          auto status = status_json({.build = build_,
                                     .node = config_.node_name,
                                     .datapath = datapath_->name(),
                                     .figures = figures,
                                     .started = started_,
                                     .watch = watch_,
                                     .planner = planner_,
                                     .reconciler = reconciler_,
                                     .health = health_,
                                     .problems = problems_,
                                     .history = history_,
                                     .layer2 = layer2_.json()},
                                    now());
          if (bgp_) status["bgp"] = bgp::status_json(bgp_->status());
          return json_page(json::serialize(status));
        }},
       {.path = "/v1/bgp/peers",
        .answer = {},
        .ask = [this](const auto& request) { return bgp_page(request); }},
       {.path = "/v1/bgp/routes",
        .answer = {},
        .ask = [this](const auto& request) { return bgp_page(request); }},
       {.path = "/v1/bgp/drain",
        .answer = [this](const auto&) { return drain_page(); },
        .is_order = true},
       {"/v1/services",
        [this](const auto&) {
          return json_page(
              json::serialize(json::object{{"services", services_json(planner_.plan())}}));
        }},
       {"/v1/drops", [this](const auto&) { return drops_page(); }},
       {"/v1/explain", [this](const http::Request& request) { return explain_page(request); }}});
}

http::Response NodeAgent::drops_page() {
  auto taken = datapath_->take_drops();
  if (!taken) return error_page(taken.error());
  drops_.add(std::move(*taken));
  return json_page(json::serialize(drops_.json(now())));
}

http::Response NodeAgent::explain_page(const http::Request& request) {
  const auto packet = parse_packet(request);
  if (!packet) return error_page(packet.error());
  const Explanation explanation = explain(planner_.plan(), local_addresses_, *packet);
  // An ephemeral port: the first packet of a connection that does not exist.
  const auto trace = datapath_->trace({.source = packet->source,
                                       .destination = packet->destination,
                                       .source_port = Port{65535},
                                       .destination_port = packet->port,
                                       .protocol = packet->protocol});
  return json_page(json::serialize(to_json(*packet, explanation, trace)));
}

}  // namespace fairlead
