// run() updates places when the cluster or the links have changed, and ticks; listen() hands on
// what arrives at once.
#include "agent/layer2.hpp"

#include <fmt/ranges.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>

#include <algorithm>

#include "dataplane/layer2/links.hpp"

namespace fairlead {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr auto kTick = layer2::Times().ask;
constexpr auto kCompare = 1s;  // with what the kernel has
constexpr auto kRetry = 5s;    // what the kernel has refused

std::string text_of(const MacBytes& mac) { return fmt::format("{:02x}", fmt::join(mac, ":")); }

std::string object_of(const Ip& address) { return "load balancer address " + to_string(address); }

}  // namespace

Layer2::Layer2(asio::io_context& io, Parts parts)
    : parts_(std::move(parts)), wake_(io), opened_(io), events_(io) {}

bool Layer2::is_wanted() const {
  return std::ranges::any_of(
      pools_, [](const auto& pool) { return pool.second.announce == Announce::kLayer2; });
}

void Layer2::wake() { wake_.cancel(); }

void Layer2::changed() {
  due_ = true;
  if (is_ready()) wake();
}

void Layer2::pool(const AddressPool& pool) {
  pools_[pool.name] = pool;
  changed();
}
void Layer2::pool_gone(const std::string& name) {
  pools_.erase(name);
  changed();
}
void Layer2::pools_listed() {
  pools_listed_ = true;
  changed();
}
void Layer2::nodes_listed() {
  nodes_listed_ = true;
  changed();
}
void Layer2::datapath_synced() {
  synced_ = true;
  changed();
}

// Most Services have no such address, and most endpoints do not matter: only what may change a
// ranking is looked at.
void Layer2::service(const Service& service) {
  if (!service.load_balancer_ips.empty() || services_.contains(service.name)) changed();
}
void Layer2::service_gone(const ObjectName& name) {
  if (services_.contains(name)) changed();
}
void Layer2::slice(const EndpointSlice& slice) {
  if (local_services_.contains({slice.name.ns, slice.service})) changed();
}
void Layer2::slice_gone() {
  if (!local_services_.empty()) changed();
}
void Layer2::node_changed() {
  if (station_) changed();
}

void Layer2::report(const Result<>& outcome) {
  if (outcome) {
    last_error_.clear();
    return;
  }
  // Once for each new text: a retry that fails alike is no news.
  if (last_error_ != outcome.error().doing)
    parts_.log.error("cannot answer for load balancer addresses as wanted, will try again",
                     {{"error", outcome.error()}});
  last_error_ = outcome.error().doing;
}

/// What an earlier agent left is this one's, as long as nobody has claimed it.
Result<> Layer2::open() {
  TRY(auto station, layer2::Station::open(parts_.pin_directory));
  TRY(const auto answers, station.answers());
  holdings_ = layer2::Holdings();
  held_.clear();
  for (const layer2::Answer& answer : answers) {
    if (answer.is_ceded) continue;  // compare() removes what is not held
    holdings_.adopt(answer.address, answer.link, answer.mac);
    held_.insert(answer.address);
  }
  station_.emplace(std::move(station));
  next_tick_ = next_compare_ = Clock::now();
  opened_.cancel();
  return {};
}

Result<> Layer2::close() {
  if (!station_ && !layer2::Responder::is_present(parts_.pin_directory)) return {};
  if (!station_) TRY_VOID(open());
  holdings_.set_places({}, Clock::now());
  TRY_VOID(carry_out());
  report_without_link({});
  TRY_VOID(station_->clean_up());
  if (events_.is_open()) events_.cancel();
  station_.reset();
  rankings_.clear();
  services_.clear();
  local_services_.clear();
  return {};
}

void Layer2::report_without_link(std::set<Ip> addresses) {
  for (const Ip& address : without_link_)
    if (!addresses.contains(address)) parts_.problems.remove(object_of(address));
  for (const Ip& address : addresses)
    if (!without_link_.contains(address))
      parts_.problems.add({object_of(address), "",
                           "no running link of this node has its subnet, or the node's own address "
                           "of its family: it is not answered for here"},
                          client::Severity::kWarning);
  without_link_ = std::move(addresses);
}

std::map<Ip, layer2::Place> Layer2::places() {
  const Snapshot& cluster = parts_.cluster();
  const auto own = cluster.nodes.find(parts_.own_node);
  const std::vector<Ip> none;
  const std::vector<Ip>& node_addresses = own == cluster.nodes.end() ? none : own->second.addresses;
  std::map<Ip, layer2::Place> places;
  std::set<Ip> without_link;
  for (const auto& [address, ranking] : rankings_) {
    const auto found = std::ranges::find(ranking, parts_.own_node);
    const auto rank = found == ranking.end() ? 0U : found - ranking.begin() + 1U;
    const EthernetLink* link = layer2::find_link(station_->links(), address, node_addresses);
    if (link != nullptr)
      places[address] = {link->index, link->mac, static_cast<std::size_t>(rank)};
    else if (rank != 0)
      without_link.insert(address);
  }
  report_without_link(std::move(without_link));
  return places;
}

Result<> Layer2::update_places() {
  const Snapshot& cluster = parts_.cluster();
  services_.clear();
  local_services_.clear();
  for (const auto& [name, service] : cluster.services) {
    if (service.load_balancer_ips.empty()) continue;
    services_.insert(name);
    if (service.external_traffic_policy == TrafficPolicy::kLocal) local_services_.insert(name);
  }
  rankings_ = layer2::rank_addresses(cluster, pools_);
  const auto wanted = places();
  std::set<int> links;
  for (const auto& [address, place] : wanted) links.insert(place.link);
  holdings_.set_places(wanted, Clock::now());
  // The program is there before anything is announced.
  Result<> used = station_->use(links);
  Result<> carried = carry_out();
  return used ? carried : used;
}

Result<> Layer2::update() {
  due_ = false;
  auto done = [this]() -> Result<> {
    if (!is_wanted()) return close();
    if (!station_) TRY_VOID(open());
    return update_places();
  }();
  if (!done) due_ = true;
  return done;
}

std::string Layer2::link_name(int link) const {
  const auto found = std::ranges::find(station_->links(), link, &EthernetLink::index);
  return found == station_->links().end() ? "" : found->name;
}

Result<> Layer2::carry_out() {
  const auto actions = holdings_.take_actions();
  for (const layer2::Action& action : actions) {
    const bool is_new =
        action.kind == layer2::Action::Kind::kHold && held_.insert(action.address).second;
    const bool is_old =
        action.kind == layer2::Action::Kind::kRelease && held_.erase(action.address) != 0;
    if (is_new || is_old)
      parts_.log.info(
          is_new ? "answers for a load balancer address from now on"
                 : "answers no more for a load balancer address",
          {{"address", to_string(action.address)}, {"interface", link_name(action.link)}});
  }
  return station_->carry_out(actions);
}

Result<> Layer2::hear() {
  const auto now = Clock::now();
  TRY(const bool links_changed, station_->hear([&](int link, const layer2::Heard& heard) {
    holdings_.hear(link, heard, now);
  }));
  if (links_changed) changed();
  return carry_out();
}

/// The kernel has what is held, and nothing else; what its program has ceded was claimed by
/// somebody, whether that was heard here or not.
Result<> Layer2::compare() {
  TRY(const auto answers, station_->answers());
  const auto all = holdings_.holdings();
  std::set<Ip> right;
  std::vector<layer2::Action> repairs;
  for (const layer2::Answer& answer : answers) {
    const auto known = all.find(answer.address);
    const bool is_held =
        known != all.end() && known->second.is_held && known->second.place.link == answer.link;
    if (!is_held)
      repairs.push_back({layer2::Action::Kind::kRelease, answer.address, answer.link});
    else if (answer.is_ceded)
      holdings_.hear(answer.link, {true, answer.address, answer.claimed_by}, Clock::now());
    if (is_held) right.insert(answer.address);
  }
  std::set<int> links;
  for (const auto& [address, holding] : all) {
    links.insert(holding.place.link);
    if (holding.is_held && !right.contains(address))
      repairs.push_back(
          {layer2::Action::Kind::kHold, address, holding.place.link, holding.place.mac});
  }
  TRY_VOID(station_->use(links));
  TRY_VOID(station_->carry_out(repairs));
  if (holdings_.conflicts() != conflicts_told_) {
    conflicts_told_ = holdings_.conflicts();
    for (const auto& [address, holding] : holdings_.holdings())
      if (holding.is_held && holding.other)
        parts_.log.warn("another host answers for a load balancer address as well",
                        {{"address", to_string(address)}, {"mac", text_of(*holding.other)}});
  }
  return carry_out();
}

Result<> Layer2::tick() {
  const auto now = Clock::now();
  TRY_VOID(hear());  // what has arrived meanwhile counts
  if (now >= next_compare_) {
    next_compare_ = now + kCompare;
    TRY_VOID(compare());
  }
  holdings_.tick(now);
  return carry_out();
}

asio::awaitable<void> Layer2::run() {
  while (!stopped_) {
    if (due_ && is_ready() && Clock::now() >= retry_at_) {
      const Result<> updated = update();
      if (!updated) retry_at_ = Clock::now() + kRetry;
      report(updated);
    }
    if (station_ && Clock::now() >= next_tick_) {
      next_tick_ = Clock::now() + kTick;
      const Result<> ticked = tick();
      if (!ticked || !due_) report(ticked);
    }
    auto until = station_ ? next_tick_ : Clock::time_point::max();
    if (due_ && is_ready()) until = std::min(until, retry_at_);
    wake_.expires_at(until);
    co_await wake_.async_wait(kAwait);
  }
}

asio::awaitable<void> Layer2::listen() {
  while (!stopped_) {
    if (!station_) {
      opened_.expires_at(Clock::time_point::max());
      co_await opened_.async_wait(kAwait);
      continue;
    }
    events_.assign(::dup(station_->fd()));
    for (bool is_open = true; is_open && !stopped_;) {
      const auto [error] =
          co_await events_.async_wait(asio::posix::stream_descriptor::wait_read, kAwait);
      is_open = !error && station_.has_value();
      if (is_open && !stopped_) report(hear());
    }
    boost::system::error_code ignored;
    events_.close(ignored);
  }
}

void Layer2::stop() {
  stopped_ = true;
  wake_.cancel();
  opened_.cancel();
  if (events_.is_open()) events_.cancel();
}

std::optional<Layer2Figures> Layer2::figures() const {
  if (!station_) return std::nullopt;
  return Layer2Figures{held_.size(), holdings_.taken(), holdings_.conflicts()};
}

std::optional<json::object> Layer2::json() const {
  if (!station_) return std::nullopt;
  json::array rows;
  for (const auto& [address, holding] : holdings_.holdings()) {
    const auto ranking = rankings_.find(address);
    rows.push_back(
        json::object{{"address", to_string(address)},
                     {"held", holding.is_held},
                     {"rank", holding.place.rank},
                     {"first", ranking == rankings_.end() ? "" : ranking->second.front()},
                     {"interface", link_name(holding.place.link)},
                     {"other", holding.other ? text_of(*holding.other) : ""}});
  }
  return json::object{{"addresses", std::move(rows)},
                      {"taken", holdings_.taken()},
                      {"conflicts", holdings_.conflicts()}};
}

Result<> clean_up_layer2(const std::string& pin_directory) {
  if (!layer2::Responder::is_present(pin_directory)) return {};
  TRY(auto responder, layer2::Responder::open(pin_directory));
  return responder.clean_up();
}

}  // namespace fairlead
