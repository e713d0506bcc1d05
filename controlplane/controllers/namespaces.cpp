// Namespace with a deletionTimestamp -> every object in it is deleted -> what finalizers hold is
// waited for -> the Namespace's own finalizer is removed, with which it goes.
#include "controlplane/controllers/namespaces.hpp"

namespace fairlead::controllers {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kLookAgain{1};  // while finalizers of others hold content

const api::ResourceType& namespace_type() { return *api::find_kind("", "v1", "Namespace"); }

}  // namespace

NamespaceController::NamespaceController(registry::Registry& registry, log::Logger log,
                                         const asio::any_io_executor& executor)
    : registry_(registry), log_(std::move(log)), queue_(executor) {
  for (const store::ObjectPtr& ns : registry_.store().all("namespaces/")) look_at(*ns);
  registry_.store().subscribe([this](const store::Event& event) { see(event); });
}

void NamespaceController::see(const store::Event& event) {
  if (event.type == store::EventType::kDeleted) return;
  if (store::collection_of(event.object->key) == "namespaces") look_at(*event.object);
}

void NamespaceController::look_at(const store::Object& ns) {
  if (!ns.metadata("deletionTimestamp").empty()) queue_.add(std::string(ns.metadata("name")));
}

asio::awaitable<void> NamespaceController::run() {
  for (;;) {
    std::string name = co_await queue_.take();
    if (!registry_.store().get("namespaces/" + name)) continue;
    if (co_await empty(name)) {
      co_await finalize(name);
    } else {
      queue_.add(name, kLookAgain);
    }
  }
}

asio::awaitable<bool> NamespaceController::empty(std::string name) {
  bool left = false;
  for (const api::ResourceType& type : api::resources()) {
    if (!type.namespaced) continue;
    for (const store::ObjectPtr& object : registry_.store().all(registry::prefix_of(type, name))) {
      registry::Target target(&type, name, std::string(object->metadata("name")));
      const auto removed = co_await registry_.remove(std::move(target));
      left = left || (removed ? !removed->removed : removed.error().code != 404);
    }
  }
  co_return !left;
}

asio::awaitable<void> NamespaceController::finalize(std::string name) {
  const store::ObjectPtr ns = registry_.store().get("namespaces/" + name);
  if (!ns) co_return;
  registry::Target target(&namespace_type(), "", name, "finalize");
  const auto written =
      co_await registry_.update(std::move(target), api::without_namespace_finalizer(ns->parse()));
  if (written || written.error().code == 404) co_return;
  log_.warn("namespace not finalized", {{"namespace", name}, {"error", written.error().message}});
  queue_.add(name, kLookAgain);
}

}  // namespace fairlead::controllers
