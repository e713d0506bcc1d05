// each datapath -> drain() on a worker -> gone, or asked again after a while
//
// A drain may read the whole kernel, so it has a thread of its own. No datapath here is used by
// anybody else.
#include "agent/former_datapaths.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace fairlead {
namespace {

namespace asio = boost::asio;

asio::awaitable<Result<bool>> call_drain(Datapath& datapath, const Plan& now) {
  co_return datapath.drain(now);
}

}  // namespace

FormerDatapaths::FormerDatapaths(asio::io_context& io,
                                 std::vector<std::unique_ptr<Datapath>> datapaths,
                                 std::chrono::milliseconds period, std::function<Plan()> plan,
                                 log::Logger log)
    : datapaths_(std::move(datapaths)),
      period_(period),
      plan_(std::move(plan)),
      log_(std::move(log)),
      timer_(io) {}

FormerDatapaths::~FormerDatapaths() { worker_.join(); }

void FormerDatapaths::stop() {
  stopped_ = true;
  timer_.cancel();
}

asio::awaitable<bool> FormerDatapaths::drain_one(Datapath& datapath) {
  const Plan now = plan_();
  Result<bool> drained =
      co_await asio::co_spawn(worker_, call_drain(datapath, now), asio::use_awaitable);
  if (!drained) {
    log_.warn("cannot drain a datapath that is not in use, will try again",
              {{"datapath", datapath.name()}, {"error", drained.error()}});
    co_return false;
  }
  if (*drained) log_.debug("nothing left of a datapath", {{"datapath", datapath.name()}});
  co_return *drained;
}

asio::awaitable<void> FormerDatapaths::drain() {
  while (!stopped_) {
    for (auto& datapath : datapaths_) {
      if (stopped_) co_return;
      const bool gone = co_await drain_one(*datapath);
      if (gone) datapath.reset();
    }
    std::erase(datapaths_, nullptr);
    if (datapaths_.empty() || stopped_) co_return;
    timer_.expires_after(period_);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

}  // namespace fairlead
