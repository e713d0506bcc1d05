// Datapaths that are not in use any more, over an io_context.
#include "agent/former_datapaths.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "tests/unit/agent/fakes.hpp"

namespace fairlead {
namespace {

using ::testing::ElementsAre;

/// Keeps its calls where the test sees them after it is gone.
class Leaving : public FakeDatapath {
 public:
  Leaving(std::vector<std::string>& told, bool& is_gone) : told_(told), is_gone_(is_gone) {}
  ~Leaving() override {
    told_ = calls;
    is_gone_ = true;
  }
  Leaving(Leaving&&) = delete;

 private:
  std::vector<std::string>& told_;
  bool& is_gone_;
};

class Draining : public ::testing::Test {
 protected:
  std::vector<std::unique_ptr<Datapath>> one(unsigned drains_left, unsigned failures) {
    auto made = std::make_unique<Leaving>(told, is_gone);
    made->drains_left = drains_left;
    made->fail_next = failures;
    std::vector<std::unique_ptr<Datapath>> datapaths;
    datapaths.push_back(std::move(made));
    return datapaths;
  }

  static Plan nothing() { return {}; }

  std::vector<std::string> told;
  bool is_gone = false;
  boost::asio::io_context io{1};
};

TEST_F(Draining, GoesOnUntilNothingIsLeft) {
  FormerDatapaths former(io, one(3, 0), std::chrono::milliseconds(1), nothing,
                         log::Logger(log::Options{}));
  boost::asio::co_spawn(io, former.drain(), boost::asio::detached);
  io.run_for(std::chrono::seconds(10));
  EXPECT_TRUE(is_gone);
  EXPECT_THAT(told, ElementsAre("drain", "drain", "drain"));
}

TEST_F(Draining, AFailureIsTriedAgain) {
  FormerDatapaths former(io, one(1, 2), std::chrono::milliseconds(1), nothing,
                         log::Logger(log::Options{}));
  boost::asio::co_spawn(io, former.drain(), boost::asio::detached);
  io.run_for(std::chrono::seconds(10));
  EXPECT_TRUE(is_gone);
  EXPECT_THAT(told, ElementsAre("drain", "drain", "drain"));
}

TEST_F(Draining, EndsWhenTheAgentStops) {
  FormerDatapaths former(io, one(1'000'000, 0), std::chrono::hours(1), nothing,
                         log::Logger(log::Options{}));
  bool ended = false;
  boost::asio::co_spawn(io, former.drain(), [&](const std::exception_ptr&) { ended = true; });
  io.poll();
  boost::asio::post(io, [&] { former.stop(); });
  io.run_for(std::chrono::seconds(10));
  EXPECT_TRUE(ended);
  EXPECT_FALSE(is_gone);
}

}  // namespace
}  // namespace fairlead
