// Counts <-> a line of JSON.
#include "bench/load/wire.hpp"

#include <boost/json.hpp>

#include "bench/load/json_numbers.hpp"
#include "model/quoted.hpp"

namespace fairlead::bench {
namespace json = boost::json;

std::string to_line(const Counts& counts) {
  return json::serialize(json::object{{"accepted", counts.accepted},
                                      {"receivedBytes", counts.received_bytes},
                                      {"datagrams", counts.datagrams},
                                      {"cpuSeconds", counts.cpu_seconds}}) +
         "\n";
}

Result<Counts> parse_counts(std::string_view line) {
  while (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  boost::system::error_code error;
  const json::value value = json::parse(line, error);
  if (error || !value.is_object())
    return invalid("the server's answer is not understood: " + quoted(line));
  const json::object& object = value.get_object();
  Counts counts;
  TRY_VOID(read_number(object, "accepted", counts.accepted));
  TRY_VOID(read_number(object, "receivedBytes", counts.received_bytes));
  TRY_VOID(read_number(object, "datagrams", counts.datagrams));
  TRY_VOID(read_number(object, "cpuSeconds", counts.cpu_seconds));
  return counts;
}

}  // namespace fairlead::bench
