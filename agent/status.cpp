// Everything that the agent knows of itself -> one JSON object.
#include "agent/status.hpp"

#include <unistd.h>

#include <boost/json/array.hpp>

#include "objects/decode.hpp"

namespace fairlead {
namespace {

namespace json = boost::json;

json::array watches_json(const client::ClusterWatch& watch, SteadyTime now) {
  json::array rows;
  for (const client::Resource resource : client::kResources) {
    const client::ResourceStatus& status = watch.status(resource);
    json::object row{{"resource", client::to_string(resource)},
                     {"state", client::to_string(status.state)},
                     {"synced", status.synced},
                     {"objects", status.objects},
                     {"lists", status.lists},
                     {"watches", status.watches},
                     {"events", status.events},
                     {"errors", status.errors}};
    if (status.last_contact != SteadyTime{}) {
      row["lastContactSeconds"] = std::chrono::duration<double>(now - status.last_contact).count();
    }
    row["lastError"] = status.last_error;
    rows.push_back(std::move(row));
  }
  return rows;
}

json::array problems_json(const std::vector<Problem>& problems) {
  json::array rows;
  for (const Problem& problem : problems) {
    rows.push_back(json::object{
        {"object", problem.object}, {"field", problem.field}, {"message", problem.message}});
  }
  return rows;
}

json::object figures_json(const Result<DatapathFigures>& figures) {
  if (!figures) return {{"error", figures.error().doing}};
  json::array tables, counters;
  for (const TableFigure& table : figures->tables) {
    const double share = table.capacity == 0 ? 0.0
                                             : 100.0 * static_cast<double>(table.used) /
                                                   static_cast<double>(table.capacity);
    tables.push_back(json::object{{"table", table.name},
                                  {"used", table.used},
                                  {"capacity", table.capacity},
                                  {"percent", share},
                                  {"bytes", table.bytes}});
  }
  for (const CounterFigure& counter : figures->counters)
    counters.push_back(json::object{
        {"event", counter.name}, {"reason", counter.reason}, {"count", counter.value}});
  return {{"tables", std::move(tables)}, {"events", std::move(counters)}};
}

}  // namespace

json::object status_json(const StatusParts& parts, Now now) {
  const PlanSize size = measure(parts.planner.plan());
  const SyncHistory& history = parts.history;
  const auto pending = parts.reconciler.pending_since();
  json::object sync{
      {"synced", parts.reconciler.is_synced()},
      {"lastSuccess", history.last_success ? format_micro_time(*history.last_success) : ""},
      {"lastError", history.last_error},
      {"syncs", history.syncs},
      {"resyncs", history.resyncs},
      {"failures", history.failures},
      {"foreignChanges", history.foreign_changes},
      {"repairsHeldBack", parts.reconciler.is_repair_limited()},
      {"pendingSeconds",
       pending ? std::chrono::duration<double>(now.steady - *pending).count() : 0.0}};
  json::object status{
      {"node", parts.node},
      {"version", parts.build.version},
      {"commit", parts.build.commit},
      {"pid", ::getpid()},
      {"started", format_time(parts.started)},
      {"datapath", parts.datapath},
      {"ready", parts.health.readyz(now).ok},
      {"live", parts.health.is_live(now)},
      {"nodeEligible", parts.health.is_node_eligible()},
      {"apiServer", json::object{{"server", parts.watch.server()},
                                 {"watches", watches_json(parts.watch, now.steady)}}},
      {"sync", std::move(sync)},
      {"programmed", json::object{{"services", size.services},
                                  {"frontends", size.frontends},
                                  {"backends", size.backends}}},
      {"figures", figures_json(parts.figures)},
      {"problems", problems_json(parts.problems.all())}};
  if (parts.layer2) status["layer2"] = *parts.layer2;
  return status;
}

}  // namespace fairlead
