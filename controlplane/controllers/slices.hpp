// Keeps the EndpointSlices of each Service with a selector as its Pods are.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json.hpp>
#include <map>
#include <string>
#include <string_view>

#include "controlplane/controllers/work_queue.hpp"
#include "controlplane/registry/registry.hpp"
#include "log/log.hpp"
#include "model/object.hpp"

namespace fairlead::controllers {

class SliceController {
 public:
  /// Looks at every Service once; then at those that a change concerns. The references must outlive
  /// the controller.
  SliceController(registry::Registry& registry, log::Logger log,
                  const boost::asio::any_io_executor& executor);

  /// Until cancelled.
  boost::asio::awaitable<void> run();

 private:
  using Objects = std::map<std::string, boost::json::object, std::less<>>;  // by name

  void see(const store::Event& event);
  void see_service(const store::Event& event);
  void see_pod(const store::Event& event);
  void see_slice(const store::Event& event);
  void see_node(const store::Event& event);
  void remember(const store::Object& object);
  void touch(std::string_view ns, std::string_view name);
  boost::asio::awaitable<void> reconcile(ObjectName name);

  registry::Registry& registry_;
  log::Logger log_;
  // Parsed once a change, since each reconciliation reads all Pods of a namespace.
  std::map<std::string, Objects, std::less<>> pods_;      // by namespace
  std::map<std::string, Objects, std::less<>> services_;  // by namespace
  Objects nodes_;
  WorkQueue<ObjectName> queue_;
};

}  // namespace fairlead::controllers
