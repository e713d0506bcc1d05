// Two runs of a bench -> what has changed, and how surely. Noise is never called a change.
//
// Compared is what tells machines and hours apart least: the ratio to the direct way of the same
// run where both runs have one, else the figure itself. A verdict needs all of these:
//
//   - enough samples: at least four of each run, since fewer cannot reach p < 0.05 by any order;
//   - the 95 % interval of the change excludes zero;
//   - the change is more than what "direct again" shows in the same row, where there is one: its
//   own
//     change between the runs, and its distance from direct in each of them;
//   - p-values hold for all comparisons together (Benjamini and Hochberg, at 5 %): if nothing has
//     changed, fewer than one comparison of two runs in twenty finds anything at all. Bonferroni
//     would ask of 15 samples what they cannot show as soon as there are a hundred rows.
//
// Worlds differ by more than their samples say: a namespace that was made anew lies elsewhere in
// the caches. What that is worth is measured by "direct again", which is never changed: by how much
// it does change between the runs, over all rows that have it, against the errors of its medians.
// The errors of all others are enlarged by as much, as a factor (the Birge ratio) or as a variance
// to be added (DerSimonian and Laird, 1986), whichever is more: the first suits where noisy figures
// also move more, the second where all move alike. Intervals are stretched accordingly; and the
// p-value is that of Student's t with as many degrees of freedom as there were such rows, or that
// of Mann and Whitney, whichever is larger.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/results/results.hpp"
#include "bench/results/statistics.hpp"

namespace fairlead::bench {

enum class Verdict : std::uint8_t { kBetter, kWorse, kNoChange, kTooFewSamples };
std::string_view to_string(Verdict verdict);

/// Of one way in one row. `a` and `b` are medians of what is compared.
struct Change {
  Subject subject;
  std::string way;
  bool is_ratio = false;
  double a = 0, b = 0;
  std::size_t samples_a = 0, samples_b = 0;
  /// b is so much more than a: 0.1 is 10 %. Nothing where a median is zero or less.
  std::optional<double> change;
  std::optional<Interval> interval;
  double noise = 0;  // what "direct again" shows in this row; as `change`
  double p = 1;
  Verdict verdict = Verdict::kNoChange;
};

struct Comparison {
  Setting a, b;
  std::vector<Change> changes;        // in the order of rows()
  std::vector<std::string> warnings;  // settings that differ, rows of one run alone
  /// Of "direct again", root mean squares: how much it changed between the runs, as `change`, and
  /// how much its samples alone would have it change; and of how many rows.
  double direct_change = 0, direct_error = 0;
  std::size_t direct_rows = 0;
};

Comparison compare(const Results& a, const Results& b, const Bootstrap& bootstrap = {});

/// What changed comes first; then how many did not.
std::string to_table(const Comparison& comparison, std::size_t width, bool colour);
std::string to_json(const Comparison& comparison);
bool has_worse(const Comparison& comparison);

}  // namespace fairlead::bench
