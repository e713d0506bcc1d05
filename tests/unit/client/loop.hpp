// One io_context, in which the test, the client and the server take turns; nothing here sleeps.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>

#include "controlplane-client/timing.hpp"

namespace fairlead::client::test {

/// Runs the loop until `true_now`. The limit is against hanging and no measure of speed.
template <class Predicate>
void eventually(boost::asio::io_context& io, Predicate true_now) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!true_now()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "it never came true";
    if (io.stopped()) io.restart();
    io.run_one_for(std::chrono::milliseconds(50));
  }
}

/// Limits in milliseconds, where the real ones are minutes.
inline Timing quick() {
  using std::chrono::milliseconds;
  Timing timing;
  timing.connect = milliseconds(2000);
  timing.header = milliseconds(1000);
  timing.body = milliseconds(1000);
  timing.whole_body = milliseconds(5000);
  timing.silence = milliseconds(5000);
  timing.watch_min = timing.watch_max = milliseconds(60000);
  timing.watch_too_short = milliseconds(2);
  timing.backoff_first = milliseconds(1);
  timing.backoff_limit = milliseconds(8);
  timing.retry_after_limit = milliseconds(20);
  return timing;
}

}  // namespace fairlead::client::test
