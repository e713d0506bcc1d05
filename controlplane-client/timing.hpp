// Every limit in time of the client, in one value: a parameter, so that tests wait for milliseconds
// and not for minutes.
#pragma once

#include <chrono>

namespace fairlead::client {

struct Timing {
  using Duration = std::chrono::milliseconds;
  Duration connect{std::chrono::seconds(10)};  // name lookup, TCP and TLS handshake, each
  Duration header{std::chrono::seconds(60)};   // from the request to the end of the answer's header
  Duration body{std::chrono::seconds(30)};     // between two pieces of an answer's body
  Duration whole_body{std::chrono::minutes(5)};  // of an answer that is not a watch
  /// A watch without any byte for so long is given up. API servers send a bookmark about once a
  /// minute.
  Duration silence{std::chrono::seconds(150)};
  Duration tcp_user_timeout{
      std::chrono::seconds(30)};  // unacknowledged data; also the keepalive's limit
  /// A watch is asked to end after a random time between these two.
  Duration watch_min{std::chrono::seconds(300)};
  Duration watch_max{std::chrono::seconds(600)};
  /// Everything is listed again after a random time between two thirds of this and this.
  Duration relist{std::chrono::minutes(30)};
  /// A watch that ends sooner and brought nothing counts as a failure.
  Duration watch_too_short{std::chrono::seconds(1)};
  Duration backoff_first{800};
  Duration backoff_limit{std::chrono::seconds(30)};
  Duration retry_after_limit{
      std::chrono::minutes(2)};  // a server may not send us to sleep for longer
  Duration token_reread{std::chrono::seconds(60)};
};

}  // namespace fairlead::client
