// The way of a write, for clients and controllers alike: prepared by the rules of api/, compared
// and swapped in the store, and tried again when somebody else was first and the request did not
// insist on a revision.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json.hpp>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/api/allocators.hpp"
#include "controlplane/api/decode.hpp"
#include "controlplane/api/prepare.hpp"
#include "controlplane/api/resource.hpp"
#include "controlplane/api/status.hpp"
#include "controlplane/store/store.hpp"
#include "model/object.hpp"

namespace fairlead::registry {

using Clock = std::function<Time()>;

/// One object, or one subresource of it, as a URL names it.
struct Target {
  // No aggregate: g++ 12 destroys a braced temporary of a co_await expression twice.
  explicit Target(const api::ResourceType* of_type, std::string in_namespace = {},
                  std::string with_name = {}, std::string and_subresource = {})
      : type(of_type),
        ns(std::move(in_namespace)),
        name(std::move(with_name)),
        subresource(std::move(and_subresource)) {}

  const api::ResourceType* type;
  std::string ns;  // "" for kinds without namespace
  std::string name;
  std::string subresource;
};

struct Written {
  boost::json::object object;  // as the type shows it, with its resourceVersion
  bool created = false;
};

struct Deleted {
  boost::json::object object;
  bool removed = true;  // false: finalizers hold it
};

struct Patch {
  std::string content_type;
  std::string body;
  api::FieldValidation validation = api::FieldValidation::kWarn;
};

/// "services/default/web" or "nodes/node1"; and what all keys of a namespace ("" for all
/// namespaces) begin with.
std::string key_of(const api::ResourceType& type, std::string_view ns, std::string_view name);
std::string prefix_of(const api::ResourceType& type, std::string_view ns);
/// The object as `type` shows it.
boost::json::object shown(const api::ResourceType& type, const store::Object& object);

class Registry {
 public:
  /// `store` must outlive the registry.
  Registry(store::Store& store, api::Allocators allocators, std::uint64_t seed, Clock now);

  /// Takes note of what the stored objects hold. To be called once, before the first write. The
  /// problems name what is held twice.
  std::vector<Problem> adopt_stored();

  boost::asio::awaitable<api::ApiResult<Written>> create(Target target, boost::json::object object,
                                                         bool dry_run = false);
  boost::asio::awaitable<api::ApiResult<Written>> update(Target target, boost::json::object object,
                                                         bool dry_run = false);
  /// `warnings` must live until this returns.
  boost::asio::awaitable<api::ApiResult<Written>> patch(Target target, Patch patch, bool dry_run,
                                                        std::vector<std::string>& warnings);
  boost::asio::awaitable<api::ApiResult<Deleted>> remove(Target target, api::DeleteOptions options);
  boost::asio::awaitable<api::ApiResult<Deleted>> remove(Target target);

  [[nodiscard]] store::Store& store() { return store_; }
  [[nodiscard]] Time now() const { return now_(); }
  [[nodiscard]] std::mt19937_64& random() { return random_; }

 private:
  using Change = std::function<api::ApiResult<boost::json::object>(const boost::json::object& old)>;

  boost::asio::awaitable<api::ApiResult<Written>> modify(Target target, Change change,
                                                         bool dry_run);
  [[nodiscard]] api::ApiResult<void> check_namespace(const Target& target) const;
  api::WriteContext context(bool dry_run) { return {allocators_, random_, now_(), dry_run}; }

  store::Store& store_;
  api::Allocators allocators_;
  std::mt19937_64 random_;
  Clock now_;
};

}  // namespace fairlead::registry
