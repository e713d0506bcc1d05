// Results, row by row as people read them: what table and page show. A row is a Subject, a cell one
// way's figure of it: its ratio to the direct way where there is one, else the figure itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/results/results.hpp"
#include "bench/results/statistics.hpp"

namespace fairlead::bench {

struct Cell {
  std::string way;
  /// As measured, round by round; in the Subject's unit. NaN where a round has none.
  std::vector<double> by_round;
  Quartiles absolute;
  Interval absolute_interval;
  /// To the direct way's sample of the same round. Nothing where there is no direct way.
  std::vector<double> ratios;
  std::optional<Quartiles> ratio;
  std::optional<Interval> ratio_interval;
  /// No other way than the direct ones is better, or not by more than the noise.
  bool is_best = false;
};

struct Row {
  Subject subject;
  bool is_ratio = false;    // has a direct way, so that cells have ratios
  std::vector<Cell> cells;  // in the order of ways()
  [[nodiscard]] const Cell* find(std::string_view way) const;
};

/// Those of the results: direct, direct again, ours, peers; within these as measured.
std::vector<std::string> ways(const Results& results);
bool is_direct(std::string_view way);
bool is_peer(std::string_view way);
bool is_reference(std::string_view way);
/// None of these: a datapath of ours.
bool is_own(std::string_view way);

/// In the order of measurement, those of a part and a test together. Ways without samples have no
/// cell.
std::vector<Row> rows(const Results& results, const Bootstrap& bootstrap = {});

/// Rows in which a peer is better than `way` by more than the noise.
std::vector<const Row*> rows_behind_a_peer(const std::vector<Row>& rows, std::string_view way);

/// "connections, a second of CPU, 10,000 Services x 3, 1/s".
std::string describe(const Subject& subject);
/// Four digits that mean something: "41,230", "423.1", "5.30", "0.026".
std::string format_figure(double value);

}  // namespace fairlead::bench
