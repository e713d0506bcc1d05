// What people do with results that they have: show, page, compare.
#pragma once

namespace CLI {
class App;
}

namespace fairlead::bench {

/// `show A.json`, `page A.json -o FILE.html`, `compare A.json B.json` below `parent`. What fails is
/// said on standard error, and sets `exit_code`, which outlives the parser.
void add_results_commands(CLI::App& parent, int& exit_code);

}  // namespace fairlead::bench
