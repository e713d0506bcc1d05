// The whole object through this kernel's verifier.
#include "dataplane/ebpf/load.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace fairlead::ebpf {
namespace {

constexpr std::uint64_t kGi = std::uint64_t{1} << 30;

TEST(Object, IsLoadedByThisKernelWithAndWithoutItsFeatures) {
  const auto features = probe_bpf();
  ASSERT_TRUE(features) << features.error().doing;
  for (const BpfFeatures& variant : {*features, BpfFeatures{}}) {
    const auto object = load(sizes_of({}, kGi), variant, [](const std::string&) { return -1; });
    ASSERT_TRUE(object) << object.error().doing;
    EXPECT_EQ(object->programs().size(), object->program_names().size());
    for (const BpfProgram& program : object->programs()) {
      std::printf("%-24s %-20s %6u instructions verified\n", program.name.c_str(),
                  program.section.c_str(), program.verified_instructions);
      EXPECT_LE(program.verified_instructions, 100'000U) << program.name;
    }
  }
}

TEST(Object, AdoptsMapsOfItsOwnShapeAndNoOthers) {
  const Sizes sizes = sizes_of({}, kGi);
  const auto first = load(sizes, {}, [](const std::string&) { return -1; });
  ASSERT_TRUE(first) << first.error().doing;
  const auto find = [&](const std::string& map) { return first->map_fd(map); };
  EXPECT_TRUE(load(sizes, {}, find));
  Sizes others = sizes;
  others.records *= 2;
  const auto refused = load(others, {}, find);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().doing.find("records"), std::string::npos) << refused.error().doing;
}

TEST(Object, CountsJiffiesFromTheSamePointWheneverItIsAsked) {
  const auto first = probe_bpf(), second = probe_bpf();
  ASSERT_TRUE(first && second);
  ASSERT_NE(first->jiffy_ns, 0U);
  EXPECT_LE(second->first_jiffy - first->first_jiffy + 2, 4U);
}

}  // namespace
}  // namespace fairlead::ebpf
