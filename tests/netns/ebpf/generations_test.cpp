// A generation hands over to another, of the same layout or of one that the agent does not know,
// and is gone when nobody uses it any more: never before, and with everything of it.
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <filesystem>

#include "bpf/abi/sockets.h"
#include "dataplane/ebpf/figures.hpp"
#include "dataplane/ebpf/generation.hpp"
#include "tests/netns/ebpf/generation_fixture.hpp"

namespace fairlead::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr std::uint32_t kFlows = 1 << 10, kMoreFlows = 1 << 11;

class Generations : public GenerationTest {
 protected:
  [[nodiscard]] Clients clients() const { return {world->ext, world->node, world->pod2, at}; }
  /// Of UDP pod1 still serves what it has.
  [[nodiscard]] Plan moved() const { return plan_to("far", {at.pod1}); }
  /// A first agent, and its generation.
  std::string begin() {
    start_agent(kFlows, plan_to("pod1"));
    const auto names = generations();
    EXPECT_THAT(names, SizeIs(1));
    return names.empty() ? "" : names.front();
  }
  /// As an agent of another version would have called it.
  std::string rename_to_layout(const std::string& name, unsigned layout) const {
    std::string other = "abi" + std::to_string(layout) + name.substr(name.find('-'));
    std::filesystem::rename(path_of(name), path_of(other));
    return other;
  }
  /// An agent that starts asks at once who is left, one that runs every minute.
  [[nodiscard]] bool stays(const std::string& generation) {
    start_agent(kMoreFlows, moved());
    return testing::Value(generations(), Contains(generation));
  }
  /// Sockets that were closed are freed a moment later.
  [[nodiscard]] bool goes(const std::string& generation) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < deadline)
      if (!stays(generation)) return true;
    return false;
  }
  void expect_one_generation() {
    EXPECT_THAT(generations(), SizeIs(1));
    EXPECT_EQ(programs_at_link(), 1U);
    EXPECT_EQ(programs_at_connect(), 1U);
  }
};

TEST_P(Generations, AChangeOfSizeKeepsEveryFlowUntilTheLastHasEnded) {
  const std::string old = begin();
  Clients before = clients();
  before.expect_all_at("pod1");

  start_agent(kMoreFlows, moved());
  EXPECT_THAT(generations(), SizeIs(2));
  EXPECT_EQ(programs_at_link(), 2U);
  EXPECT_EQ(programs_at_connect(), 2U);
  Clients after = clients();
  for (int i = 0; i < 2; ++i) {
    before.expect_all_at("pod1");
    after.expect_all_at("far");
  }
  EXPECT_TRUE(stays(old));
  before.expect_all_at("pod1");
  before.close_sockets();
  EXPECT_TRUE(stays(old)) << "flows are left";
  before.expect_outside_at("pod1");
  age_flows(old);
  EXPECT_TRUE(goes(old));
  expect_one_generation();
  after.expect_all_at("far");
  EXPECT_THAT(reported, ElementsAre());
}

TEST_P(Generations, AChangeOfSizeKeepsEverySocketUntilTheLastIsClosed) {
  const std::string old = begin();
  Clients before = clients();
  before.expect_all_at("pod1");
  start_agent(kMoreFlows, moved());
  age_flows(old);
  EXPECT_TRUE(stays(old));
  before.expect_sockets_at("pod1");
  before.close_sockets();
  EXPECT_TRUE(goes(old));
  expect_one_generation();
  EXPECT_THAT(reported, ElementsAre());
}

TEST_P(Generations, AnotherLayoutGoesOnAndIsRemovedWhenItsLastUseIsLongAgo) {
  std::string old = begin();
  Clients before = clients();
  before.expect_all_at("pod1");
  datapath.reset();
  old = rename_to_layout(old, 99);

  start_agent(kMoreFlows, moved());
  Clients after = clients();
  before.expect_all_at("pod1");
  after.expect_all_at("far");
  const BpfMapping config = memory_of(old, "config");
  fl_config_head& head = head_in(config);
  EXPECT_EQ(head.mode, FL_MODE_DRAINING);

  before.close_sockets();
  EXPECT_TRUE(stays(old)) << "it may have flows";
  head.last_use = ebpf::now_ticks() - head.longest_timeout + 60;
  EXPECT_TRUE(stays(old)) << "it may have flows";
  const std::uint32_t old_use = head.last_use;
  before.expect_outside_at("pod1");
  EXPECT_NE(std::atomic_ref(head.last_use).load(), old_use) << "packets are use";
  EXPECT_TRUE(stays(old)) << "it has flows";
  // What its tables hold is not for us to read.
  head.last_use = ebpf::now_ticks() - head.longest_timeout - 1;
  EXPECT_TRUE(goes(old));
  expect_one_generation();
  after.expect_all_at("far");
  EXPECT_THAT(reported, ElementsAre());
}

TEST_P(Generations, AnotherLayoutStaysAsLongAsASocketDoes) {
  const std::string old = rename_to_layout(begin(), 99);
  for (const bool is_tcp : {true, false}) {
    Client client(world->node, family(), is_tcp ? Protocol::kTcp : Protocol::kUdp);
    ASSERT_EQ(client.connect({at.service, 80}), 0);
    if (is_tcp) {
      ASSERT_EQ(client.receive().server, "pod1");
    }
    ASSERT_TRUE(stays(old));
    const BpfMapping config = memory_of(old, "config");
    head_in(config).last_use = ebpf::now_ticks() - head_in(config).longest_timeout - 1;
    EXPECT_TRUE(stays(old)) << (is_tcp ? "a stream" : "a socket");
    EXPECT_EQ(client.ask().server, "pod1");
    if (!is_tcp) continue;
    // The UDP socket is to be one of the old generation, too.
    std::atomic_ref(head_in(config).mode).store(FL_MODE_ACTIVE);
  }
  EXPECT_TRUE(goes(old));
  EXPECT_THAT(reported, ElementsAre());
}

TEST_P(Generations, UnderAnotherDatapathAnotherLayoutIsRemovedToo) {
  const std::string old = rename_to_layout(begin(), 99);
  datapath.reset();
  Clients before = clients();
  before.expect_all_at("pod1");
  const auto former = open(kFlows);
  const auto drain = [&] {
    const auto gone = former->drain(plan_to("pod1"));
    EXPECT_TRUE(gone) << gone.error().doing;
    return gone.value_or(false);
  };
  EXPECT_FALSE(drain());
  before.expect_all_at("pod1");
  EXPECT_EQ(ask(world->ext, {.to = at.node, .port = {30080}}).outcome, Outcome::kRefused);
  {
    const BpfMapping config = memory_of(old, "config");
    head_in(config).last_use = ebpf::now_ticks() - head_in(config).longest_timeout - 1;
  }
  EXPECT_FALSE(drain()) << "sockets are left";
  before.close_sockets();
  bool gone = false;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!gone && std::chrono::steady_clock::now() < deadline) gone = drain();
  EXPECT_TRUE(gone);
  EXPECT_EQ(programs_at_link(), 0U);
  EXPECT_EQ(programs_at_connect(), 0U);
  EXPECT_FALSE(std::filesystem::exists(path_of("")));
  EXPECT_THAT(reported, ElementsAre());
}

TEST_P(Generations, WhatCannotBeReadIsToldOnceAndLeftAlone) {
  const std::string intact = begin();
  start_agent(kMoreFlows, plan_to("pod1"));
  ASSERT_FALSE(testing::Value(generations(), Contains(intact))) << "nobody used it";
  datapath.reset();
  const std::string ancient = rename_to_layout(generations().front(), FL_ABI_FIRST - 1);
  start_agent(kFlows, plan_to("pod1"));
  datapath.reset();
  const std::string broken = rename_to_layout(intact, 98);
  std::filesystem::remove(path_of(broken) + "/maps/streams");

  start_agent(kMoreFlows, plan_to("pod1"));
  EXPECT_THAT(reported, testing::Contains(HasSubstr(path_of(broken) + "/maps/streams")).Times(1));
  reported.clear();
  start_agent(kMoreFlows, plan_to("pod1"));
  for (int i = 0; i < 3; ++i) resync(plan_to("pod1"));
  EXPECT_THAT(reported, testing::UnorderedElementsAre(HasSubstr(path_of(ancient)),
                                                      HasSubstr(path_of(broken))));
  for (const std::string& name : {ancient, broken}) {
    const BpfMapping config = memory_of(name, "config");
    EXPECT_EQ(head_in(config).mode, FL_MODE_ACTIVE) << name;
    EXPECT_TRUE(std::filesystem::exists(path_of(name) + "/links/connect4"));
  }
  EXPECT_EQ(ask(world->ext, {.to = at.node, .port = {30080}}).server, "pod1");
}

TEST_P(Generations, WhatWasNeverAttachedIsRemoved) {
  std::filesystem::create_directories(path_of("abi99-5/links/priority-4003"));
  std::filesystem::create_directories(path_of("abi99-5/maps"));
  const std::string own = begin();
  EXPECT_THAT(generations(), ElementsAre(own));
  EXPECT_THAT(reported, ElementsAre());
}

INSTANTIATE_TEST_SUITE_P(, Generations, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& param) {
                           return param.param == Family::kIpv4 ? "Ipv4" : "Ipv6";
                         });

/// An SK_STORAGE of another layout, whose elements are `bytes` long.
Fd make_socket_storage(std::uint32_t bytes) {
  const std::unique_ptr<btf, void (*)(btf*)> types(btf__new_empty(), &btf__free);
  const int key = btf__add_int(types.get(), "int", 4, BTF_INT_SIGNED);
  const int byte = btf__add_int(types.get(), "byte", 1, 0);
  const int value = btf__add_array(types.get(), key, byte, bytes);
  EXPECT_EQ(btf__load_into_kernel(types.get()), 0);
  bpf_map_create_opts options{};
  options.sz = sizeof(options);
  options.map_flags = BPF_F_NO_PREALLOC;
  options.btf_fd = static_cast<__u32>(btf__fd(types.get()));
  options.btf_key_type_id = static_cast<__u32>(key);
  options.btf_value_type_id = static_cast<__u32>(value);
  return Fd(bpf_map_create(BPF_MAP_TYPE_SK_STORAGE, "other_layout", 4, bytes, 0, &options));
}

TEST(SocketIterator, CountsSocketsOfStoragesOfAnySize) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to load BPF programs";
  const auto object = ebpf::load_iterators();
  ASSERT_TRUE(object) << object.error().doing;
  const int iterator = object->program_fd(ebpf::kSocketIterator);
  for (const std::uint32_t bytes : {8U, 1024U}) {
    const Fd map = make_socket_storage(bytes);
    ASSERT_TRUE(map) << bytes;
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int key = socket.get();
    const std::vector<std::byte> value(bytes);
    const auto seen = [&] { return ebpf::run_iterator(iterator, map.get()).value().size(); };
    EXPECT_EQ(seen(), 0U);
    ASSERT_EQ(bpf_map_update_elem(map.get(), &key, value.data(), BPF_ANY), 0);
    EXPECT_EQ(seen(), 1U);
  }
}

}  // namespace
}  // namespace fairlead::test
