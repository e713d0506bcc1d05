// listen -> in use -> again in 5 s, as kube-proxy does without bindAddressHardFail.
#include "agent/listeners.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace fairlead {
namespace {

constexpr std::chrono::seconds kRetry{5};

http::ServerOptions server_options(http::Handler handler, log::Logger log) {
  return {.handler = std::move(handler),
          .limits = {.body_bytes = 0, .connections = 256, .idle_timeout = std::chrono::seconds(60)},
          .on_error = [log](const Error& error) {
            log.warn("http server failed", {{"error", error}});
          }};
}

}  // namespace

Listener::Listener(boost::asio::io_context& io, std::string name,
                   std::optional<ListenAddress> address, http::Handler handler, log::Logger log)
    : name_(std::move(name)),
      address_(address),
      log_(log),
      server_(io, server_options(std::move(handler), std::move(log))),
      timer_(io) {}

Result<> Listener::attempt() {
  const auto port =
      server_.listen_tcp({.address = to_string(address_->ip), .port = address_->port.host});
  if (!port) return prefix("serve " + name_, port.error());
  listening_ = true;
  log_.info("serving " + name_, {{"address", to_string(*address_)}});
  return {};
}

Result<> Listener::listen(bool hard_fail) {
  if (!address_) return {};
  const Result<> first = attempt();
  if (first || hard_fail) return first;
  log_.error("cannot serve yet, will try again",
             {{"error", first.error()}, {"retry_s", kRetry.count()}});
  return {};
}

boost::asio::awaitable<void> Listener::keep_trying() {
  while (address_ && !listening_ && !stopped_) {
    timer_.expires_after(kRetry);
    co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    // The same error each time: it was logged once.
    if (!stopped_) (void)attempt();
  }
}

void Listener::stop() {
  stopped_ = true;
  timer_.cancel();
  server_.stop();
}

}  // namespace fairlead
