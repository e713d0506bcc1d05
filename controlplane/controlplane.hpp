// The built-in control plane as a process: storage, store, registry, controllers and the API
// server, wired together.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <list>
#include <memory>
#include <string>

#include "controlplane/controllers/garbage.hpp"
#include "controlplane/controllers/load_balancer.hpp"
#include "controlplane/controllers/namespaces.hpp"
#include "controlplane/controllers/slices.hpp"
#include "controlplane/options.hpp"
#include "controlplane/pki/credentials.hpp"
#include "controlplane/registry/registry.hpp"
#include "controlplane/rest/api_server.hpp"
#include "controlplane/storage/storage.hpp"
#include "controlplane/store/store.hpp"
#include "http/server.hpp"
#include "log/log.hpp"

namespace fairlead::controlplane {

/// One thread. Members are in the order of the start; they end in reverse.
class ControlPlane {
 public:
  /// Reads what is stored, opens the port, writes the kubeconfigs. Errors: bad options, a data
  /// directory in use or not readable, an address that cannot be listened on.
  static Result<std::unique_ptr<ControlPlane>> start(Options options);
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  /// Serves until SIGTERM, SIGINT or stop(); then lets answers and writes finish.
  void run() { io_.run(); }
  /// May be called from the loop's thread only.
  void stop();

  [[nodiscard]] boost::asio::io_context& io() { return io_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  explicit ControlPlane(Options options);
  Result<> open_store();
  Result<> open_port(const pki::Credentials& credentials);
  [[nodiscard]] pki::ServerNames names() const;
  [[nodiscard]] std::string url() const;
  Result<> write_kubeconfigs(const pki::Credentials& credentials) const;
  void start_controllers();
  void supervise(std::string name, boost::asio::awaitable<void> task);

  Options options_;
  log::Logger log_;
  boost::asio::io_context io_{1};
  std::unique_ptr<storage::Storage> storage_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<controllers::SliceController> slices_;
  std::unique_ptr<controllers::LoadBalancerController> load_balancer_;
  std::unique_ptr<controllers::GarbageCollector> garbage_;
  std::unique_ptr<controllers::NamespaceController> namespaces_;
  std::unique_ptr<rest::ApiServer> api_server_;
  std::unique_ptr<http::Server> server_;
  std::list<boost::asio::cancellation_signal> tasks_;
  boost::asio::signal_set signals_;
  std::uint16_t port_ = 0;
};

/// Adds `fairlead controlplane`. The exit status goes to `status` when the command was the one that
/// ran.
void add_command(CLI::App& app, int& status);

}  // namespace fairlead::controlplane
