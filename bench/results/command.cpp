// Arguments -> files of results -> table, page or comparison.
#include "bench/results/command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <memory>

#include "bench/results/compare.hpp"
#include "bench/results/json.hpp"
#include "bench/results/page.hpp"
#include "bench/results/table.hpp"

namespace fairlead::bench {
namespace {

struct Arguments {
  std::string file, second, output;
  bool fail_on_worse = false;
};

TableOptions table_options() {
  TableOptions options;
  options.colour = ::isatty(STDOUT_FILENO) == 1;
  return options;
}

Result<int> show(const Arguments& arguments) {
  TRY(const Results results, read_results(arguments.file));
  fmt::print("{}", to_table(results, table_options()));
  return 0;
}

Result<int> page(const Arguments& arguments) {
  TRY(const Results results, read_results(arguments.file));
  const std::string file =
      arguments.output.empty()
          ? std::filesystem::path(arguments.file).replace_extension(".html").string()
          : arguments.output;
  TRY_VOID(write_file(file, to_page(results)));
  fmt::print("{}\n", file);
  return 0;
}

Result<int> compare_runs(const Arguments& arguments) {
  TRY(const Results a, read_results(arguments.file));
  TRY(const Results b, read_results(arguments.second));
  const Comparison comparison = compare(a, b);
  const TableOptions options = table_options();
  fmt::print("{}", arguments.output == "json"
                       ? to_json(comparison)
                       : to_table(comparison, options.width, options.colour));
  return arguments.fail_on_worse && has_worse(comparison) ? 1 : 0;
}

CLI::App* add(CLI::App& parent, const char* name, const char* help,
              const std::shared_ptr<Arguments>& arguments,
              std::function<Result<int>(const Arguments&)> run, int& exit_code) {
  CLI::App* command = parent.add_subcommand(name, help);
  command->add_option("file", arguments->file, "results of a bench")
      ->required()
      ->type_name("FILE.json");
  command->callback([arguments, run = std::move(run), &exit_code] {
    const auto done = run(*arguments);
    if (!done) fmt::print(stderr, "fairlead bench: {}\n", done.error().doing);
    exit_code = done.value_or(1);
  });
  return command;
}

void add_compare(CLI::App& parent, int& exit_code) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      add(parent, "compare", "What changed from one bench to another, and how surely", arguments,
          &compare_runs, exit_code);
  command->add_option("second", arguments->second, "the later results")
      ->required()
      ->type_name("FILE.json");
  command->add_option("-o,--output", arguments->output, "how to print it")
      ->check(CLI::IsMember({"table", "json"}))
      ->default_str("table")
      ->type_name("");
  command->add_flag("--fail-on-worse", arguments->fail_on_worse,
                    "exit with 1 if anything is worse");
}

}  // namespace

void add_results_commands(CLI::App& parent, int& exit_code) {
  add(parent, "show", "The tables of a bench that was run before", std::make_shared<Arguments>(),
      &show, exit_code);
  const auto arguments = std::make_shared<Arguments>();
  add(parent, "page", "One HTML file with the plots and tables of a bench", arguments, &page,
      exit_code)
      ->add_option("-o,--output", arguments->output, "default: beside FILE.json, with .html")
      ->type_name("FILE.html");
  add_compare(parent, exit_code);
}

}  // namespace fairlead::bench
