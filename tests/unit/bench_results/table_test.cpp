#include "bench/results/table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "bench/results/rows.hpp"
#include "simulate.hpp"

namespace fairlead::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const Subject kRate{.part = "paths",
                    .test = "NodePort, same node",
                    .traffic = "connections",
                    .figure = "a second of CPU",
                    .unit = "1/s",
                    .better = Better::kMore,
                    .services = 10000,
                    .endpoints = 3};
const Subject kLoad{.part = "programming",
                    .test = "load",
                    .traffic = "",
                    .figure = "cold",
                    .unit = "ms",
                    .better = Better::kLess,
                    .services = 1000,
                    .endpoints = 0};

std::vector<double> around(double middle, double spread = 0.01) {
  std::vector<double> samples;
  for (int i = -4; i <= 4; ++i) samples.push_back(middle * (1 + spread * i / 4));
  return samples;
}

Results results_of(const Subject& subject,
                   std::vector<std::pair<std::string, std::vector<double>>> ways) {
  Results results;
  for (auto& [way, samples] : ways) results.series.push_back({subject, way, std::move(samples)});
  return results;
}

std::vector<std::string> best_of(const Row& row) {
  std::vector<std::string> names;
  for (const Cell& cell : row.cells) {
    if (cell.is_best) names.push_back(cell.way);
  }
  return names;
}

TEST(Rows, AreRatiosOfRoundsWhereThereIsADirectWay) {
  const auto all = rows(results_of(kRate, {{"ebpf", {5, 20, 45}}, {kDirect, {10, 20, 30}}}));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].is_ratio);
  EXPECT_EQ(all[0].cells[0].way, kDirect);
  EXPECT_THAT(all[0].find("ebpf")->ratios, ElementsAre(0.5, 1, 1.5));
  EXPECT_EQ(all[0].find("ebpf")->absolute.median, 20);
  EXPECT_EQ(all[0].find("nftables"), nullptr);
  // A direct way without loss is nothing to divide by.
  EXPECT_FALSE(rows(results_of(kRate, {{"ebpf", {5}}, {kDirect, {0}}}))[0].is_ratio);
  EXPECT_FALSE(rows(results_of(kLoad, {{"ebpf", {5}}}))[0].is_ratio);
}

TEST(Rows, TheBestIsMarkedWhoeverItIs) {
  EXPECT_THAT(best_of(rows(results_of(kRate, {{kDirect, around(100)},
                                              {"ebpf", around(90)},
                                              {"kube-proxy ipvs", around(97)}}))[0]),
              ElementsAre("kube-proxy ipvs"));
  EXPECT_THAT(
      best_of(rows(results_of(kLoad, {{"ebpf", around(90)}, {"kube-proxy ipvs", around(97)}}))[0]),
      ElementsAre("ebpf"));
}

TEST(Rows, WhatCannotBeToldFromTheBestIsMarkedToo) {
  // Now the one is ahead, now the other.
  const std::vector<double> ups{100, 130, 90, 120, 95, 140, 105, 99, 100};
  std::vector<double> downs = ups;
  std::ranges::reverse(downs);
  EXPECT_THAT(best_of(rows(results_of(kLoad, {{"ebpf", ups},
                                              {"kube-proxy ipvs", downs},
                                              {"kube-proxy nftables", around(300)}}))[0]),
              ElementsAre("ebpf", "kube-proxy ipvs"));
  // The rounds differ by far more than the two, but in each of them the one is ahead.
  std::vector<double> ahead;
  for (const double one : ups) ahead.push_back(one * 0.98);
  EXPECT_THAT(best_of(rows(results_of(kLoad, {{"ebpf", ups}, {"kube-proxy ipvs", ahead}}))[0]),
              ElementsAre("kube-proxy ipvs"));
  // Three rounds tell nothing apart.
  EXPECT_THAT(best_of(rows(results_of(kLoad, {{"ebpf", {1, 1, 1}}, {"nftables", {2, 2, 2}}}))[0]),
              ElementsAre("ebpf", "nftables"));
  // Each round says so, but two direct worlds differ by more than these two ways.
  EXPECT_THAT(best_of(rows(results_of(kRate, {{kDirect, around(100, 0)},
                                              {kDirectAgain, around(90, 0)},
                                              {"ebpf", around(80, 0)},
                                              {"kube-proxy ipvs", around(84, 0)},
                                              {"kube-proxy nftables", around(60, 0)}}))[0]),
              ElementsAre("ebpf", "kube-proxy ipvs"));
}

TEST(Rows, SayWhereAPeerIsAhead) {
  Results results = results_of(kRate, {{kDirect, around(100)},
                                       {"ebpf", around(90)},
                                       {"nftables", around(97)},
                                       {"kube-proxy ipvs", around(96.9)}});
  append(results, results_of(kLoad, {{"ebpf", around(5)}, {"kube-proxy ipvs", around(9)}}));
  const auto all = rows(results);
  EXPECT_THAT(rows_behind_a_peer(all, "ebpf"), ElementsAre(&all[0]));
  EXPECT_THAT(rows_behind_a_peer(all, "nftables"), ElementsAre());
  EXPECT_THAT(to_table(results), HasSubstr("A peer is better than ebpf in:\n"
                                           "  paths: NodePort, same node: connections"));
  EXPECT_THAT(to_table(results), Not(HasSubstr("better than nftables")));
}

TEST(Rows, OfATestStandTogether) {
  Results results = results_of(kRate, {{"ebpf", {1}}});
  append(results, results_of(kLoad, {{"ebpf", {2}}}));
  Subject requests = kRate;
  requests.traffic = "requests";
  append(results, results_of(requests, {{"ebpf", {3}}}));
  std::vector<double> order;
  for (const Row& row : rows(results)) order.push_back(row.cells[0].absolute.median);
  EXPECT_THAT(order, ElementsAre(1, 3, 2));
}

TEST(Figures, AreShownWithWhatMeansAnything) {
  EXPECT_EQ(format_figure(41230.4), "41,230");
  EXPECT_EQ(format_figure(1234567), "1,234,567");
  EXPECT_EQ(format_figure(-1234), "-1,234");
  EXPECT_EQ(format_figure(423.06), "423.1");
  EXPECT_EQ(format_figure(5.3), "5.30");
  EXPECT_EQ(format_figure(0.0264), "0.026");
  EXPECT_EQ(format_figure(0.00412), "0.0041");
  EXPECT_EQ(format_figure(12), "12");
  EXPECT_EQ(format_figure(0), "0");
}

TEST(Table, HasDirectAsMeasuredAndTheOthersAsRatios) {
  const std::string table =
      to_table(results_of(kRate, {{kDirect, around(41230)},
                                  {kDirectAgain, around(40817.7)},
                                  {"ebpf", around(39168.5)},
                                  {"kube-proxy iptables-legacy", around(20615)}}));
  EXPECT_THAT(table, HasSubstr("41,230  (41,024-41,436)"));
  EXPECT_THAT(table, HasSubstr("0.95* (0.95-0.95)"));
  EXPECT_THAT(table, HasSubstr("0.50  (0.50-0.50)"));
  EXPECT_THAT(table, HasSubstr("connections, a second of CPU"));
}

TEST(Table, FitsTheWidthWhateverItHolds) {
  Results results =
      simulate({.subjects = 3,
                .ways = {kDirect, kDirectAgain, "ebpf", "nftables", "kube-proxy iptables-legacy",
                         "kube-proxy iptables-nft", "kube-proxy nftables 1.35",
                         "kube-proxy nftables 1.36", "kube-proxy ipvs"}});
  results.series[0].subject.test = std::string(300, 'x') + " und µµµ " + std::string(100, 'y');
  results.setting.command = "fairlead bench --with " + std::string(200, 'z');
  results.not_measured.push_back({"paths", "kube-proxy ipvs", std::string(500, 'w')});
  for (const std::size_t width : {80, 120, 200}) {
    std::istringstream lines(to_table(results, {.width = width}));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(width_of(line), width) << line;
  }
  EXPECT_THAT(to_table(results), HasSubstr("kube-proxy ipvs"));
}

TEST(Table, EachWayIsInOneOfTheTables) {
  std::vector<std::string> names{kDirect, kDirectAgain};
  for (char c = 'a'; c <= 'p'; ++c) names.push_back(std::string("way-") + c);
  const std::string table = to_table(simulate({.subjects = 1, .ways = names}));
  for (const auto& name : names) EXPECT_THAT(table, HasSubstr(name.substr(name.size() - 5)));
  std::size_t direct = 0;
  for (std::size_t at = 0; (at = table.find("39,300", at)) != std::string::npos; ++at) ++direct;
  EXPECT_GE(direct, 2U) << "the direct way stands in each of them\n" << table;
}

TEST(Table, SaysWhatWasNotMeasured) {
  Results results;
  results.not_measured = {{"paths", "kube-proxy ipvs", "this kernel has no IPVS"}};
  EXPECT_THAT(to_table(results),
              HasSubstr("not measured: paths: kube-proxy ipvs: this kernel has no IPVS\n"));
}

TEST(Table, IsPlainUnlessAskedForColour) {
  const auto results = results_of(kLoad, {{"ebpf", around(5)}});
  EXPECT_THAT(to_table(results), Not(HasSubstr("\033")));
  EXPECT_THAT(to_table(results, {.colour = true}), HasSubstr("\033[1m5*"));
}

TEST(Table, WhatIsAbsentIsShownAsAbsent) {
  Results results = results_of(
      kLoad, {{"ebpf", {1, 2, 3}}, {"nftables", {std::numeric_limits<double>::quiet_NaN()}}});
  Subject other = kLoad;
  other.services = 2;
  append(results, results_of(other, {{"nftables", {4, 5, 6}}}));
  EXPECT_EQ(rows(results)[0].find("nftables"), nullptr);
  EXPECT_THAT(to_table(results), HasSubstr(" -"));
}

TEST(Wrap, BreaksAtBlanksAndCutsLongWords) {
  EXPECT_THAT(wrap("a bc def", 4), ElementsAre("a bc", "def"));
  EXPECT_THAT(wrap("abcdefgh i", 3), ElementsAre("abc", "def", "gh", "i"));
  EXPECT_THAT(wrap("kube-proxy iptables-legacy", 10),
              ElementsAre("kube-proxy", "iptables-", "legacy"));
  EXPECT_THAT(wrap("µµµµ", 2), ElementsAre("µµ", "µµ"));
  EXPECT_THAT(wrap("", 5), ElementsAre());
}

}  // namespace
}  // namespace fairlead::bench
