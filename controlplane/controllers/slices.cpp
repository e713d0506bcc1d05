// Event -> the Services that it concerns -> queue -> (a moment later, so that a burst is one look)
// reconcile: the pure function of api/ says which slices to write, the registry writes them. A
// write that fails is tried again from the then current state.
#include "controlplane/controllers/slices.hpp"

#include "controlplane/api/endpoint_slices.hpp"

namespace fairlead::controllers {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::chrono::milliseconds kBurst{10};
constexpr std::chrono::seconds kRetry{1};

std::string label(const store::Object& object, std::string_view name) {
  const json::value* labels = object.metadata().if_contains("labels");
  if (labels == nullptr || !labels->is_object()) return {};
  const json::value* value = labels->get_object().if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

const api::ResourceType& slice_type() {
  return *api::find_kind("discovery.k8s.io", "v1", "EndpointSlice");
}

}  // namespace

SliceController::SliceController(registry::Registry& registry, log::Logger log,
                                 const asio::any_io_executor& executor)
    : registry_(registry), log_(std::move(log)), queue_(executor) {
  for (const char* prefix : {"services/", "pods/", "nodes/"}) {
    for (const store::ObjectPtr& object : registry_.store().all(prefix)) remember(*object);
  }
  for (const auto& [ns, services] : services_) {
    for (const auto& [name, service] : services) touch(ns, name);
  }
  registry_.store().subscribe([this](const store::Event& event) { see(event); });
}

void SliceController::remember(const store::Object& object) {
  const std::string_view collection = store::collection_of(object.key);
  const std::string name(object.metadata("name"));
  const std::string ns(object.metadata("namespace"));
  if (collection == "services") services_[ns][name] = object.parse();
  if (collection == "pods") pods_[ns][name] = object.parse();
  if (collection == "nodes") nodes_[name] = object.parse();
}

void SliceController::touch(std::string_view ns, std::string_view name) {
  queue_.add({std::string(ns), std::string(name)}, kBurst);
}

void SliceController::see(const store::Event& event) {
  const std::string_view collection = store::collection_of(event.object->key);
  if (collection == "services") see_service(event);
  if (collection == "pods") see_pod(event);
  if (collection == "endpointslices") see_slice(event);
  if (collection == "nodes") see_node(event);
}

void SliceController::see_service(const store::Event& event) {
  const std::string_view ns = event.object->metadata("namespace");
  const std::string_view name = event.object->metadata("name");
  if (event.type == store::EventType::kDeleted) {
    services_[std::string(ns)].erase(std::string(name));  // its slices go with their owner
  } else {
    remember(*event.object);
    touch(ns, name);
  }
}

void SliceController::see_pod(const store::Event& event) {
  const std::string ns(event.object->metadata("namespace"));
  const std::string name(event.object->metadata("name"));
  Objects& pods = pods_[ns];
  const auto touch_selecting = [&](const json::object& pod) {
    for (const auto& [service_name, service] : services_[ns]) {
      if (api::selects(service, pod)) touch(ns, service_name);
    }
  };
  if (const auto before = pods.find(name); before != pods.end()) touch_selecting(before->second);
  if (event.type == store::EventType::kDeleted) {
    pods.erase(name);
  } else {
    remember(*event.object);
    touch_selecting(pods[name]);
  }
}

/// Somebody else wrote or removed a slice of ours; our own writes come by here, too, and need
/// nothing more.
void SliceController::see_slice(const store::Event& event) {
  if (label(*event.object, "endpointslice.kubernetes.io/managed-by") != api::kSliceManager) return;
  const std::string service = label(*event.object, "kubernetes.io/service-name");
  if (!service.empty()) touch(event.object->metadata("namespace"), service);
}

void SliceController::see_node(const store::Event& event) {
  constexpr std::string_view kZone = "topology.kubernetes.io/zone";
  const bool deleted = event.type == store::EventType::kDeleted;
  const std::string before = event.before ? label(*event.before, kZone) : "";
  const std::string now = deleted ? "" : label(*event.object, kZone);
  if (deleted) {
    nodes_.erase(std::string(event.object->metadata("name")));
  } else {
    remember(*event.object);
  }
  if (before == now) return;  // heartbeats
  for (const auto& [ns, services] : services_) {
    for (const auto& [name, service] : services) touch(ns, name);
  }
}

asio::awaitable<void> SliceController::run() {
  for (;;) {
    ObjectName name = co_await queue_.take();
    co_await reconcile(std::move(name));
  }
}

asio::awaitable<void> SliceController::reconcile(ObjectName name) {
  const Objects& services = services_[name.ns];
  const auto service = services.find(name.name);
  if (service == services.end()) co_return;
  const api::ResourceType& type = slice_type();
  std::vector<const json::object*> pods;
  for (const auto& [pod_name, pod] : pods_[name.ns]) pods.push_back(&pod);
  std::vector<json::object> slices;
  for (const store::ObjectPtr& slice : registry_.store().all(registry::prefix_of(type, name.ns))) {
    if (label(*slice, "kubernetes.io/service-name") == name.name) slices.push_back(slice->parse());
  }
  std::vector<const json::object*> slice_pointers;
  for (const json::object& slice : slices) slice_pointers.push_back(&slice);
  const api::SliceInputs inputs{.service = &service->second,
                                .pods = pods,
                                .slices = slice_pointers,
                                .node = [this](std::string_view node) {
                                  const auto found = nodes_.find(node);
                                  return found == nodes_.end() ? nullptr : &found->second;
                                }};
  api::SliceWrites writes = api::reconcile_slices(inputs, registry_.now(), registry_.random());
  api::ApiResult<void> done;
  for (json::object& slice : writes.create) {
    registry::Target target(&type, name.ns);
    const auto made = co_await registry_.create(std::move(target), std::move(slice));
    if (!made) done = tl::unexpected(made.error());
  }
  for (json::object& slice : writes.update) {
    std::string slice_name(slice.at("metadata").at("name").as_string());
    registry::Target target(&type, name.ns, std::move(slice_name));
    const auto made = co_await registry_.update(std::move(target), std::move(slice));
    if (!made) done = tl::unexpected(made.error());
  }
  for (const std::string& slice_name : writes.remove) {
    registry::Target target(&type, name.ns, slice_name);
    const auto removed = co_await registry_.remove(std::move(target));
    if (!removed && removed.error().code != 404) done = tl::unexpected(removed.error());
  }
  if (done) co_return;
  queue_.add(name, kRetry);
  // Conflicts, and namespaces that go away, are everyday; the next look settles them.
  const bool everyday = done.error().code == 409 || done.error().code == 403;
  if (!everyday) {
    log_.warn("endpoint slices not written",
              {{"service", to_string(name)}, {"error", done.error().message}});
  }
}

}  // namespace fairlead::controllers
