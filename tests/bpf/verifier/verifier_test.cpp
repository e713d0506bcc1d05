// Every program passes the verifier, and what the verifier walked is printed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/bpf/harness/programs.hpp"

namespace fairlead::test {
namespace {

/// What we aim at: far below the kernel's limit of a million, so that a patch release of the kernel
/// whose verifier walks more paths does not refuse what it took before.
constexpr std::uint32_t kAim = 10'000;
/// What is refused here.
constexpr std::uint32_t kMostInstructions = 200'000;

TEST(Verifier, TakesEveryProgramWithinTheBudget) {
  const auto programs = Programs::load({});
  ASSERT_TRUE(programs) << programs.error().doing;
  const auto loaded = programs->object().programs();
  ASSERT_FALSE(loaded.empty());
  fmt::print("{:<32} {:<24} {:>12} {:>12}\n", "program", "section", "verified", "translated");
  for (const BpfProgram& program : loaded) {
    fmt::print("{:<32} {:<24} {:>12} {:>10} B{}\n", program.name, program.section,
               program.verified_instructions, program.translated_bytes,
               program.verified_instructions > kAim ? "  more than the aim" : "");
    EXPECT_LE(program.verified_instructions, kMostInstructions) << program.name;
  }
}

}  // namespace
}  // namespace fairlead::test
