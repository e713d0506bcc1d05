// Coroutines of ApiClient, run to their end.
#include "bench/cluster/api.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>

#include "controlplane-client/tls.hpp"

namespace fairlead::bench {

namespace asio = boost::asio;
namespace json = boost::json;

Result<std::unique_ptr<Api>> Api::open(const std::string& kubeconfig) {
  TRY(const client::ClientConfig config, client::load_kubeconfig({kubeconfig}));
  TRY(auto made, client::ApiClient::create(config, client::Timing{}, "fairlead-bench"));
  TRY(client::ServerAddress address, client::parse_server(config.server));
  return std::unique_ptr<Api>(new Api(std::move(made), std::move(address)));
}

void Api::run() {
  context_.restart();
  context_.run();
}

template <class T>
Result<T> Api::wait_for(client::Awaitable<Result<T>> request) {
  Result<T> answer = invalid("no answer");
  asio::co_spawn(context_, std::move(request),
                 [&answer](const std::exception_ptr& thrown, Result<T> given) {
                   if (thrown) std::rethrow_exception(thrown);
                   answer = std::move(given);
                 });
  run();
  return answer;
}

Result<json::value> Api::get(const std::string& target) { return wait_for(client_->get(target)); }

Result<> Api::create(const std::string& target, json::value object) {
  TRY([[maybe_unused]] const auto created, wait_for(client_->post(target, std::move(object))));
  return {};
}

Result<> Api::merge(const std::string& target, json::value patch) {
  TRY([[maybe_unused]] const auto patched,
      wait_for(client_->patch(target, "application/merge-patch+json", std::move(patch))));
  return {};
}

client::Awaitable<Result<std::unique_ptr<client::Connection>>> Api::connect() {
  const client::ClientConfig& config = client_->config();
  auto tls = client::tls_options(config, address_, config.client_certificate, config.client_key);
  if (!tls) co_return tl::unexpected(tls.error());
  co_return co_await client::Connection::open(address_, *tls, client::Timing{});
}

client::Awaitable<Result<>> Api::write(client::Connection& connection, std::string method,
                                       std::string target, json::value body) {
  client::HttpRequest request;
  request.content_type = method == "PATCH" ? "application/merge-patch+json" : "application/json";
  request.method = std::move(method);
  request.target = std::move(target);
  request.body = json::serialize(body);
  const auto head = co_await connection.exchange(request);
  if (!head) co_return tl::unexpected(head.error());
  std::string answer;
  for (;;) {
    const auto piece = co_await connection.read(std::chrono::seconds(30));
    if (!piece) co_return tl::unexpected(piece.error());
    if (piece->empty()) break;
    answer.append(*piece);
  }
  if (head->status / 100 != 2)
    co_return invalid(fmt::format("{}: {}: {}", request.target, head->status, answer));
  co_return Result<>{};
}

client::Awaitable<Result<>> Api::create_in_turn(const std::string& target,
                                                std::vector<json::value>& objects,
                                                std::size_t& next) {
  const auto connection = co_await connect();
  if (!connection) co_return tl::unexpected(connection.error());
  while (next < objects.size()) {
    json::value object = std::move(objects[next++]);
    const auto created = co_await write(**connection, "POST", target, std::move(object));
    if (!created) co_return tl::unexpected(created.error());
  }
  co_return Result<>{};
}

Result<> Api::create_all(const std::string& target, std::vector<json::value> objects,
                         std::size_t at_once) {
  std::size_t next = 0;
  Result<> all;
  for (std::size_t i = 0; i < at_once; ++i)
    asio::co_spawn(context_, create_in_turn(target, objects, next),
                   [&](const std::exception_ptr& thrown, const Result<>& done) {
                     if (thrown) std::rethrow_exception(thrown);
                     if (done) return;
                     all = done;
                     next = objects.size();
                   });
  run();
  return all;
}

}  // namespace fairlead::bench
