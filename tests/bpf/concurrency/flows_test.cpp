// Two CPUs enter flows that get into each other's way. When they have ended, the table is whole: no
// key is in it twice, each flow has its reply's entry, no two flows have the same source port, and
// every entry is found where a look-up looks for it.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/pkt_cls.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "dataplane/ebpf/marks.hpp"
#include "tests/bpf/harness/node.hpp"

namespace fairlead::test {
namespace {

constexpr std::uint32_t kBuckets = 64;
constexpr int kThreads = 2;

/// A tuple of an entry: addresses and ports, as numbers.
using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>;
Key key_of(const fl_flow4& flow) {
  return {flow.source, flow.destination, flow.control & FL_FLOW_KEY_MASK};
}
Key partner_of(const fl_flow4& flow) {
  return {flow.new_destination, flow.new_source,
          fl_flow_key(flow.new_destination_port, flow.new_source_port, flow.protocol)};
}

/// Where two threads meet. They spin: who sleeps is woken too late to meet anybody.
class Turns {
 public:
  /// False: it is over. Called by the other thread when it has worked, by the first when it has
  /// checked.
  bool meet() {
    const bool first = std::this_thread::get_id() == first_;
    if (first) {
      until([&] { return there_ == turn_ + 1 || over_; });
      ++turn_;
    } else {
      const int mine = turn_;
      ++there_;
      until([&] { return turn_ != mine || over_; });
    }
    return !over_;
  }
  void wait_for_other() {
    until([&] { return there_ == turn_ + 1; });
  }
  void end() { over_ = true; }

 private:
  template <class Condition>
  static void until(Condition condition) {
    for (int spins = 0; !condition(); ++spins)
      if (spins > 10'000) std::this_thread::yield();  // the other one may need this CPU
  }
  const std::thread::id first_ = std::this_thread::get_id();
  std::atomic<int> turn_ = 0, there_ = 0;
  std::atomic<bool> over_ = false;
};

class ConcurrencyTest : public ::testing::TestWithParam<Protocol> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "loading BPF programs needs root";
    make_network();
    node_ = std::make_unique<Node>(Sizes{.flow4_buckets = kBuckets, .flow6_buckets = kBuckets});
    ASSERT_TRUE(node_->is_loaded());
    node_->reset();
    // Chosen at random: two packets of one flow may be sent to two backends.
    Service service{.protocol = GetParam()};
    for (const Ip& pod : world_.remote_pods) service.cluster.push_back({.endpoint = {pod, 8080}});
    node_->tables().publish({world_.external_ip, 80}, GetParam(), node_->tables().add(service), {});
    const Service single{
        .id = 2, .protocol = GetParam(), .cluster = {{.endpoint = {world_.remote_pods[0], 8080}}}};
    node_->tables().publish({world_.external_ip, 81}, GetParam(), node_->tables().add(single), {});
  }

  [[nodiscard]] Frame packet(std::uint16_t client_port, std::uint16_t frontend_port) const {
    return bytes_of(Packet{.from_mac = kRouterMac,
                           .to_mac = kEth0Mac,
                           .from = {world_.client, client_port},
                           .to = {world_.external_ip, frontend_port},
                           .protocol = GetParam(),
                           .payload = GetParam() == Protocol::kTcp ? "" : "question"});
  }

  /// Returns when every program that runs has ended, as an RCU grace period would later on.
  void wait_for_programs() const {
    for (const auto& runs : runs_) {
      const unsigned begun = runs;
      while (begun % 2 && runs == begun) std::this_thread::yield();
    }
  }
  std::optional<Answer> run(std::size_t thread, const Frame& frame) {
    ++runs_[thread];
    auto answer = node_->programs().run_tc("fairlead_tc_ingress", frame, kEth0);
    ++runs_[thread];
    return answer ? std::optional(*std::move(answer)) : std::nullopt;
  }

  /// What a packet that was forwarded has become.
  struct Sent {
    Endpoint client, source, backend;
  };
  std::optional<Sent> send(std::size_t thread, std::uint16_t client_port,
                           std::uint16_t frontend_port) {
    const auto answer = run(thread, packet(client_port, frontend_port));
    if (!answer || answer->code != TC_ACT_REDIRECT) return std::nullopt;
    const auto out = parse_frame(answer->frame);
    if (!out) return std::nullopt;
    return Sent{{world_.client, client_port}, out->from, out->to};
  }

  /// `work(thread, round)` by both threads at the very same time; after each round, `check`, which
  /// says whether there shall be another one.
  template <class Work, class Check>
  void in_rounds(Work work, Check check) {
    Turns turns;
    std::jthread other([&] {
      for (int round = 0; turns.meet(); ++round) work(1, round);
    });
    for (int round = 0; turns.meet(); ++round) {
      work(0, round);
      turns.wait_for_other();
      if (HasFailure() || !check(round)) turns.end();
    }
  }

  /// The place is where a look-up for the entry gets to.
  void expect_reachable(const fl_flow4& flow, std::span<const fl_bucket4> buckets) {
    const fl_address source{{0, 0, htonl(FL_MAPPED_PREFIX), flow.source}},
        destination{{0, 0, htonl(FL_MAPPED_PREFIX), flow.destination}};
    const std::uint64_t hash =
        fl_flow_hash(&source, &destination, flow.control & FL_FLOW_KEY_MASK, false);
    for (std::uint32_t probe = 0; probe < FL_FLOW_PROBES; ++probe) {
      const fl_bucket4& bucket = buckets[fl_flow_bucket(hash, probe, kBuckets)];
      if (&flow >= bucket.way && &flow < bucket.way + FL_FLOW_WAYS) return;
      ASSERT_TRUE(bucket.way[0].state & FL_FLOW_SPILLED) << "no look-up gets so far: " << probe;
    }
    FAIL() << "no look-up gets there";
  }

  /// Each flow's original has an entry of its reply; several may share none.
  void expect_whole(const std::string& when) {
    SCOPED_TRACE(when);
    std::map<Key, const fl_flow4*> entries;
    const auto buckets = node_->programs().mapped<fl_bucket4>("flows4");
    for (const fl_flow4* flow : node_->tables().flows4()) {
      ASSERT_GE(flow->state & FL_FLOW_PHASE, FL_FLOW_NEW) << "left half written";
      ASSERT_TRUE(entries.emplace(key_of(*flow), flow).second) << "a key is there twice";
      ASSERT_NO_FATAL_FAILURE(expect_reachable(*flow, buckets));
    }
    for (const auto& [key, flow] : entries) {
      if (flow->state & FL_FLOW_REPLY) continue;
      const auto reply = entries.find(partner_of(*flow));
      ASSERT_NE(reply, entries.end()) << "a flow has no entry for its replies";
      ASSERT_EQ(partner_of(*reply->second), key) << "another flow's replies come to its port";
    }
  }

  /// Flows whose time is over lose their places one entry after the other: of the others none is
  /// there twice, and all are found.
  void expect_reachable_all() {
    std::set<Key> keys;
    const auto buckets = node_->programs().mapped<fl_bucket4>("flows4");
    for (const fl_flow4* flow : node_->tables().flows4()) {
      ASSERT_GE(flow->state & FL_FLOW_PHASE, FL_FLOW_NEW) << "left half written";
      ASSERT_TRUE(keys.insert(key_of(*flow)).second) << "a key is there twice";
      ASSERT_NO_FATAL_FAILURE(expect_reachable(*flow, buckets));
    }
  }

  World world_{Family::kIpv4};
  std::unique_ptr<Node> node_;
  std::array<std::atomic<unsigned>, kThreads> runs_{};  // odd: one runs
};
INSTANTIATE_TEST_SUITE_P(, ConcurrencyTest, ::testing::Values(Protocol::kTcp, Protocol::kUdp),
                         [](const auto& i) { return std::string(fairlead::to_string(i.param)); });

TEST_P(ConcurrencyTest, PacketsOfOneFlowMakeOneFlow) {
  constexpr int kRounds = 20'000;
  std::array<std::optional<Sent>, kThreads> sent;
  int both = 0, apart = 0;
  in_rounds(
      [&](std::size_t thread, int round) {
        sent[thread] = send(thread, static_cast<std::uint16_t>(1024 + round), 80);
      },
      [&](int round) {
        expect_whole(fmt::format("round {}", round));
        if (sent[0] && sent[1]) ++both;
        if (sent[0] && sent[1] && sent[0]->backend != sent[1]->backend) ++apart;
        node_->tables().wipe_flows();
        return round < kRounds;
      });
  fmt::print("{} rounds in which both were forwarded, {} of them to two backends\n", both, apart);
  EXPECT_GT(both, 0);
  // But where one looked while the other wrote, a moment of nanoseconds.
  EXPECT_LE(apart, both / 10);
}

TEST_P(ConcurrencyTest, NoTwoFlowsGetTheSameSourcePort) {
  fl_config& config = node_->tables().config();
  config.snat_port_first = 2000;
  config.snat_port_last = 2003;
  constexpr int kRounds = 10'000, kEach = 2;
  std::array<std::vector<Sent>, kThreads> sent;
  in_rounds(
      [&](std::size_t thread, int round) {
        sent[thread].clear();
        for (int i = 0; i < kEach; ++i) {
          const int client = 1024 + round * kEach + i + static_cast<int>(thread) * 30'000;
          if (const auto one = send(thread, static_cast<std::uint16_t>(client), 81))
            sent[thread].push_back(*one);
        }
      },
      [&](int round) {
        expect_whole(fmt::format("round {}", round));
        std::set<Endpoint> sources;
        for (const auto& of_thread : sent)
          for (const Sent& one : of_thread)
            EXPECT_TRUE(sources.insert(one.source).second)
                << to_string(one.source) << " is two flows'";
        node_->tables().wipe_flows();
        return round < kRounds;
      });
}

TEST_P(ConcurrencyTest, AFullTableStaysWholeWhileMarksAreSwept) {
  const auto buckets = node_->programs().mapped<fl_bucket4>("flows4");
  const fl_timeouts timeouts = node_->tables().config().timeouts;
  constexpr int kSweeps = 200, kRounds = 2'000;
  std::atomic<int> sweeps = 0;
  std::atomic<bool> done = false;
  ebpf::MarkSweep all;
  std::jthread sweeper([&] {
    for (; !done; ++sweeps) {
      const auto swept = ebpf::sweep_marks(buckets, timeouts, [&] { wait_for_programs(); });
      all.marked += swept.marked;
      all.cleared += swept.cleared;
      all.freed += swept.freed;
    }
  });
  std::array<std::uint64_t, kThreads> forwarded{};
  in_rounds(
      [&](std::size_t thread, int round) {
        for (int i = 0; i < 20; ++i) {
          const int client = 1024 + (round * 20 + i) % 20'000 + static_cast<int>(thread) * 20'000;
          forwarded[thread] += send(thread, static_cast<std::uint16_t>(client), 80) ? 1U : 0U;
        }
      },
      [&](int round) {
        // Most flows have had their time, and now and then all.
        for (fl_flow4* flow : node_->tables().flows4()) {
          const bool reply = (flow->state & FL_FLOW_REPLY) != 0;
          const int client = ntohs(reply ? flow->new_destination_port : flow->source_port);
          if (client % 4 || round % 8 == 0)
            std::atomic_ref(flow->stamp).fetch_sub(fl_stamp(2000, 0));
        }
        return round < kRounds || sweeps < kSweeps;
      });
  done = true;
  sweeper.join();
  expect_reachable_all();
  fmt::print("{} flows; of {} marks {} were cleared, {} entries freed\n",
             forwarded[0] + forwarded[1], all.marked, all.cleared, all.freed);
  EXPECT_GT(all.cleared, 0U);
  EXPECT_GT(forwarded[0], 0U);
}

}  // namespace
}  // namespace fairlead::test
