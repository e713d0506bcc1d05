// Words -> options -> parts, each in a child process -> Results -> table, JSON and page.
#include "bench/command/command.hpp"

#include <fmt/format.h>
#include <fmt/os.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>

#include "bench/command/home.hpp"
#include "bench/load/command.hpp"
#include "bench/parts/part.hpp"
#include "bench/results/command.hpp"
#include "bench/results/json.hpp"
#include "bench/results/page.hpp"
#include "bench/results/setting.hpp"
#include "bench/results/table.hpp"
#include "bench/world/cgroup.hpp"
#include "bench/world/child.hpp"

namespace fairlead::bench {
namespace {

volatile std::sig_atomic_t interrupted = 0;

struct Arguments {
  std::vector<std::string> parts, ways;
  std::vector<std::uint32_t> services;
  bool quick = false;
  std::optional<unsigned> rounds, cpu;
  std::optional<double> seconds;
  std::string json = "fairlead-bench.json", page = "fairlead-bench.html";
  std::string kube_proxy, katran;
};

Result<BenchOptions> options_of(const Arguments& arguments) {
  BenchOptions options;
  options.quick = arguments.quick;
  options.self = std::filesystem::read_symlink("/proc/self/exe");
  options.tools = {.kube_proxy = arguments.kube_proxy, .control_plane = options.self};
  options.ways = arguments.ways;
  const std::vector<std::string> known = way_names(options.tools);
  for (const std::string& way : options.ways)
    if (std::ranges::count(known, way) == 0)
      return invalid(fmt::format("--with: there is no way '{}': {}", way, fmt::join(known, ", ")));
  if (options.ways.empty()) options.ways = known;
  // Without the floor there are no ratios.
  std::erase(options.ways, kDirect);
  options.ways.insert(options.ways.begin(), kDirect);
  options.services = arguments.services;
  options.services_given = !options.services.empty();
  if (options.services.empty())
    options.services = arguments.quick ? std::vector<std::uint32_t>{1, 1000}
                                       : std::vector<std::uint32_t>{1, 100, 1000, 10000, 50000};
  std::ranges::sort(options.services);
  options.rounds = arguments.rounds.value_or(arguments.quick ? 7 : 21);
  options.seconds = arguments.seconds.value_or(arguments.quick ? 0.1 : 0.3);
  options.cpu = arguments.cpu.value_or(static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN)) - 1);
  options.katran = arguments.katran;
  return options;
}

/// One line, written over; without a terminal only where something new begins.
class Watcher {
 public:
  void operator()(const std::string& line) {
    if (::isatty(STDERR_FILENO) != 0) {
      fmt::print(stderr, "\r\x1b[K{}", line);
      return;
    }
    const std::string subject = line.substr(0, line.rfind(':'));
    if (std::exchange(last_, subject) != subject) fmt::print(stderr, "{}\n", subject);
  }
  static void end() {
    if (::isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  std::string last_;
};

/// In this process: what it may leave in the kernel ends with it.
Result<std::string> measure_here(const Part& part, BenchOptions options) {
  TRY(const Home home, Home::make());
  options.scratch = home.scratch();
  options.pins = home.pins();
  Watcher watcher;
  TRY(const Results results,
      part.run(options, [&watcher](const std::string& line) { watcher(line); }));
  Watcher::end();
  return to_json(results);
}

Results measure(const Part& part, const BenchOptions& options) {
  auto child = start_text({}, [&] { return measure_here(part, options); });
  const auto text = child ? child->output() : tl::unexpected(child.error());
  remove_left_cgroups();
  remove_left_directories();
  Results results;
  if (!text) {
    results.not_measured.push_back({std::string(part.name), "all of it", text.error().doing});
    return results;
  }
  auto read = results_from_json(*text);
  if (!read) {
    results.not_measured.push_back({std::string(part.name), "all of it", read.error().doing});
    return results;
  }
  return *std::move(read);
}

/// What a reader looks for first; the page, the file and `show` have all of it.
Results main_figures(Results results) {
  std::erase_if(results.series, [](const Series& one) {
    const Subject& subject = one.subject;
    const auto is = [&](std::string_view text) { return subject.figure == text; };
    if (subject.part == "packets") return is("of the empty program");
    if (subject.part != "paths") return false;
    if (subject.traffic == "connect() alone") return !is("client CPU each");
    if (subject.traffic == "requests" && (is("p50") || is("p99"))) return false;
    return !is("a second of CPU") && !is("received a second of CPU") && !is("lost");
  });
  return results;
}

Result<> measure_all(const Arguments& arguments, const BuildInfo& build) {
  if (::geteuid() != 0) return invalid("it needs root, for network namespaces, BPF and netfilter");
  TRY(const BenchOptions options, options_of(arguments));
  // The child that measures ends by it, too; what it leaves is removed here, and what there is
  // shown.
  ::signal(SIGINT, [](int) { interrupted = 1; });
  remove_left_cgroups();
  remove_left_directories();
  Results results;
  results.setting = read_setting();
  results.setting.version = build.version;
  results.setting.commit = build.commit;
  for (const Part& part : parts())
    if (interrupted == 0 &&
        (arguments.parts.empty() || std::ranges::count(arguments.parts, part.name) > 0)) {
      append(results, measure(part, options));
      TRY_VOID(
          write_file(arguments.json, to_json(results)));  // what there is, should the next hang
    }
  fmt::print("{}", to_table(main_figures(results),
                            {.width = 120, .colour = ::isatty(STDOUT_FILENO) != 0}));
  TRY_VOID(write_file(arguments.page, to_page(results)));
  fmt::print("\nJSON: {}\npage: {}\n", arguments.json, arguments.page);
  if (results.series.empty()) return invalid("nothing was measured");
  return {};
}

void add_options(CLI::App& command, Arguments& arguments) {
  std::vector<std::string> names;
  std::string help = "what to measure; all by default:";
  for (const Part& part : parts()) {
    names.emplace_back(part.name);
    help += fmt::format("\n{:<13} {}", part.name, part.measures);
  }
  command.add_option("part", arguments.parts, help)->check(CLI::IsMember(names));
  command.add_flag("--quick", arguments.quick, "within ten minutes on two cores");
  command.add_option("--with", arguments.ways, "ways to measure; default: all that run here")
      ->delimiter(',')
      ->type_name("WAY,…");
  command.add_option("--services", arguments.services, "how many Services there are, in turn")
      ->delimiter(',')
      ->check(CLI::Range(1U, 200000U));
  command.add_option("--rounds", arguments.rounds, "samples of each way")
      ->check(CLI::Range(3, 1000));
  command.add_option("--seconds", arguments.seconds, "length of a sample")
      ->check(CLI::Range(0.01, 60.0));
  command.add_option("--cpu", arguments.cpu, "where client and server run; default: the last");
  command.add_option("--kube-proxy", arguments.kube_proxy, "a kube-proxy to measure beside")
      ->check(CLI::ExistingFile);
  command.add_option("--katran", arguments.katran, "katran's balancer.bpf.o to measure beside")
      ->check(CLI::ExistingFile);
  command.add_option("--json", arguments.json, "where every sample is written")
      ->capture_default_str();
  command.add_option("--html", arguments.page, "where the page is written")->capture_default_str();
}

}  // namespace

void add_bench_command(CLI::App& app, const BuildInfo& build, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "bench", "Measure what Services cost on this node, beside kube-proxy's rules");
  const auto arguments = std::make_shared<Arguments>();
  add_options(*command, *arguments);
  add_results_commands(*command, exit_code);
  add_load_command(*command, exit_code);
  command->callback([command, arguments, build, &exit_code] {
    if (!command->get_subcommands().empty()) return;
    if (const auto done = measure_all(*arguments, build); !done) {
      fmt::print(stderr, "fairlead bench: {}\n", done.error().doing);
      exit_code = 1;
    }
  });
}

}  // namespace fairlead::bench
