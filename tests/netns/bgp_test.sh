#!/usr/bin/env bash
# Two agents with podNetwork.mode bgp: their speakers meet, pods' ranges become routes, and neither a speaker's nor an agent's end
# costs a packet. Each node is a network namespace with an API server of its own that knows both (agent/api_server.py).
#
#   node1 198.18.0.1, fd00:18::1 — bridge — node2 198.18.0.2, fd00:18::2; podCIDRs 10.244.N.0/24, fd00:244:N::/64
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/lib.sh

bin=${FAIRLEAD_BIN:-build/release/bin}/fairlead
work=$(mktemp -d)
base=bgp-test-$$
declare -a servers=()

ns_of() { echo "$base-$1"; }
on() { local node=$1; shift; nsenter --net="/run/netns/$(ns_of "$node")" "$@"; }
cli() { local node=$1; shift; "$bin" "$@" --socket "$work/node$node/run/agent.sock"; }
peers() { cli "$1" bgp peers -o json; }
agent_of() { cat "$work/node$1/pid"; }
speaker_of() { cli "$1" status -o json | jq .bgp.speaker.pid; }
learned() { on "$1" sh -c 'ip route show proto 202; ip -6 route show proto 202'; }
has_learned() { learned "$1" | grep -F "$2"; }
lacks_learned() { ! has_learned "$1" "$2"; }
all_established() { [ "$(peers "$1" | jq '[.peers[].state] | unique == ["Established"]')" = true ]; }
metric() { on "$1" curl -s http://127.0.0.1:10249/metrics | grep -F "$2"; }
answers() { on 1 ping -n -c 1 -W 1 10.244.2.10; }

node_object() {
  jq -n --arg n "$1" '{metadata: {name: "node\($n)"}, spec: {podCIDRs: ["10.244.\($n).0/24", "fd00:244:\($n)::/64"]},
    status: {addresses: [{type: "InternalIP", address: "198.18.0.\($n)"}, {type: "InternalIP", address: "fd00:18::\($n)"}]}}'
}

# In the background, with its pid in a file: it outlives the test that starts it.
start_agent() {
  nsenter --net="/run/netns/$(ns_of "$1")" "$bin" agent --config "$work/node$1/agent.yaml" >>"$work/node$1/agent.log" 2>&1 &
  echo $! >"$work/node$1/pid"
  disown
}

ended() { ! kill -0 "$1" 2>/dev/null; }
end_agent() {
  local pid
  pid=$(agent_of "$2")
  kill "-$1" "$pid"
  eventually 20 ended "$pid"
}

cleanup() {
  local node
  for node in 1 2; do kill -KILL "$(agent_of "$node")" 2>/dev/null; done
  for server in "${servers[@]}"; do kill -KILL "$server" 2>/dev/null; done
  wait 2>/dev/null
  for node in wire 1 2; do ip netns delete "$(ns_of "$node")"; done
  rm -rf "$work"
}

set_up_node() {
  local n=$1
  ip netns add "$(ns_of "$n")"
  ip -n "$(ns_of "$n")" link set lo up
  ip -n "$(ns_of "$n")" link add eth0 type veth peer name "port$n" netns "$(ns_of wire)"
  ip -n "$(ns_of wire)" link set "port$n" master br0 up
  ip -n "$(ns_of "$n")" link set eth0 up
  ip -n "$(ns_of "$n")" address add "198.18.0.$n/24" dev eth0
  ip -n "$(ns_of "$n")" address add "fd00:18::$n/64" dev eth0 nodad
  ip -n "$(ns_of "$n")" address add "10.244.$n.10/32" dev lo  # stands for a pod
  ip -n "$(ns_of "$n")" address add "fd00:244:$n::10/128" dev lo
  mkdir -p "$work/node$n"
  cat >"$work/node$n/kubeconfig" <<EOT
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "http://127.0.0.1:8001"}}]
users: [{name: test, user: {}}]
EOT
  cat >"$work/node$n/agent.yaml" <<EOT
apiVersion: fairlead.io/v1alpha1
kind: AgentConfiguration
nodeName: node$n
kubeconfig: $work/node$n/kubeconfig
datapath: nftables
clusterCIDRs: [10.244.0.0/16, "fd00:244::/32"]
runtimeDirectory: $work/node$n/run
stateDirectory: $work/node$n/state
nodeWait: 1s
podNetwork: {mode: bgp, cniConfDirectory: ""}
EOT
  nsenter --net="/run/netns/$(ns_of "$n")" python3 tests/netns/agent/api_server.py 8001 2>"$work/node$n/server.log" &
  servers+=($!)
  eventually 10 on "$n" curl -sf http://127.0.0.1:8001/api/v1/nodes
  for peer in 1 2; do node_object "$peer" | on "$n" curl -sf -X PUT --data-binary @- http://127.0.0.1:8001/test/nodes >/dev/null; done
  start_agent "$n"
}

set_up() {
  ip netns add "$(ns_of wire)"
  ip -n "$(ns_of wire)" link add br0 type bridge
  ip -n "$(ns_of wire)" link set br0 up
  set_up_node 1
  set_up_node 2
}

# Pings a pod of the other node while COMMAND… runs; a lost answer fails the test.
without_loss() {
  nsenter --net="/run/netns/$(ns_of 1)" ping -n -i 0.02 -W 1 10.244.2.10 >"$work/ping" &
  local ping=$!
  "$@"
  kill -INT "$ping"
  wait "$ping" || true
  expect_match "$(tail -3 "$work/ping")" ' 0% packet loss'
}


test_01_pods_ranges_become_routes_of_both_families() {
  for node in 1 2; do
    local other=$((3 - node))
    eventually 30 has_learned "$node" "10.244.$other.0/24 via 198.18.0.$other dev eth0"
    eventually 30 has_learned "$node" "fd00:244:$other::/64 via fd00:18::$other dev eth0"
    expect_eq "$(on "$node" ip -o link show type vxlan)" ""
  done
  on 1 ping -n -c 1 -W 2 10.244.2.10 >/dev/null
  on 1 ping -n -c 1 -W 2 fd00:244:2::10 >/dev/null
}

test_02_the_speaker_has_no_rights() {
  local status
  status=/proc/$(speaker_of 1)/status
  expect_match "$(grep ^CapEff "$status")" '0000000000000000$'
  expect_match "$(grep ^CapPrm "$status")" '0000000000000000$'
  expect_match "$(grep ^NoNewPrivs "$status")" '1$'
  expect_match "$(grep ^Uid "$status")" '65534'
}

test_03_people_and_programs_are_told() {
  eventually 30 all_established 1
  expect_match "$(cli 1 bgp peers)" 'node/node2/ipv4 +198.18.0.2 +64512 +Established'
  expect_match "$(cli 1 bgp routes 10.244.2.0/24)" '10.244.2.0/24 +node/node2/ipv4 +198.18.0.2'
  expect_eq "$(cli 1 bgp routes 10.244.1.0/24 -o json | jq -c '[.routes[].paths[].peer]')" '[""]'
  expect_match "$(cli 1 status)" 'BGP +AS 64512, 2 of 2 sessions established, 2 prefixes announced, 2 learned routes'
  expect_match "$(metric 1 fairlead_bgp_peer_up)" 'peer="node/node2/ipv4"} 1'
  expect_match "$(metric 1 fairlead_bgp_kernel_routes)" ' 2$'
  expect_match "$(metric 1 fairlead_bgp_messages_total)" 'direction="in"'
}

test_04_what_others_delete_is_put_back() {
  on 1 ip route delete 10.244.2.0/24 metric 202
  eventually 10 has_learned 1 '10.244.2.0/24 via 198.18.0.2'
}

kill_speaker() {
  local before
  before=$(speaker_of 1)
  kill -KILL "$before"
  eventually 20 speaker_is_another "$before"
  eventually 60 all_established 1
  eventually 60 all_was_said 1
}
speaker_is_another() { local now; now=$(speaker_of 1); [ "$now" -ne 0 ] && [ "$now" -ne "$1" ]; }
all_was_said() { [ "$(cli "$1" status -o json | jq .bgp.speaker.allWasSaid)" = true ]; }
test_05_a_lost_speaker_is_started_again_and_no_packet_is_lost() { without_loss kill_speaker; }

restart_agent() {
  end_agent "$1" 1
  expect_match "$(learned 1)" '10.244.2.0/24'
  expect_match "$(learned 2)" '10.244.1.0/24'
  start_agent 1
  eventually 60 all_established 1
  eventually 60 all_was_said 1
}
test_06_an_agent_that_is_killed_comes_back_and_no_packet_is_lost() { without_loss restart_agent KILL; }
test_07_an_agent_that_is_stopped_comes_back_and_no_packet_is_lost() { without_loss restart_agent TERM; }

test_08_a_node_that_is_drained_is_withdrawn_at_once() {
  cli 1 bgp drain >/dev/null
  eventually 10 lacks_learned 2 10.244.1.0/24
  expect_match "$(cli 1 bgp peers 2>&1)" 'does not run'
  expect_match "$(learned 1)" '10.244.2.0/24'  # what it sends goes on
  end_agent TERM 1
  start_agent 1
  eventually 60 has_learned 2 '10.244.1.0/24 via 198.18.0.1'
}

test_09_cleaning_up_takes_the_learned_routes() {
  end_agent TERM 1
  expect_match "$(learned 1)" '10.244.2.0/24'
  on 1 "$bin" agent --config "$work/node1/agent.yaml" --cleanup 2>/dev/null
  expect_eq "$(learned 1)" ""
}

set_up
run_tests "$@"
