// start: data directory -> storage -> store -> registry -> port -> kubeconfigs -> controllers. The
// port is open before the kubeconfigs are written, since only then is it known, but nothing is
// answered before run(). Stop: no new connections, tasks and streams are cancelled, answers and
// writes end; then run() returns and everything is destroyed in reverse.
#include "controlplane/controlplane.hpp"

#include <sys/stat.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <csignal>
#include <iostream>
#include <random>

#include "controlplane/controllers/bootstrap.hpp"
#include "controlplane/controllers/housekeeping.hpp"
#include "controlplane/storage/sqlite.hpp"

namespace fairlead::controlplane {

namespace asio = boost::asio;

namespace {

Time now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

/// The first address of a Service range: the `kubernetes` Service's.
Ip first_address(const Cidr& cidr) {
  Ip first = cidr.base;
  first.bytes.back() = static_cast<std::uint8_t>(first.bytes.back() + 1);
  return first;
}

Result<> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), S_IRWXU) == 0 || errno == EEXIST) return {};
  return system_error(errno, "create data directory " + path);
}

}  // namespace

ControlPlane::ControlPlane(Options options)
    : options_(std::move(options)), log_(options_.log), signals_(io_, SIGTERM, SIGINT) {}

Result<std::unique_ptr<ControlPlane>> ControlPlane::start(Options options) {
  std::unique_ptr<ControlPlane> made(new ControlPlane(std::move(options)));
  TRY_VOID(make_directory(made->options_.data_directory));
  TRY_VOID(made->open_store());
  TRY(const pki::Credentials credentials,
      pki::load_or_make_credentials(made->options_.data_directory, made->names()));
  TRY_VOID(made->open_port(credentials));
  made->start_controllers();
  TRY_VOID(made->write_kubeconfigs(credentials));
  made->log_.info("serving", {{"url", made->url()},
                              {"kubeconfig", made->options_.data_directory + "/admin.kubeconfig"}});
  made->signals_.async_wait([raw = made.get()](const boost::system::error_code& error, int) {
    if (!error) raw->stop();
  });
  return made;
}

Result<> ControlPlane::open_store() {
  TRY(api::Allocators allocators, api::make_allocators(options_.allocators));
  TRY(storage_, storage::open_sqlite(options_.data_directory + "/state.db", io_.get_executor()));
  TRY(store_, store::Store::open(*storage_, io_.get_executor()));
  std::random_device seed;
  const std::uint64_t seeds = (std::uint64_t{seed()} << 32U) | seed();
  registry_ = std::make_unique<registry::Registry>(*store_, std::move(allocators), seeds, &now);
  for (const Problem& problem : registry_->adopt_stored()) {
    log_.error(
        "stored object",
        {{"object", problem.object}, {"field", problem.field}, {"problem", problem.message}});
  }
  log_.info("objects loaded", {{"revision", store_->revision()}});
  return {};
}

Result<> ControlPlane::open_port(const pki::Credentials& credentials) {
  rest::Authenticator authenticator;
  authenticator.add_token(credentials.admin_token,
                          {"fairlead-admin", {std::string(rest::kAdminGroup)}});
  authenticator.add_token(credentials.node_token,
                          {"system:node", {std::string(rest::kNodesGroup)}});
  http::ServerOptions server_options;
  server_options.handler = [this](const http::Request& request) {
    return api_server_->handle(request);
  };
  server_options.on_error = [this](const Error& error) {
    log_.error("http server", {{"error", error}});
  };
  server_ = std::make_unique<http::Server>(io_, std::move(server_options));
  TRY(port_, server_->listen_tls({to_string(options_.listen_address), options_.listen_port},
                                 {.certificate_chain = credentials.server.certificate,
                                  .private_key = credentials.server.key,
                                  .client_ca = credentials.ca_certificate}));
  rest::ApiServerOptions api_options{.authenticator = std::move(authenticator),
                                     .address = to_string(options_.advertise_address, Port{port_}),
                                     .connections = [this] { return server_->connections(); }};
  api_server_ = std::make_unique<rest::ApiServer>(*registry_, std::move(api_options));
  return {};
}

pki::ServerNames ControlPlane::names() const {
  pki::ServerNames names{.dns = {"localhost", "kubernetes", "kubernetes.default",
                                 "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
                         .addresses = {ip_from_v4({127, 0, 0, 1}), options_.advertise_address}};
  if (!options_.listen_address.is_unspecified()) {
    names.addresses.push_back(options_.listen_address);
  }
  for (const Cidr& cidr : options_.allocators.service_cidrs) {
    names.addresses.push_back(first_address(cidr));
  }
  return names;
}

std::string ControlPlane::url() const {
  return "https://" + to_string(options_.advertise_address, Port{port_});
}

Result<> ControlPlane::write_kubeconfigs(const pki::Credentials& credentials) const {
  const std::string& directory = options_.data_directory;
  const pki::KubeconfigUser admin{.name = "fairlead-admin", .certificate = credentials.admin};
  const pki::KubeconfigUser node{.name = "fairlead-node", .token = credentials.node_token};
  TRY_VOID(pki::update_private_file(directory + "/node.kubeconfig",
                                    pki::make_kubeconfig(url(), credentials.ca_certificate, node)));
  return pki::update_private_file(directory + "/admin.kubeconfig",
                                  pki::make_kubeconfig(url(), credentials.ca_certificate, admin));
}

void ControlPlane::start_controllers() {
  const auto executor = io_.get_executor();
  slices_ = std::make_unique<controllers::SliceController>(*registry_, log_, executor);
  load_balancer_ =
      std::make_unique<controllers::LoadBalancerController>(*registry_, log_, executor);
  garbage_ = std::make_unique<controllers::GarbageCollector>(*registry_, log_, executor);
  namespaces_ = std::make_unique<controllers::NamespaceController>(*registry_, log_, executor);
  const controllers::ApiEndpoint endpoint{first_address(options_.allocators.service_cidrs.front()),
                                          options_.advertise_address, Port{port_}};
  bool cluster_made = false;
  asio::co_spawn(io_, controllers::make_cluster(*registry_, log_, endpoint),
                 [&cluster_made](const std::exception_ptr&) { cluster_made = true; });
  supervise("endpoint slices", slices_->run());
  supervise("load balancer addresses", load_balancer_->run());
  supervise("garbage collection", garbage_->run());
  supervise("namespaces", namespaces_->run());
  supervise("housekeeping", controllers::keep_house(*registry_, log_));
  while (!cluster_made) io_.run_one();
}

void ControlPlane::supervise(std::string name, asio::awaitable<void> task) {
  asio::cancellation_signal& cancel = tasks_.emplace_back();
  auto ended = [this, name = std::move(name)](const std::exception_ptr& exception) {
    if (!exception) return;
    try {
      std::rethrow_exception(exception);
    } catch (const boost::system::system_error& error) {
      if (error.code() == asio::error::operation_aborted) return;  // stop()
      log_.error("task ended", {{"task", name}, {"error", error.what()}});
    } catch (const std::exception& error) {
      log_.error("task ended", {{"task", name}, {"error", error.what()}});
    }
    // Without one of its controllers the cluster would look alive and not be: better to end and be
    // started again.
    stop();
  };
  asio::co_spawn(io_, std::move(task),
                 asio::bind_cancellation_slot(cancel.slot(), std::move(ended)));
}

void ControlPlane::stop() {
  log_.info("stopping");
  signals_.cancel();
  server_->stop();
  for (asio::cancellation_signal& task : tasks_) task.emit(asio::cancellation_type::terminal);
}

void add_command(CLI::App& app, int& status) {
  CLI::App* command =
      app.add_subcommand("controlplane", "A small control plane that speaks the Kubernetes API");
  auto flags = std::make_shared<Flags>();
  add_flags(*command, *flags);
  command->callback([flags, &status] {
    ::umask(S_IRWXG | S_IRWXO);  // also for the files that SQLite makes
    Result<> done;
    auto options = parse_options(*flags);
    if (options) {
      auto started = ControlPlane::start(*std::move(options));
      if (started) {
        (*started)->run();
        return;
      }
      done = tl::unexpected(std::move(started).error());
    } else {
      done = tl::unexpected(std::move(options).error());
    }
    std::cerr << "fairlead controlplane: " << done.error().doing << "\n";
    status = 1;
  });
}

}  // namespace fairlead::controlplane
