#!/usr/bin/env bash
# The agent's process as its users meet it: start, health, metrics, admin socket, a second one, a foreign hand, stop, --cleanup.
# In a network namespace, against an API server of three resources (agent/api_server.py).
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/lib.sh

bin=${FAIRLEAD_BIN:-build/release/bin}/fairlead
work=$(mktemp -d)
ns=agent-test-$$
server='' agent='' status=0

inside() { nsenter --net="/run/netns/$ns" "$@"; }
page() { inside curl -s "http://127.0.0.1:$1"; }
cli() { "$bin" "$@" --socket "$work/run/agent.sock"; }
put() { inside curl -sf -X PUT --data-binary @- "http://127.0.0.1:8001/test/$1" >/dev/null; }

# At the end of each test's subshell, which is the parent of both.
stop_all() {
  set +e
  [ -z "$agent" ] || kill -KILL "$agent" 2>/dev/null
  [ -z "$server" ] || kill -KILL "$server" 2>/dev/null
  wait 2>/dev/null
}

cleanup() {
  ip netns delete "$ns"
  rm -rf "$work"
}

start_server() {
  nsenter --net="/run/netns/$ns" python3 tests/netns/agent/api_server.py 8001 2>"$work/server.log" &
  server=$!
  trap stop_all EXIT
  eventually 10 inside curl -sf http://127.0.0.1:8001/api/v1/nodes
}

# Each test has an agent of its own, which ends with the test's subshell at the latest. The kernel's state stays.
start_agent() {
  nsenter --net="/run/netns/$ns" "$bin" agent --config "$work/agent.yaml" "$@" 2>>"$work/agent.log" &
  agent=$!
  trap stop_all EXIT
}

# Ends the agent with a signal; its exit status is in $status.
stop_agent() {
  kill "-$1" "$agent"
  status=0
  wait "$agent" || status=$?
}

curl_ok() { inside curl -sf "http://127.0.0.1:$1" >/dev/null; }
curl_fails() { ! curl_ok "$1"; }
is_ready() { page 10256/readyz | jq -e .healthy; }
has_backend() { inside nft list table inet fairlead | grep -F "$1" >/dev/null; }
lacks_backend() { ! has_backend "$1"; }
has_rules() { inside nft list table inet fairlead | grep dnat >/dev/null; }
resyncs() { cli status -o json | jq .sync.resyncs; }

service() {
  jq -n --arg name "$1" --arg ip "$2" '{metadata: {namespace: "default", name: $name, creationTimestamp: "2026-01-01T00:00:00Z"},
    spec: {type: "ClusterIP", clusterIP: $ip, clusterIPs: [$ip], ports: [{port: 80, targetPort: 8080, protocol: "TCP"}]}}'
}
slice() {
  jq -n --arg name "$1" --arg ip "$2" --arg time "$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)" '{addressType: "IPv4",
    metadata: {namespace: "default", name: "\($name)-1", labels: {"kubernetes.io/service-name": $name},
               annotations: {"endpoints.kubernetes.io/last-change-trigger-time": $time}},
    ports: [{name: "", port: 8080, protocol: "TCP"}], endpoints: [{addresses: [$ip], nodeName: "node1", conditions: {ready: true}}]}'
}
node() {
  jq -n --argjson taints "$1" '{metadata: {name: "node1"}, spec: {taints: $taints},
    status: {addresses: [{type: "InternalIP", address: "198.18.0.1"}]}}'
}

set_up() {
  ip netns add "$ns"
  ip -n "$ns" link set lo up
  ip -n "$ns" link add d0 type veth peer name d1
  ip -n "$ns" address add 198.18.0.1/24 dev d0
  ip -n "$ns" link set d0 up
  ip -n "$ns" link set d1 up
  cat >"$work/kubeconfig" <<EOT
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "http://127.0.0.1:8001"}}]
users: [{name: test, user: {}}]
EOT
  cat >"$work/agent.yaml" <<EOT
apiVersion: fairlead.io/v1alpha1
kind: AgentConfiguration
nodeName: node1
kubeconfig: $work/kubeconfig
datapath: nftables
clusterCIDRs: [10.244.0.0/16]
serviceCIDRs: [10.96.0.0/16]
runtimeDirectory: $work/run
stateDirectory: $work/state
nodeWait: 1s
EOT
}


# --- without an API server

test_01_without_an_api_server_it_is_alive_and_not_ready_and_writes_nothing() {
  start_agent
  eventually 10 page 10256/livez
  expect_eq "$(page 10256/livez | jq .healthy)" true
  expect_eq "$(page 10256/readyz | jq .healthy)" false
  expect_eq "$(inside nft list tables)" ""
  stop_agent TERM
  expect_eq "$status" 0
}

test_02_the_first_sync_waits_for_services_slices_and_a_moment_for_the_node() {
  start_server
  service web 10.96.0.10 | put services
  slice web 10.244.1.5 | put endpointslices
  start_agent
  eventually 10 is_ready
  has_backend 10.244.1.5
  stop_agent TERM
}

# --- with it: the server is started again here, since each test is a process of its own

test_03_health_says_whether_load_balancers_may_use_the_node() {
  start_server
  start_agent
  eventually 10 is_ready
  expect_eq "$(page 10256/healthz | jq -c '[.healthy, .nodeEligible]')" '[false,false]'
  node '[]' | put nodes
  eventually 5 curl_ok 10256/healthz
  node '[{"key":"ToBeDeletedByClusterAutoscaler"}]' | put nodes
  eventually 5 curl_fails 10256/healthz
  curl_ok 10256/livez
}

test_04_events_reach_the_kernel_and_are_counted() {
  start_server
  node '[]' | put nodes
  service web 10.96.0.10 | put services
  slice web 10.244.1.5 | put endpointslices
  start_agent
  eventually 10 is_ready
  slice web 10.244.1.6 | put endpointslices
  eventually 5 has_backend 10.244.1.6
  ! has_backend 10.244.1.5 || fail "the old backend is still there"
  page 10249/metrics >"$work/metrics"
  grep -q '^kubeproxy_network_programming_duration_seconds_count{ip_family="IPv4"} 1$' "$work/metrics" ||
    fail "$(grep programming "$work/metrics" | grep -v bucket)"
  grep -q '^fairlead_services 1$' "$work/metrics"
  grep -q '^process_resident_memory_bytes ' "$work/metrics"
  expect_eq "$(page 10249/proxyMode)" nftables
  expect_eq "$(page 10249/configz | jq -r .nodeName)" node1
  expect_eq "$(page 10249/healthz)" ok
}

test_05_the_admin_socket_tells_and_explains() {
  start_server
  node '[]' | put nodes
  service web 10.96.0.10 | put services
  slice web 10.244.1.5 | put endpointslices
  start_agent
  eventually 10 is_ready
  expect_eq "$(stat -c %a "$work/run" "$work/run/agent.sock" | xargs)" "700 600"
  cli status | grep -E '^Ready +true$' >/dev/null
  cli services | grep -E '^default/web +ClusterIP +10\.96\.0\.10:80 +TCP +forward +10\.244\.1\.5:8080$' >/dev/null
  cli explain 10.244.1.7 10.96.0.10:80 | grep '^10.244.1.7 -> 10.96.0.10:80/TCP: forward$' >/dev/null
  expect_eq "$(cli explain '10.244.1.7 -> 10.96.0.99:80' -o json | jq -r .outcome)" drop
  cli status -o yaml | grep '^node: "node1"$' >/dev/null
  ! "$bin" status --socket "$work/none.sock" 2>"$work/error" || fail "no agent, and no error"
  grep -q 'connect: No such file' "$work/error"
}

test_06_a_second_agent_on_the_same_directory_is_refused() {
  start_agent
  eventually 10 page 10256/livez
  ! inside "$bin" agent --config "$work/agent.yaml" 2>"$work/second.log" || fail "two agents"
  grep -q "belongs to another agent that runs (pid $agent)" "$work/second.log" || fail "$(cat "$work/second.log")"
  ! inside "$bin" agent --config "$work/agent.yaml" --cleanup 2>/dev/null || fail "cleaned up under a running agent"
}

test_07_what_others_remove_is_repaired_within_a_second() {
  start_server
  node '[]' | put nodes
  service web 10.96.0.10 | put services
  slice web 10.244.1.5 | put endpointslices
  start_agent
  eventually 10 is_ready
  local before start
  before=$(resyncs)
  start=$(date +%s%N)
  inside nft delete table inet fairlead
  eventually 5 has_backend 10.244.1.5
  echo "  repaired after $((($(date +%s%N) - start) / 1000000)) ms"
  inside nft flush table inet fairlead
  eventually 5 has_rules
  expect_eq "$(cli status -o json | jq '.sync.foreignChanges >= 2 and .sync.resyncs >= '"$((before + 2))")" true
}

test_08_killed_and_started_again_it_adopts_what_is_there() {
  start_server
  node '[]' | put nodes
  service web 10.96.0.10 | put services
  slice web 10.244.1.5 | put endpointslices
  start_agent
  eventually 10 is_ready
  stop_agent KILL
  has_backend 10.244.1.5
  nsenter --net="/run/netns/$ns" nft monitor >"$work/monitor" &
  local monitor=$!
  start_agent
  eventually 10 is_ready
  kill "$monitor"
  expect_eq "$(grep -vc '^#' "$work/monitor")" 0 "$(cat "$work/monitor")"
  expect_eq "$(page 10249/metrics | grep '^fairlead_elements_total{operation="add"}')" 'fairlead_elements_total{operation="add"} 0'
}

test_09_a_new_address_of_the_node_opens_its_node_ports() {
  start_server
  node '[]' | put nodes
  service web 10.96.0.10 | jq '.spec.type = "NodePort" | .spec.ports[0].nodePort = 30080' | put services
  slice web 10.244.1.5 | put endpointslices
  start_agent --nodeport-addresses 198.18.7.0/24
  eventually 10 is_ready
  ! has_backend 198.18.7.7 || fail "open before the address exists"
  ip -n "$ns" address add 198.18.7.7/24 dev d0
  eventually 5 has_backend 198.18.7.7
  ip -n "$ns" address del 198.18.7.7/24 dev d0
  eventually 5 lacks_backend 198.18.7.7
}

test_10_it_stops_with_the_datapath_in_place_and_cleans_up_when_told() {
  start_server
  node '[]' | put nodes
  service web 10.96.0.10 | put services
  slice web 10.244.1.5 | put endpointslices
  start_agent
  eventually 10 is_ready
  stop_agent TERM
  expect_eq "$status" 0
  has_backend 10.244.1.5
  inside "$bin" agent --config "$work/agent.yaml" --cleanup
  expect_eq "$(inside nft list tables)" ""
  inside "$bin" agent --config "$work/agent.yaml" --cleanup
}

test_11_a_mistake_in_the_configuration_names_its_place() {
  printf 'apiVersion: fairlead.io/v1alpha1\nkind: AgentConfiguration\nlogging:\n  level: loud\n' >"$work/bad.yaml"
  ! "$bin" agent --config "$work/bad.yaml" 2>"$work/error" || fail "accepted"
  expect_match "$(cat "$work/error")" "^fairlead agent: $work/bad.yaml:4:10: logging.level: \"loud\" is none of"
  "$bin" agent --config "$work/agent.yaml" --write-config-to "$work/written.yaml"
  "$bin" agent --config "$work/written.yaml" --write-config-to "$work/again.yaml"
  cmp "$work/written.yaml" "$work/again.yaml"
}

test_12_the_admin_socket_refuses_others_whatever_its_mode() {
  start_agent
  eventually 10 cli status
  chmod 711 "$work" "$work/run"
  chmod 666 "$work/run/agent.sock"
  ask() { "$@" curl -s -o "$work/answer" -w '%{http_code}' --unix-socket "$work/run/agent.sock" http://agent/v1/status; }
  expect_eq "$(ask)" 200
  touch "$work/answer"
  chmod 666 "$work/answer"
  expect_eq "$(ask setpriv --reuid 65534 --regid 65534 --clear-groups)" 403
  expect_eq "$(cat "$work/answer")" "403 only root and the agent's own user may ask"
}

test_13_the_documentation_of_the_options_is_that_of_the_program() {
  "$bin" agent --options-markdown | diff - docs/agent-options.md || fail "write it anew: fairlead agent --options-markdown >docs/agent-options.md"
}

set_up
run_tests "$@"
