// Event -> queue -> reconcile: the Service as it is stored -> its wish and what it has -> the
// book's answer -> its status, if that differs, and an Event, if something could not be had. When
// an address has become free, or pools have changed, those that were refused are looked at again.
//
// The book is only ever told what the store says: an answer that could not be written is asked for
// again.
#include "controlplane/controllers/load_balancer.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "controlplane/api/json_view.hpp"
#include "controlplane/controllers/service_wish.hpp"
#include "objects/bgp_objects.hpp"

namespace fairlead::controllers {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::chrono::milliseconds kBurst{10}, kNumbersBurst{200};
constexpr std::chrono::seconds kRetry{1};
constexpr std::size_t kAtOnce = 64;
constexpr const char* kComponent = "fairlead-load-balancer";

const api::ResourceType& service_type() { return *api::find_kind("", "v1", "Service"); }
const api::ResourceType& pool_type() {
  return *api::find_kind("fairlead.io", "v1alpha1", "AddressPool");
}

/// Without parsing: most Services are of another type. A false yes costs a look.
bool may_want_address(const store::Object& service) {
  return service.bytes.find("\"LoadBalancer\"") != std::string::npos;
}

ObjectName name_of(const store::Object& object) {
  return {std::string(object.metadata("namespace")), std::string(object.metadata("name"))};
}

registry::Patch merge_patch(const json::object& body) {
  return {"application/merge-patch+json", json::serialize(body), api::FieldValidation::kWarn};
}

json::object patch_of(const json::object& object, json::object status) {
  return {{"metadata", {{"uid", api::text_at(object, {"metadata", "uid"})}}},
          {"status", std::move(status)}};
}

json::object status_of(const addresses::PoolUse& use) {
  return {{"assignedIPv4", use.assigned_v4},
          {"assignedIPv6", use.assigned_v6},
          {"availableIPv4", use.available_v4},
          {"availableIPv6", use.available_v6}};
}

std::string list_of(const std::vector<Ip>& ips) {
  std::string text;
  for (const Ip& ip : ips) text += (text.empty() ? "" : ", ") + to_string(ip);
  return text;
}

}  // namespace

LoadBalancerController::LoadBalancerController(registry::Registry& registry, log::Logger log,
                                               const asio::any_io_executor& executor)
    : registry_(registry), log_(log), events_(registry, log, kComponent), queue_(executor) {
  for (const store::ObjectPtr& pool : registry_.store().all("addresspools/")) set_pool(*pool);
  adopt_services();
  follow_up();
  registry_.store().subscribe([this](const store::Event& event) { see(event); });
}

/// Nothing is given before everything that is in use is known. Of two Services with one address the
/// older keeps it.
void LoadBalancerController::adopt_services() {
  std::vector<std::pair<std::string, json::object>> services;  // by creation, then key
  for (const store::ObjectPtr& object : registry_.store().all("services/")) {
    if (!may_want_address(*object)) continue;
    json::object service = object->parse();
    if (!wants_address(service)) continue;
    services.emplace_back(std::string(object->metadata("creationTimestamp")) + ' ' + object->key,
                          std::move(service));
  }
  std::ranges::sort(services, {},
                    [](const auto& entry) -> const std::string& { return entry.first; });
  for (const auto& [order, service] : services) {
    const addresses::Wish wish = wish_of(service);
    book_.keep(wish, held_by(service));
    touch(wish.service);
  }
}

void LoadBalancerController::touch(ObjectName service) { queue_.add(std::move(service), kBurst); }

void LoadBalancerController::see(const store::Event& event) {
  const std::string_view collection = store::collection_of(event.object->key);
  if (collection == "services") see_service(event);
  if (collection == "addresspools") see_pool(event);
}

void LoadBalancerController::see_service(const store::Event& event) {
  ObjectName name = name_of(*event.object);
  if (may_want_address(*event.object) || book_.holds(name) || refused_.contains(name)) {
    touch(std::move(name));
  }
}

void LoadBalancerController::see_pool(const store::Event& event) {
  if (event.type != store::EventType::kDeleted) return set_pool(*event.object);
  for (ObjectName& service : book_.remove_pool(std::string(event.object->metadata("name")))) {
    touch(std::move(service));
  }
}

/// Its numbers are in the object, too, and change nothing here.
void LoadBalancerController::set_pool(const store::Object& object) {
  auto decoded = decode_address_pool(json::value(object.parse()));
  if (!decoded) return log_.error("address pool not used", {{"error", decoded.error().doing}});
  if (book_.is_same(decoded->object)) return;
  for (ObjectName& service : book_.set_pool(std::move(decoded->object))) touch(std::move(service));
  follow_up();
}

/// What the last change of the book means for others.
void LoadBalancerController::follow_up() {
  if (book_.take_freed()) {
    for (const auto& [service, refusal] : refused_) touch(service);
  }
  for (const std::string& pool : book_.take_changed()) queue_.add({"", pool}, kNumbersBurst);
}

/// Several at once, each of another object, since the storage commits groups of writes. The book is
/// asked between two waits, so that what is being written for one is nobody else's already.
asio::awaitable<void> LoadBalancerController::run() {
  const auto executor = co_await asio::this_coro::executor;
  for (;;) {
    using Work = decltype(asio::co_spawn(executor, work(Task{}), asio::deferred));
    std::vector<Work> batch;
    batch.push_back(asio::co_spawn(executor, work(co_await queue_.take()), asio::deferred));
    while (batch.size() < kAtOnce) {
      auto task = queue_.take_due();
      if (!task) break;
      batch.push_back(asio::co_spawn(executor, work(*std::move(task)), asio::deferred));
    }
    auto group = asio::experimental::make_parallel_group(std::move(batch));
    const auto [order, failures] =
        co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
    for (const std::exception_ptr& failure : failures) {
      if (failure) std::rethrow_exception(failure);
    }
  }
}

asio::awaitable<void> LoadBalancerController::work(Task task) {
  if (task.ns.empty()) {
    co_await write_use(std::move(task.name));
  } else {
    co_await reconcile(std::move(task));
  }
}

asio::awaitable<void> LoadBalancerController::reconcile(ObjectName name) {
  const store::ObjectPtr object =
      registry_.store().get(registry::key_of(service_type(), name.ns, name.name));
  json::object service = object ? object->parse() : json::object{};
  if (!wants_address(service)) {
    book_.release(name);
    refused_.erase(name);
    follow_up();
    co_return;
  }
  const std::vector<Ip> held = held_by(service);
  addresses::Answer answer = book_.assign(wish_of(service), held);
  if (answer.addresses != held && book_.has_pools()) {
    const bool written = co_await write_addresses(service, answer.addresses);
    if (!written) queue_.add(name, kRetry);
  }
  co_await report(std::move(service), std::move(answer.refusal));
  follow_up();
}

asio::awaitable<bool> LoadBalancerController::write_addresses(json::object service,
                                                              std::vector<Ip> ips) {
  json::array ingress;
  for (const Ip& ip : ips) ingress.push_back({{"ip", to_string(ip)}, {"ipMode", "VIP"}});
  registry::Target target(&service_type(),
                          std::string(api::text_at(service, {"metadata", "namespace"})),
                          std::string(api::text_at(service, {"metadata", "name"})), "status");
  const std::string shown = target.ns + "/" + target.name;
  registry::Patch patch =
      merge_patch(patch_of(service, {{"loadBalancer", {{"ingress", std::move(ingress)}}}}));
  std::vector<std::string> warnings;
  const auto written =
      co_await registry_.patch(std::move(target), std::move(patch), false, warnings);
  if (!written) {
    // Gone meanwhile, or another of the same name: the event of that is on its way.
    if (written.error().code == 404 || written.error().code == 409) co_return true;
    log_.warn("addresses not written", {{"service", shown}, {"error", written.error().message}});
    co_return false;
  }
  log_.info("addresses assigned", {{"service", shown}, {"addresses", list_of(ips)}});
  if (!ips.empty()) {
    Occurrence occurrence{"Normal", "AddressAssigned", "assigned " + list_of(ips)};
    co_await events_.write(std::move(service), std::move(occurrence));
  }
  co_return true;
}

/// Said once, until something else is to be said.
asio::awaitable<void> LoadBalancerController::report(json::object service,
                                                     std::optional<addresses::Refusal> refusal) {
  ObjectName name{std::string(api::text_at(service, {"metadata", "namespace"})),
                  std::string(api::text_at(service, {"metadata", "name"}))};
  if (!refusal) {
    refused_.erase(name);
    co_return;
  }
  const auto known = refused_.find(name);
  if (known != refused_.end() && known->second == *refusal) co_return;
  refused_.insert_or_assign(std::move(name), *refusal);
  Occurrence occurrence{"Warning", std::move(refusal->reason), std::move(refusal->message)};
  co_await events_.write(std::move(service), std::move(occurrence));
}

asio::awaitable<void> LoadBalancerController::write_use(std::string pool) {
  const store::ObjectPtr object = registry_.store().get(registry::key_of(pool_type(), "", pool));
  const auto use = book_.use_of(pool);
  if (!object || !use) co_return;
  const json::object stored = object->parse();
  json::object status = status_of(*use);
  const bool same = std::ranges::all_of(status, [&](const auto& entry) {
    return api::integer_at(stored, {"status", entry.key()}) == api::integer_of(entry.value());
  });
  if (same) co_return;
  registry::Target target(&pool_type(), "", pool, "status");
  registry::Patch patch = merge_patch(patch_of(stored, std::move(status)));
  std::vector<std::string> warnings;
  const auto written =
      co_await registry_.patch(std::move(target), std::move(patch), false, warnings);
  if (written || written.error().code == 404 || written.error().code == 409) co_return;
  log_.warn("numbers of the pool not written",
            {{"pool", pool}, {"error", written.error().message}});
  queue_.add({"", std::move(pool)}, kRetry);
}

}  // namespace fairlead::controllers
