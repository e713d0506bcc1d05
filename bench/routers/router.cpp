// two namespaces and a veth pair -> configuration -> the process. It is ready when its peers' first
// connections are taken, which is seen by dialling.
#include "bench/routers/router.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "dataplane/bgp/control/codec.hpp"

namespace fairlead::bench {
namespace {

namespace control = bgp::control;

struct Peer {
  unsigned index;
  bgp::AsNumber as;
};

std::vector<Peer> peers_of(const RouterSetting& setting) {
  if (setting.mesh == 0) return {{0, kFeederAs}, {1, kSinkAs}};
  std::vector<Peer> peers;
  for (unsigned i = 0; i < setting.mesh; ++i) peers.push_back({i, kRouterAs});
  return peers;
}

struct Wire {
  Namespace router, peers;
};

Result<Wire> lay_wire(const RouterSetting& setting) {
  TRY(Namespace router, Namespace::create());
  TRY(Namespace peers, Namespace::create());
  TRY_VOID(router.ip(fmt::format(
      "link add e0 type veth peer name e0 netns {}\naddress add {}/16 dev e0\nlink set e0 up\n",
      peers.path(), kRouterAddress)));
  std::string addresses;
  for (const Peer& peer : peers_of(setting))
    addresses += fmt::format("address add {}/16 dev e0\n", to_string(peer_address(peer.index)));
  TRY_VOID(peers.ip(addresses + "link set e0 up\n"));
  return Wire{std::move(router), std::move(peers)};
}

ChildSetting placed(const RouterSetting& setting, const Namespace& where) {
  return {.network_namespace = where.fd(), .cgroup = {}, .cpu = setting.cpu, .hurries = true};
}

std::string bird_config(const RouterSetting& setting) {
  std::string text = fmt::format(
      "router id {};\nlog stderr {{ fatal, bug }};\nprotocol device {{}}\n"
      "template bgp peer {{ local {} as {}; passive on; ipv4 {{ import all; export {}; }}; }}\n",
      kRouterAddress, kRouterAddress, kRouterAs.number, setting.mesh == 0 ? "all" : "none");
  for (const Peer& peer : peers_of(setting))
    text += fmt::format("protocol bgp p{} from peer {{ neighbor {} as {}; hold time {}; }}\n",
                        peer.index, to_string(peer_address(peer.index)), peer.as.number,
                        setting.mesh == 0 ? 240 : 9);
  return text;
}

Result<Router> start_bird(const RouterSetting& setting) {
  TRY(Wire wire, lay_wire(setting));
  const std::string config = setting.scratch + "/bird.conf";
  std::ofstream(config) << bird_config(setting);
  TRY(Child process,
      start_command(placed(setting, wire.router),
                    {.words = {"bird", "-f", "-c", config, "-s", setting.scratch + "/bird.ctl"},
                     .input = {},
                     .environment = {}}));
  return Router(std::move(wire.router), std::move(wire.peers), std::move(process), Fd());
}

Result<control::Settings> speaker_settings(const RouterSetting& setting) {
  TRY(const Ip router, parse_ip(kRouterAddress));
  TRY(const Cidr all, parse_cidr("0.0.0.0/0"));
  control::Settings settings;
  settings.speaker.as = kRouterAs;
  settings.speaker.router_id = settings.speaker.cluster_id = {0x0a630001};
  for (const Peer& peer : peers_of(setting)) {
    control::PeerSettings one;
    one.name = fmt::format("p{}", peer.index);
    one.transport.address = peer_address(peer.index);
    one.transport.local_address = router;
    one.session.own_as = kRouterAs;
    one.session.router_id = settings.speaker.router_id;
    one.session.peer_as = peer.as;
    one.session.passive = true;
    one.session.hold_time = std::chrono::seconds(setting.mesh == 0 ? 240 : 9);
    one.rules.address = one.transport.address;
    one.rules.as = peer.as;
    one.rules.local_as = kRouterAs;
    one.rules.imports = {{.prefix = all, .min_length = 0, .max_length = 32}};
    one.rules.max_prefixes = 10'000'000;
    one.rules.transit = true;
    settings.peers.push_back(std::move(one));
  }
  return settings;
}

Result<Fd> listening_socket() {
  Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  const int one = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kRouterPort.host);
  (void)::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), 512) != 0)
    return system_error(errno, "listen for BGP peers");
  return listener;
}

/// All of it, to a reader that reads.
Result<> say(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return system_error(errno, "tell the speaker its settings");
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<Router> start_speaker(const RouterSetting& setting) {
  TRY(Wire wire, lay_wire(setting));
  Fd listener;
  TRY_VOID(wire.router.run([&]() -> Result<> {
    TRY(listener, listening_socket());
    return {};
  }));
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0)
    return system_error(errno, "make a pair of sockets");
  Fd ours(ends[0]), theirs(ends[1]);
  (void)::fcntl(ours.get(), F_SETFD, FD_CLOEXEC);
  TRY(Child process, start_command(placed(setting, wire.router),
                                   {.words = {setting.self, "bgp-speaker", "--control-fd",
                                              std::to_string(theirs.get()), "--listen-fd",
                                              std::to_string(listener.get())},
                                    .input = {},
                                    .environment = {}}));
  TRY(const control::Settings settings, speaker_settings(setting));
  TRY_VOID(say(ours.get(), control::encode(control::ToSpeaker(settings)) + "\n"));
  return Router(std::move(wire.router), std::move(wire.peers), std::move(process), std::move(ours));
}

constexpr std::array kWays{RouterWay{"fairlead", start_speaker}, RouterWay{"BIRD 2", start_bird}};

}  // namespace

std::span<const RouterWay> router_ways() { return kWays; }

}  // namespace fairlead::bench
