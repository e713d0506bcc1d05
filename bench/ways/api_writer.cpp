// A list of objects -> a few coroutines, each of which takes the next one until none is left.
#include "bench/ways/api_writer.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <functional>
#include <optional>

#include "controlplane-client/api_client.hpp"

namespace fairlead::bench {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr int kWriters = 16;
constexpr const char* kMergePatch = "application/merge-patch+json";

using WriteOne = std::function<client::Awaitable<Result<>>(const ApiObject&)>;

struct Progress {
  const std::vector<ApiObject>* objects;
  WriteOne write;
  std::size_t next = 0;
  std::optional<Error> failed;  // the first; nobody begins another object then
};

client::Awaitable<void> work(Progress& progress) {
  while (!progress.failed && progress.next < progress.objects->size()) {
    const ApiObject& object = (*progress.objects)[progress.next++];
    auto written = co_await progress.write(object);
    if (!written && !progress.failed)
      progress.failed =
          prefix(object.collection + '/' + object.name, std::move(written).error()).value();
  }
}

}  // namespace

struct ApiWriter::Impl {
  asio::io_context io;
  std::unique_ptr<client::ApiClient> api;

  client::Awaitable<Result<>> patch(std::string target, json::value body) {
    auto answer = co_await api->patch(std::move(target), kMergePatch, std::move(body));
    if (!answer) co_return tl::unexpected(std::move(answer).error());
    co_return Result<>();
  }
  client::Awaitable<Result<>> create(const ApiObject& object) {
    auto made = co_await api->post(object.collection, object.body);
    if (!made) co_return tl::unexpected(std::move(made).error());
    if (object.status.empty()) co_return Result<>();
    json::object body{{"status", object.status}};
    co_return co_await patch(object.collection + '/' + object.name + "/status", std::move(body));
  }
  Result<> run(const std::vector<ApiObject>& objects, WriteOne write) {
    Progress progress{&objects, std::move(write), 0, std::nullopt};
    for (int i = 0; i < kWriters; ++i)
      asio::co_spawn(io, work(progress), [](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
      });
    io.restart();
    io.run();
    if (progress.failed) return tl::unexpected(*std::move(progress.failed));
    return {};
  }
};

ApiWriter::ApiWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiWriter::ApiWriter(ApiWriter&&) noexcept = default;
ApiWriter& ApiWriter::operator=(ApiWriter&&) noexcept = default;
ApiWriter::~ApiWriter() = default;

Result<ApiWriter> ApiWriter::open(const std::string& kubeconfig) {
  TRY(const client::ClientConfig config, client::load_kubeconfig({kubeconfig}));
  auto impl = std::make_unique<Impl>();
  TRY(impl->api, client::ApiClient::create(config, client::Timing{}, "fairlead-bench"));
  return ApiWriter(std::move(impl));
}

Result<> ApiWriter::create(const std::vector<ApiObject>& objects) {
  return impl_->run(objects, [this](const ApiObject& object) { return impl_->create(object); });
}

Result<> ApiWriter::update(const std::vector<ApiObject>& objects) {
  return impl_->run(objects, [this](const ApiObject& object) {
    return impl_->patch(object.collection + '/' + object.name, object.body);
  });
}

}  // namespace fairlead::bench
