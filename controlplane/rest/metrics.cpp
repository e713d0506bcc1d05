// Label values are our own words (verbs, resources of the table), so they need no escaping.
#include "controlplane/rest/metrics.hpp"

#include <fmt/format.h>

#include <iterator>

namespace fairlead::rest {

std::string Metrics::render(const store::Store& store, std::size_t connections) const {
  std::string text;
  const auto out = std::back_inserter(text);
  text +=
      "# HELP apiserver_request_total Requests answered.\n"
      "# TYPE apiserver_request_total counter\n";
  for (const auto& [labels, count] : requests_) {
    const auto& [verb, resource, code] = labels;
    fmt::format_to(out, "apiserver_request_total{{verb=\"{}\",resource=\"{}\",code=\"{}\"}} {}\n",
                   verb, resource, code, count);
  }
  text +=
      "# HELP apiserver_storage_objects Objects stored.\n"
      "# TYPE apiserver_storage_objects gauge\n";
  for (const auto& size : store.sizes()) {
    fmt::format_to(out, "apiserver_storage_objects{{resource=\"{}\"}} {}\n", size.name,
                   size.objects);
  }
  text +=
      "# HELP apiserver_longrunning_requests Watches that are open.\n"
      "# TYPE apiserver_longrunning_requests gauge\n";
  for (const auto& size : store.sizes()) {
    fmt::format_to(out, "apiserver_longrunning_requests{{verb=\"WATCH\",resource=\"{}\"}} {}\n",
                   size.name, size.watchers);
  }
  fmt::format_to(out,
                 "# HELP fairlead_controlplane_revision The newest resourceVersion.\n"
                 "# TYPE fairlead_controlplane_revision counter\n"
                 "fairlead_controlplane_revision {}\n"
                 "# HELP fairlead_controlplane_connections Connections that are open.\n"
                 "# TYPE fairlead_controlplane_connections gauge\n"
                 "fairlead_controlplane_connections {}\n",
                 store.revision(), connections);
  return text;
}

}  // namespace fairlead::rest
