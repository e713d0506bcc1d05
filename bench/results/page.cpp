// rows() -> JSON that the page's script draws from; it, the results, style and script -> the places
// that page.html has for them. The statistics are made here alone: terminal and page say the same.
#include "bench/results/page.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <string_view>

#include "bench/results/json.hpp"
#include "bench/results/rows.hpp"

// page_files.S
extern "C" {
extern const char fairlead_page_html_begin[], fairlead_page_html_end[];
extern const char fairlead_page_style_begin[], fairlead_page_style_end[];
extern const char fairlead_page_script_begin[], fairlead_page_script_end[];
}

namespace fairlead::bench {
namespace {

namespace json = boost::json;

json::object figures_json(const Quartiles& quartiles, const Interval& interval) {
  return {{"low", quartiles.low},
          {"median", quartiles.median},
          {"high", quartiles.high},
          {"interval", json::array{interval.low, interval.high}}};
}

json::object cell_json(const Cell& cell) {
  const auto samples = present(cell.by_round);
  json::object object{{"way", cell.way},
                      {"isBest", cell.is_best},
                      {"samples", json::array(samples.begin(), samples.end())},
                      {"absolute", figures_json(cell.absolute, cell.absolute_interval)}};
  if (cell.ratio) {
    object["ratios"] = json::array(cell.ratios.begin(), cell.ratios.end());
    object["ratio"] = figures_json(*cell.ratio, *cell.ratio_interval);
  }
  return object;
}

json::object row_json(const Row& row) {
  const Subject& subject = row.subject;
  json::array cells;
  for (const Cell& cell : row.cells) cells.push_back(cell_json(cell));
  return {{"subject", json::object{{"part", subject.part},
                                   {"test", subject.test},
                                   {"traffic", subject.traffic},
                                   {"figure", subject.figure},
                                   {"unit", subject.unit},
                                   {"better", subject.better == Better::kMore ? "more" : "less"},
                                   {"services", subject.services},
                                   {"endpoints", subject.endpoints}}},
          {"isRatio", row.is_ratio},
          {"cells", std::move(cells)}};
}

/// For each of ours: the places of the rows in which a peer is better.
json::object behind_json(const std::vector<Row>& all, const std::vector<std::string>& names) {
  json::object behind;
  for (const std::string& way : names) {
    if (!is_own(way)) continue;
    json::array places;
    for (const Row* row : rows_behind_a_peer(all, way)) places.push_back(row - all.data());
    behind[way] = std::move(places);
  }
  return behind;
}

std::string figures_json(const Results& results) {
  const auto all = rows(results);
  const auto names = ways(results);
  json::array row_list;
  for (const Row& row : all) row_list.push_back(row_json(row));
  return json::serialize(json::object{{"ways", json::array(names.begin(), names.end())},
                                      {"rows", std::move(row_list)},
                                      {"behind", behind_json(all, names)}});
}

/// JSON has '<' in texts only; a script element ends at "</script", whatever surrounds it.
std::string for_script_element(std::string_view text) {
  std::string result;
  for (const char byte : text) {
    if (byte == '<') {
      result += "\\u003c";
    } else {
      result += byte;
    }
  }
  return result;
}

}  // namespace

std::string to_page(const Results& results) {
  std::string_view rest(
      fairlead_page_html_begin,
      static_cast<std::size_t>(fairlead_page_html_end - fairlead_page_html_begin));
  const std::pair<std::string_view, std::string> fillings[] = {
      {"@@STYLE@@", {fairlead_page_style_begin, fairlead_page_style_end}},
      {"@@RESULTS@@", for_script_element(to_json(results))},
      {"@@FIGURES@@", for_script_element(figures_json(results))},
      {"@@SCRIPT@@", {fairlead_page_script_begin, fairlead_page_script_end}}};
  std::string page;
  // In the order in which page.html has them, so that what fills one place is not searched for the
  // next.
  for (const auto& [place, filling] : fillings) {
    const std::size_t at = rest.find(place);
    page.append(rest.substr(0, at)).append(filling);
    rest.remove_prefix(at + place.size());
  }
  return page.append(rest);
}

}  // namespace fairlead::bench
