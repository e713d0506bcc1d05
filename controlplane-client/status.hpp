// How the client is doing, as values for status, health and metrics.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::client {

/// How one resource is doing; a value for status, health and metrics. Points in time: steady clock,
/// epoch = never.
struct ResourceStatus {
  enum class State : std::uint8_t {
    kStopped,
    kConnecting,
    kListing,
    kWatching,
    kWaiting
  };  // kWaiting: to try again
  using TimePoint = std::chrono::steady_clock::time_point;
  State state = State::kStopped;
  bool synced = false;
  TimePoint last_contact{};  // anything at all arrived from the server
  TimePoint last_list{};     // a list was completed
  std::string last_error;    // "" once a watch is established again
  std::string resource_version;
  std::size_t objects = 0;  // that exist in the server, also those that could not be decoded
  std::uint64_t lists = 0, watches = 0, events = 0, errors = 0, undecodable = 0;
};
std::string_view to_string(ResourceStatus::State state);

}  // namespace fairlead::client
