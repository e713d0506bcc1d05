# shellcheck shell=bash
# With --network bgp: $prefix-net is a router that runs BIRD. It has a session with each node, and what it hears of them is its kernel's
# routes; nothing else tells it, or ext behind it, where anything is.
#
#   ext ──198.19.0.0/24, fd19::/112──▶ router (AS 64513) ◀──eBGP──▶ node1 … nodeN (AS 64512) ◀──iBGP, each with each──▶

node_asn=64512 router_asn=64513
pool4=198.19.0.0/24 pool6=fd19::/112
router_pid=$lab/router/bird.pid
router_log=$lab/router/bird.log
# The path of a socket is short, and the lab's directory may be deep.
router_socket=$run_dir/bird.ctl

start_router() {
  [ "$network" = bgp ] || return 0
  command -v bird >/dev/null || die "--network bgp needs BIRD: apt-get install bird2"
  set_sysctls "$prefix-net" net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.br0.send_redirects=0 \
    net.ipv4.fib_multipath_hash_policy=1
  [ ! -d /proc/sys/net/ipv6 ] || set_sysctls "$prefix-net" net.ipv6.conf.all.forwarding=1 net.ipv6.fib_multipath_hash_policy=1
  is_running "$router_pid" "$prefix-net" && return
  mkdir -p "$lab/router" "$run_dir"
  router_config >"$lab/router/bird.conf"
  start_process "$router_pid" "$router_log" "$prefix-net" "" bird -f -c "$lab/router/bird.conf" -s "$router_socket"
  wait_for 10 birdc -s "$router_socket" show status || die "BIRD does not answer"
  # The outside knows the pools' addresses, and the router as the way there.
  ! has_ipv4 || ip -n "$prefix-ext" route replace "$pool4" via "$(wire4 "$router_octet")"
  ! has_ipv6 || ip -n "$prefix-ext" -6 route replace "$pool6" via "$(wire6 "$router_octet")"
}

router_config() {
  local n
  cat <<EOT
log stderr { info, warning, error, fatal, bug };
router id $(wire4 "$router_octet");
protocol device {}
protocol kernel kernel4 { ipv4 { import none; export where source = RTS_BGP; }; merge paths on; }
protocol kernel kernel6 { ipv6 { import none; export where source = RTS_BGP; }; merge paths on; }
template bgp node {
  local as $router_asn;
  connect delay time 1;
  connect retry time 2;
  error wait time 1, 4;
  hold time 30;
  graceful restart on;
$(has_ipv4 && echo "  ipv4 { import all; export none; };")
$(has_ipv6 && echo "  ipv6 { import all; export none; };")
}
EOT
  for n in $(node_numbers); do
    echo "protocol bgp node$n from node { neighbor $(by_family "$(wire4 "$n")" "$(wire6 "$n")" | head -n 1) as $node_asn; }"
  done
}

# What the nodes are told: who their router is, and what it is to hear.
bgp_objects() {
  jq -n --arg router "$(by_family "$(wire4 "$router_octet")" "$(wire6 "$router_octet")" | head -n 1)" --argjson asn "$router_asn" \
    --argjson pool "$(by_family "$pool4" "$pool6" | lines_to_json)" \
    --argjson families "$(by_family IPv4 IPv6 | lines_to_json)" '
    {apiVersion: "v1", kind: "List", items: ([
      {kind: "AddressPool", metadata: {name: "lab"}, spec: {addresses: $pool}},
      {kind: "BGPPeer", metadata: {name: "router"}, spec: {address: $router, asn: $asn, connectRetrySeconds: 1, holdTimeSeconds: 30,
        families: $families}},
      {kind: "BGPAdvertisement", metadata: {name: "lab"}, spec: {routes: ["PodCIDR", "LoadBalancerIP"]}}
    ] | map({apiVersion: "fairlead.io/v1alpha1"} + .))}'
}
tell_nodes_of_router() {
  [ "$network" = bgp ] || return 0
  kubectl_quietly apply -f - >/dev/null <<<"$(bgp_objects)"
}
router_has_all_sessions() {
  [ "$(birdc -s "$router_socket" show protocols | awk '$2 == "BGP" && $6 == "Established"' | wc -l)" = "$nodes" ]
}
wait_for_sessions() {
  [ "$network" = bgp ] || return 0
  step "BGP sessions with the router" "$router_log"
  wait_for 30 router_has_all_sessions || { birdc -s "$router_socket" show protocols >&2; die "not every node has a session"; }
}
