// Empties Namespaces that are being deleted, then lets them go.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "controlplane/controllers/work_queue.hpp"
#include "controlplane/registry/registry.hpp"
#include "log/log.hpp"

namespace fairlead::controllers {

class NamespaceController {
 public:
  /// The references must outlive the controller.
  NamespaceController(registry::Registry& registry, log::Logger log,
                      const boost::asio::any_io_executor& executor);

  /// Until cancelled.
  boost::asio::awaitable<void> run();

 private:
  void see(const store::Event& event);
  void look_at(const store::Object& ns);
  /// True if nothing is left in it.
  boost::asio::awaitable<bool> empty(std::string name);
  boost::asio::awaitable<void> finalize(std::string name);

  registry::Registry& registry_;
  log::Logger log_;
  WorkQueue<std::string> queue_;
};

}  // namespace fairlead::controllers
