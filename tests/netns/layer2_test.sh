#!/usr/bin/env bash
# Load balancer addresses on a flat link: a bridge with three nodes, a client, a pod and an API server, in network namespaces. Real
# agents with each datapath; who answers is asked with frames of our own, and what works with curl.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/lib.sh

bin=${FAIRLEAD_BIN:-build/release/bin}/fairlead
work=$(mktemp -d)
prefix=layer2-$$
# A subtree without processes: the eBPF datapath must not find the client's socket, as no node has it in earnest.
cgroup=$(findmnt -nt cgroup2 -o TARGET | head -n 1)/$prefix
agents=() server='' pod=''
v4=198.19.0.100 v6=fd19::100

in_ns() { nsenter --net="/run/netns/$prefix-$1" "${@:2}"; }
# Kills only what was started here, by its process id.
kill_agent() {
  [ -z "${agents[$1]:-}" ] || { kill "-$2" "${agents[$1]}" && wait "${agents[$1]}"; } 2>/dev/null || true
  agents[$1]=''
}
stop_all() {
  set +e
  for n in 1 2 3; do kill_agent "$n" KILL; done
  [ -z "$server" ] || kill -KILL "$server"
  [ -z "$pod" ] || kill -KILL "$pod"
  wait
} 2>/dev/null

cleanup() {
  local name n
  for n in 1 2 3; do mountpoint -q "$work/node$n/bpf" && umount "$work/node$n/bpf"; done
  for name in node1 node2 node3 client pod api net; do ip netns delete "$prefix-$name" 2>/dev/null; done
  rmdir "$cgroup"/node* "$cgroup" 2>/dev/null
  rm -rf "$work"
}

# NAME: its cable is in the bridge. A frame for a host that is away reaches nobody: what works then works because the client was told.
plug() {
  ip -n "$prefix-net" link set "$1" master br0 up
  bridge -n "$prefix-net" link set dev "$1" flood off
}
# NAME NUMBER: a host on the bridge; its MAC address and its addresses end with the number.
host() {
  ip netns add "$prefix-$1"
  ip -n "$prefix-$1" link set lo up
  ip -n "$prefix-net" link add "$1" type veth peer name eth0 netns "$prefix-$1" address "02:00:00:00:00:$(printf %02x "$2")"
  plug "$1"
  in_ns "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0
  ip -n "$prefix-$1" link set eth0 up
  ip -n "$prefix-$1" address add "198.19.0.$2/24" dev eth0
  ip -n "$prefix-$1" address add "fd19::$2/64" dev eth0 nodad
}

# Without pods there is nothing to load here but the datapath; its own suites have the rest.
configure() {
  mkdir -p "$work/node$1/bpf" "$cgroup/node$1"
  mount -t bpf bpf "$work/node$1/bpf"
  cat >"$work/node$1/agent.yaml" <<EOT
apiVersion: fairlead.io/v1alpha1
kind: AgentConfiguration
nodeName: node$1
kubeconfig: $work/kubeconfig
clusterCIDRs: [10.244.0.0/16, "fd10:244::/32"]
serviceCIDRs: [10.96.0.0/16, "fd96::/112"]
runtimeDirectory: $work/node$1/run
stateDirectory: $work/node$1/state
pinDirectory: $work/node$1/bpf/fairlead
cgroup: $cgroup/node$1
EOT
}

set_up() {
  local n
  ip netns add "$prefix-net"
  ip -n "$prefix-net" link add br0 type bridge mcast_snooping 0
  ip -n "$prefix-net" link set br0 up
  for n in 1 2 3; do
    host "node$n" "$n"
    in_ns "node$n" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    configure "$n"
  done
  host client 50
  host pod 60
  host api 70
  cat >"$work/kubeconfig" <<EOT
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "http://198.19.0.70:8001"}}]
users: [{name: test, user: {}}]
EOT
}

put() { in_ns api curl -sf -X PUT --data-binary @- "http://198.19.0.70:8001/test/$1" >/dev/null; }
delete() { in_ns api curl -sf -X DELETE "http://198.19.0.70:8001/test/$1" >/dev/null; }
node() {
  jq -n --arg name "node$1" --arg n "$1" --argjson labels "${2:-{\}}" '{metadata: {name: $name, labels: $labels},
    status: {addresses: [{type: "InternalIP", address: "198.19.0.\($n)"}, {type: "InternalIP", address: "fd19::\($n)"}]}}' | put nodes
}
service() {
  jq -n --arg v4 "$v4" --arg v6 "$v6" '{metadata: {namespace: "default", name: "web", creationTimestamp: "2026-01-01T00:00:00Z"},
    spec: {type: "LoadBalancer", clusterIP: "10.96.0.10", clusterIPs: ["10.96.0.10", "fd96::10"], ipFamilies: ["IPv4", "IPv6"], allocateLoadBalancerNodePorts: false,
           ports: [{port: 80, targetPort: 8080, protocol: "TCP"}]},
    status: {loadBalancer: {ingress: [{ip: $v4}, {ip: $v6}]}}}' | put services
  slice IPv4 198.19.0.60
  slice IPv6 fd19::60
}
slice() {
  jq -n --arg family "$1" --arg ip "$2" '{addressType: $family,
    metadata: {namespace: "default", name: "web-\($family | ascii_downcase)", labels: {"kubernetes.io/service-name": "web"}},
    ports: [{name: "", port: 8080, protocol: "TCP"}], endpoints: [{addresses: [$ip], conditions: {ready: true}}]}' | put endpointslices
}
pool() {
  jq -n --arg announce "$1" --arg v4 "$v4-$v4" --arg v6 "$v6-$v6" \
    '{metadata: {name: "flat"}, spec: {addresses: [$v4, $v6], announce: $announce}}' | put addresspools
}

needs_cgroup() { mountpoint -q "${cgroup%/*}" || skip "no cgroup v2"; }
answers() { in_ns api curl -sf http://198.19.0.70:8001/api/v1/nodes; }
start_cluster() {
  trap stop_all EXIT
  nsenter --net="/run/netns/$prefix-api" python3 tests/netns/agent/api_server.py 8001 198.19.0.70 2>"$work/server.log" &
  server=$!
  nsenter --net="/run/netns/$prefix-pod" python3 -m http.server -b :: 8080 -d tests/netns/layer2 >"$work/pod.log" 2>&1 &
  pod=$!
  eventually 10 answers
  local n
  for n in 1 2 3; do node "$n"; done
  service
  pool Layer2
}
start_agent() {
  nsenter --net="/run/netns/$prefix-node$1" "$bin" agent --config "$work/node$1/agent.yaml" --datapath "$datapath" \
    2>>"$work/agent$1.log" &
  agents[$1]=$!
}
clean_up_node() {
  in_ns "node$1" "$bin" agent --config "$work/node$1/agent.yaml" --datapath "$datapath" --cleanup 2>>"$work/agent$1.log"
}
# The cluster as each test finds it: three nodes, nothing left of the last test.
begin() {
  datapath=$1
  local n
  start_cluster
  for n in 1 2 3; do
    clean_up_node "$n"
    start_agent "$n"
  done
  eventually 30 has_one_holder "$v4"
  eventually 30 has_one_holder "$v6"
  eventually 30 serves "$v4"
  eventually 30 serves "[$v6]"
}

who_has() {
  local own=198.19.0.50
  [ "$1" = "$v4" ] || own=fd19::50
  in_ns client python3 tests/netns/layer2/who_has.py eth0 "$own" "$1"
}
# The number of the node that answers for an address. Fails unless it is exactly one.
holder() {
  local macs
  macs=$(who_has "$1")
  [[ $macs =~ ^02:00:00:00:00:0([123])$ ]] && echo "${BASH_REMATCH[1]}"
}
has_one_holder() { holder "$1"; }
is_held_by() { [ "$(holder "$1")" = "$2" ]; }
is_held_by_another() { local now; now=$(holder "$1") && [ "$now" != "$2" ]; }
has_no_holder() { [ -z "$(who_has "$1")" ]; }
serves() { in_ns client curl -sf --max-time 1 -o /dev/null "http://$1/who_has.py"; }
status_of() { "$bin" status --socket "$work/node$1/run/agent.sock" -o json; }

answer_stays_and_moves() {
  local first second
  first=$(holder "$1")
  # The agent's death moves nothing, nor does its return.
  kill_agent "$first" KILL
  expect_eq "$(holder "$1")" "$first" 'without its agent'
  serves "$2"
  start_agent "$first"
  eventually 30 status_of "$first"
  expect_eq "$(holder "$1")" "$first" 'with its next agent'
  # The node's death moves it: here the other end of its cable is pulled, so that it does not notice.
  ip -n "$prefix-net" link set "node$first" nomaster
  eventually 30 is_held_by_another "$1" "$first"
  eventually 30 serves "$2"
  second=$(holder "$1")
  # Back.
  plug "node$first"
  eventually 30 is_held_by "$1" "$first"
  eventually 30 serves "$2"
  [ "$second" != "$first" ]
}

for_each_family() {
  "$1" "$v4" "$v4"
  "$1" "$v6" "[$v6]"
}

test_01_with_nftables_one_node_answers_until_it_dies() { begin nftables; for_each_family answer_stays_and_moves; }
test_02_with_ebpf_one_node_answers_until_it_dies() {
  needs_cgroup
  begin ebpf
  for_each_family answer_stays_and_moves
}

loses_its_link() {
  local first
  first=$(holder "$1")
  ip -n "$prefix-node$first" link set eth0 down
  eventually 30 is_held_by_another "$1" "$first"
  eventually 30 serves "$2"
  ip -n "$prefix-node$first" link set eth0 up
  ip -n "$prefix-node$first" address replace "fd19::$first/64" dev eth0 nodad  # went with the link
  eventually 30 is_held_by "$1" "$first"
  eventually 30 serves "$2"
}
test_03_a_node_whose_link_is_down_gives_its_addresses_to_another() { begin nftables; for_each_family loses_its_link; }

moves_without_loss() {
  local first failed="$work/failed"
  first=$(holder "$1")
  : >"$failed"
  (while [ ! -e "$work/stop" ]; do serves "$2" || echo lost >>"$failed"; done) &
  local load=$!
  node "$first" '{"node.kubernetes.io/exclude-from-external-load-balancers": ""}'
  eventually 30 is_held_by_another "$1" "$first"
  node "$first"
  eventually 30 is_held_by "$1" "$first"
  : >"$work/stop"
  wait "$load"
  rm "$work/stop"
  expect_eq "$(cat "$failed")" ''
}
test_04_an_excluded_node_hands_its_addresses_over_without_loss() { begin nftables; for_each_family moves_without_loss; }

test_05_a_dead_agents_node_falls_silent_when_another_takes_the_address() {
  begin nftables
  local first
  first=$(holder "$v4")
  kill_agent "$first" KILL
  node "$first" '{"node.kubernetes.io/exclude-from-external-load-balancers": ""}'
  eventually 30 is_held_by_another "$v4" "$first"
  serves "$v4"
}

test_06_a_new_address_of_a_node_without_agent_is_answered_by_another() {
  begin nftables
  local first
  first=$(holder "$v4")
  delete services/default/web
  eventually 30 has_no_holder "$v4"
  kill_agent "$first" KILL
  service
  eventually 30 is_held_by_another "$v4" "$first"
  eventually 30 serves "$v4"
}

test_07_a_deleted_service_and_another_announcement_end_it() {
  begin nftables
  delete services/default/web
  eventually 30 has_no_holder "$v4"
  has_no_holder "$v6"
  service
  eventually 30 has_one_holder "$v4"
  pool BGP
  eventually 30 has_no_holder "$v4"
  eventually 30 has_no_holder "$v6"
  eventually 30 nothing_is_left
}
nothing_is_left() {
  local n
  for n in 1 2 3; do
    [ ! -e "$work/node$n/bpf/fairlead/layer2" ]
    [ -z "$(tc -n "$prefix-node$n" qdisc show dev eth0 clsact)" ]
    expect_eq "$(ip -n "$prefix-node$n" -6 neigh show proxy)" ''
  done
}

test_08_cleanup_removes_the_answers() {
  needs_cgroup
  begin ebpf
  local n
  for n in 1 2 3; do
    kill_agent "$n" TERM
    clean_up_node "$n"
  done
  has_no_holder "$v4"
  has_no_holder "$v6"
  for n in 1 2 3; do [ ! -e "$work/node$n/bpf/fairlead/layer2" ]; done
}

test_09_status_and_metrics_say_who_answers() {
  begin nftables
  local first
  first=$(holder "$v4")
  expect_eq "$(status_of "$first" | jq -r --arg a "$v4" '.layer2.addresses[] | select(.address == $a) | "\(.held) \(.rank) \(.first) \(.interface)"')" \
    "true 1 node$first eth0"
  expect_match "$("$bin" status --socket "$work/node$first/run/agent.sock")" "$v4 +true +1 +node$first +eth0"
  expect_match "$(in_ns "node$first" curl -sf http://127.0.0.1:10249/metrics)" 'fairlead_layer2_addresses [12]'
}

set_up
run_tests "$@"
