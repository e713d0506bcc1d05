#!/usr/bin/env bash
# The agent against a real kube-apiserver and etcd (build.sh makes them), all in a node's network namespace, with two pods: what
# is written to the API server is what a pod's connections to a ClusterIP meet. Versions before discovery.k8s.io/v1.
#
#   client 10.244.1.10 --- node --- one 10.244.1.11, two 10.244.1.12
. "$(dirname "$(readlink -f "$0")")/fixture.sh"
ns=flt-api-$$
inside=(nsenter "--net=/run/netns/$ns-node")

cleanup() {
  stop_all
  local name
  for name in node client one two; do ip netns delete "$ns-$name" 2>/dev/null; done
  rm -rf "$work"
}

add_pod() {  # NAME ADDRESS
  ip netns add "$ns-$1"
  ip -n "$ns-$1" link set lo up
  ip -n "$ns-node" link add "$1" type veth peer name eth0 netns "$ns-$1"
  ip -n "$ns-node" link set "$1" up
  ip -n "$ns-node" address add 10.244.1.1/32 dev "$1"
  ip -n "$ns-node" route add "$2" dev "$1"
  ip -n "$ns-$1" link set eth0 up
  ip -n "$ns-$1" address add "$2/32" dev eth0
  ip -n "$ns-$1" route add 10.244.1.1 dev eth0
  ip -n "$ns-$1" route add default via 10.244.1.1
}

# add_echo POD: its answers begin with the pod's name.
add_echo() {
  nsenter "--net=/run/netns/$ns-$1" "$bin/fairlead-lab" echo --name "$1" --tcp 8080 >>"$work/echo-$1.log" 2>&1 &
  echo $! >"$work/echo-$1.pid"
}

set_up() {
  ip netns add "$ns-node"
  ip -n "$ns-node" link set lo up
  "${inside[@]}" sysctl -qw net.ipv4.ip_forward=1
  add_pod client 10.244.1.10
  add_pod one 10.244.1.11
  add_pod two 10.244.1.12
  add_echo one
  add_echo two
  begin
  grant
  api POST /api/v1/nodes '{"metadata":{"name":"node1"}}'
  api PATCH /api/v1/nodes/node1/status '{"status":{"addresses":[{"type":"InternalIP","address":"10.244.1.1"}]}}'
  kubeconfig '{tokenFile: token}'
  cat >"$work/agent.yaml" <<YAML
apiVersion: fairlead.io/v1alpha1
kind: AgentConfiguration
nodeName: node1
kubeconfig: $work/kubeconfig
datapath: nftables
clusterCIDRs: [10.244.0.0/16]
serviceCIDRs: [10.96.0.0/16]
runtimeDirectory: $work/run
stateDirectory: $work/state
YAML
}

start_agent() {
  start agent "$bin/fairlead" agent --config "$work/agent.yaml"
  eventually 60 is_ready
}
is_ready() { "${inside[@]}" curl -sf http://127.0.0.1:10256/readyz; }
cluster_ip() { api GET $services/web && jq -r .spec.clusterIP "$work/answer"; }
ask() { nsenter "--net=/run/netns/$ns-client" "$bin/fairlead-lab" ask "$1" --timeout 2; }
answers() { [[ $(ask "$1") == "$2 10.244.1.10 "* ]]; }
has_element() { "${inside[@]}" nft list table inet fairlead | grep -F "$1" >/dev/null; }
lacks_element() { ! has_element "$1"; }

test_1_a_pod_reaches_the_backend_of_a_new_service() {
  start_agent
  api POST $services "$(service web)"
  api POST $slices "$(slice web-1 web 10.244.1.11)"
  local ip
  ip=$(cluster_ip)
  eventually 10 has_element "10.244.1.11 . 8080"
  has_element "$ip . tcp . 80"
  answers "$ip:80" one
}

test_2_a_changed_endpoint_is_where_connections_go() {
  local ip
  ip=$(cluster_ip)
  api PATCH $slices/web-1 '{"endpoints":[{"addresses":["10.244.1.12"]}]}'
  eventually 10 has_element "10.244.1.12 . 8080"
  lacks_element "10.244.1.11 . 8080"
  answers "$ip:80" two
}

test_3_traffic_goes_on_without_the_api_server_and_changes_arrive_once_it_is_back() {
  local ip
  ip=$(cluster_ip)
  nsenter "--net=/run/netns/$ns-client" "$bin/fairlead-lab" load --tcp "$ip:80" --rate 100 --keep-open 5 --duration 120 \
    --until-file "$work/enough" >"$work/load" &
  local load=$!
  stop apiserver KILL
  eventually 20 grep -q 'watch: ' "$work/agent.log"
  answers "$ip:80" two
  start_apiserver
  api PATCH $slices/web-1 '{"endpoints":[{"addresses":["10.244.1.11"]}]}'
  eventually 60 answers "$ip:80" one
  touch "$work/enough"
  wait "$load" || true
  expect_eq "$(jq -c '[.failures, .long.broken, .successes > 0, .long.opened > 0]' "$work/load")" '[0,[],true,true]'
}

test_4_a_killed_agent_leaves_the_service_working_and_the_next_one_follows_what_was_missed() {
  local ip
  ip=$(cluster_ip)
  stop agent KILL
  api PATCH $slices/web-1 '{"endpoints":[{"addresses":["10.244.1.12"]}]}'
  answers "$ip:80" one
  start_agent
  eventually 10 answers "$ip:80" two
  api DELETE $services/web
  eventually 10 lacks_element "$ip . tcp . 80"
  stop agent
}

set_up
run_tests "$@"
