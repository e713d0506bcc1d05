#include "bench/results/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>

#include "bench/results/json_parse.hpp"
#include "simulate.hpp"

namespace fairlead::bench {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

Results some_results() {
  Results results = simulate({.rounds = 3, .subjects = 2});
  results.setting.mitigations = {"retbleed: Mitigation: untrained return thunk",
                                 "mds: Not affected"};
  results.setting.memory_bytes = std::numeric_limits<std::uint64_t>::max();
  results.setting.command = "fairlead bench --name \"a\\b\" </script> \u00b5 \n";
  results.series[0].samples = {0, -1.5, 1e-300, 1.7976931348623157e308, 5e-324, 1e22, 0.1 + 0.2};
  results.series[1].samples = {};
  results.series[1].subject.better = Better::kLess;
  results.latencies.push_back(
      {results.series[0].subject, "ebpf", {{0ns, 1}, {1023ns, 7}, {1h, 1ULL << 63}}});
  results.not_measured.push_back({"paths", "kube-proxy ipvs", "this kernel has no IPVS"});
  return results;
}

std::string error_of(const std::string& text) {
  const auto results = results_from_json(text);
  return results ? "" : results.error().doing;
}

/// The error that a document has in which `value` stands at `pointer`; nothing: it is not there.
std::string error_with(const std::string& pointer, std::optional<json::value> value) {
  auto document = parse_json(to_json(some_results())).value();
  if (value) {
    document.at_pointer(pointer) = *value;
  } else {
    const auto slash = pointer.rfind('/');
    json::value& parent = slash == 0 ? document : document.at_pointer(pointer.substr(0, slash));
    parent.as_object().erase(pointer.substr(slash + 1));
  }
  return error_of(json::serialize(document));
}

TEST(ResultsJson, ComesBackAsItWas) {
  EXPECT_EQ(results_from_json(to_json(some_results())).value(), some_results());
  EXPECT_EQ(results_from_json(to_json({})).value(), Results());
}

TEST(ResultsJson, KeepsEveryBitOfASample) {
  std::mt19937_64 random(1);
  Results results = simulate({.rounds = 1, .subjects = 1});
  auto& samples = results.series[0].samples;
  while (samples.size() < 20000) {
    double sample = 0;
    const std::uint64_t bits = random();
    std::memcpy(&sample, &bits, sizeof sample);
    if (std::isfinite(sample)) samples.push_back(sample);
    samples.push_back(std::uniform_real_distribution<double>(0, 1e6)(random));
  }
  EXPECT_EQ(results_from_json(to_json(results)).value(), results);
}

TEST(ResultsJson, ARoundWithoutASampleStaysOne) {
  Results results = simulate({.rounds = 3, .subjects = 1});
  results.series[0].samples[1] = std::numeric_limits<double>::quiet_NaN();
  const auto read = results_from_json(to_json(results)).value();
  EXPECT_TRUE(std::isnan(read.series[0].samples[1]));
  EXPECT_EQ(read.series[0].samples[2], results.series[0].samples[2]);
}

TEST(ResultsJson, AnErrorNamesTheField) {
  EXPECT_EQ(error_of(""), "not JSON at byte 0: incomplete JSON");
  EXPECT_EQ(error_of("[]"), "the document: not an object");
  EXPECT_EQ(error_of("{}"), "schema: missing");
  EXPECT_EQ(error_of("{} {}"), "not JSON at byte 3: extra data");
  EXPECT_EQ(error_with("/schema", "fairlead.io/bench/v2"),
            "schema: is \"fairlead.io/bench/v2\", not \"fairlead.io/bench/v1\"");
  EXPECT_EQ(error_with("/series/0/samples/2", "3"), "series[0].samples[2]: not a number");
  EXPECT_EQ(error_with("/series/1", 1), "series[1]: not an object");
  EXPECT_EQ(error_with("/series/1/samples", json::object()), "series[1].samples: not a list");
  EXPECT_EQ(error_with("/series/1/way", std::nullopt), "series[1].way: missing");
  EXPECT_EQ(error_with("/series/1/subject/better", "most"),
            "series[1].subject.better: not \"more\" or \"less\"");
  EXPECT_EQ(error_with("/series/1/subject/services", 1LL << 32),
            "series[1].subject.services: not a whole number from 0 to 4294967295");
  EXPECT_EQ(error_with("/series/1/subject/services", -1),
            "series[1].subject.services: not a whole number from 0 to 4294967295");
  EXPECT_EQ(error_with("/setting/cores", 1.5),
            "setting.cores: not a whole number from 0 to 4294967295");
  EXPECT_EQ(error_with("/setting/mitigations/1", nullptr), "setting.mitigations[1]: not a text");
  EXPECT_EQ(error_with("/latencies/0/buckets/1", json::array{1}),
            "latencies[0].buckets[1]: not a pair [nanoseconds, count]");
  EXPECT_EQ(error_with("/latencies/0/buckets/1/0", -1),
            "latencies[0].buckets[1][0]: not a whole number from 0 to 9223372036854775807");
  EXPECT_EQ(error_with("/notMeasured/0/why", 0), "notMeasured[0].why: not a text");
  EXPECT_EQ(error_with("/series/2/way", kDirect),
            "series[2]: the same subject and way as series[0]");
}

TEST(ResultsJson, WhatIsNotKnownIsIgnored) {
  auto document = parse_json(to_json(some_results())).value();
  document.as_object()["later"] = json::array{1, 2};
  document.at_pointer("/series/0").as_object()["later"] = "x";
  document.at_pointer("/setting").as_object()["later"] = nullptr;
  // Boost writes all digits that it has; only what was not known is new.
  EXPECT_EQ(results_from_json(json::serialize(document)).value(), some_results());
}

TEST(ResultsJson, NoBrokenDocumentIsMoreThanAnError) {
  const std::string whole = to_json(some_results());
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    EXPECT_NE(error_of(whole.substr(0, size)), "") << "cut at " << size;
  }
  std::mt19937_64 random(1);
  int accepted = 0, refused = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string broken = whole;
    for (auto changes = 1 + random() % 3; changes > 0; --changes) {
      const std::size_t at = random() % broken.size();
      switch (random() % 4) {
        case 0:
          broken[at] = static_cast<char>(random());
          break;
        case 1:
          broken.erase(at, 1 + random() % 20);
          break;
        case 2:
          broken.insert(at, 1, "{}[]\",:0-e.n"[random() % 12]);
          break;
        default:
          broken.insert(at, broken.substr(random() % broken.size(), random() % 40));
      }
    }
    // What it accepts, it can write and read again.
    const auto read = results_from_json(broken);
    if (!read) {
      EXPECT_NE(read.error().doing, "");
      ++refused;
    } else {
      EXPECT_EQ(to_json(results_from_json(to_json(*read)).value()), to_json(*read));
      ++accepted;
    }
  }
  EXPECT_GT(accepted, 50);
  EXPECT_GT(refused, 2000);
}

TEST(ResultsJson, DepthIsLimited) {
  EXPECT_NE(error_of(std::string(100000, '[')), "");
  EXPECT_NE(error_of("{\"schema\": " + std::string(100000, '[')), "");
}

class ResultsFile : public testing::Test {
 protected:
  ResultsFile() { std::filesystem::create_directory(directory_); }
  ~ResultsFile() override { std::filesystem::remove_all(directory_); }
  const std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() /
      ("fairlead-results-" + std::to_string(std::random_device()()));
};

TEST_F(ResultsFile, IsWrittenAndRead) {
  const std::string file = directory_ / "a.json";
  ASSERT_TRUE(write_file(file, "old"));
  ASSERT_TRUE(write_file(file, to_json(some_results())));
  EXPECT_EQ(read_results(file).value(), some_results());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
}

TEST_F(ResultsFile, ErrorsNameIt) {
  const std::string missing = directory_ / "missing.json";
  EXPECT_EQ(read_results(missing).error().doing, missing + ": No such file or directory");
  EXPECT_EQ(read_results(directory_).error().doing, directory_.string() + ": Is a directory");
  const std::string damaged = directory_ / "damaged.json";
  std::ofstream(damaged) << "{\"schema\": 1}";
  EXPECT_EQ(read_results(damaged).error().doing, damaged + ": schema: not a text");
  const std::string nowhere = directory_ / "no" / "a.json";
  EXPECT_EQ(write_file(nowhere, "").error().doing,
            "write " + nowhere + ": No such file or directory");
}

TEST_F(ResultsFile, AFileThatIsNoRegularOneIsWrittenNotReplaced) {
  ASSERT_TRUE(write_file("/dev/null", "x"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace fairlead::bench
