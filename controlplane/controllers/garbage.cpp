// Event -> index of uids and owners -> keys that may have lost their last owner -> looked at again
// when their turn comes -> removed like any client would.
#include "controlplane/controllers/garbage.hpp"

#include <algorithm>

namespace fairlead::controllers {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

/// An owner may be created in the same moment as what it owns; and a client may create them in the
/// wrong order.
constexpr std::chrono::milliseconds kDeletedOwner{0};
constexpr std::chrono::seconds kUnknownOwner{5};
constexpr std::chrono::seconds kRetry{2};

std::vector<std::string> owners_of(const store::Object& object) {
  std::vector<std::string> uids;
  const json::value* references = object.metadata().if_contains("ownerReferences");
  if (references == nullptr || !references->is_array()) return uids;
  for (const json::value& reference : references->get_array()) {
    const json::value* uid =
        reference.is_object() ? reference.get_object().if_contains("uid") : nullptr;
    if (uid != nullptr && uid->is_string()) uids.emplace_back(uid->get_string());
  }
  return uids;
}

}  // namespace

GarbageCollector::GarbageCollector(registry::Registry& registry, log::Logger log,
                                   const asio::any_io_executor& executor)
    : registry_(registry), log_(std::move(log)), queue_(executor) {
  for (const auto& collection : registry_.store().sizes()) {
    for (const store::ObjectPtr& object : registry_.store().all(collection.name + "/")) {
      add(*object);
    }
  }
  registry_.store().subscribe([this](const store::Event& event) { see(event); });
}

void GarbageCollector::add(const store::Object& object) {
  uids_.emplace(object.metadata("uid"));
  for (const std::string& owner : owners_of(object)) {
    owned_by_[owner].insert(object.key);
    if (!uids_.contains(owner)) queue_.add(object.key, kUnknownOwner);
  }
}

void GarbageCollector::drop(const store::Object& object) {
  for (const std::string& owner : owners_of(object)) {
    const auto owned = owned_by_.find(owner);
    if (owned == owned_by_.end()) continue;
    owned->second.erase(object.key);
    if (owned->second.empty()) owned_by_.erase(owned);
  }
}

void GarbageCollector::see(const store::Event& event) {
  if (event.before) drop(*event.before);
  if (event.type != store::EventType::kDeleted) {
    add(*event.object);
    return;
  }
  const std::string uid(event.object->metadata("uid"));
  uids_.erase(uid);
  const auto owned = owned_by_.find(uid);
  if (owned == owned_by_.end()) return;
  for (const std::string& key : owned->second) queue_.add(key, kDeletedOwner);
}

bool GarbageCollector::is_orphan(const store::Object& object) const {
  const std::vector<std::string> owners = owners_of(object);
  return !owners.empty() && std::ranges::none_of(owners, [this](const std::string& owner) {
    return uids_.contains(owner);
  });
}

asio::awaitable<void> GarbageCollector::run() {
  for (;;) {
    const std::string key = co_await queue_.take();
    const store::ObjectPtr object = registry_.store().get(key);
    if (!object || !is_orphan(*object)) continue;
    const auto type = std::ranges::find(api::resources(), store::collection_of(key),
                                        &api::ResourceType::stored_as);
    api::DeleteOptions options;
    options.uid = std::string(object->metadata("uid"));
    registry::Target target(&*type, std::string(object->metadata("namespace")),
                            std::string(object->metadata("name")));
    const auto removed = co_await registry_.remove(std::move(target), std::move(options));
    if (removed || removed.error().code == 404 || removed.error().code == 409) continue;
    log_.warn("garbage not removed", {{"object", key}, {"error", removed.error().message}});
    queue_.add(key, kRetry);
  }
}

}  // namespace fairlead::controllers
