// process_*: what every Prometheus exporter says of its own process.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

namespace fairlead {

/// Read from /proc/self and getrusage(2). What cannot be read is left out.
std::vector<prometheus::MetricFamily> process_metrics();

}  // namespace fairlead
