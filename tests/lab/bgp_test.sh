#!/usr/bin/env bash
# Routes by BGP alone: among the nodes, and to the router (BIRD) between them and the outside. Nobody else tells anybody where a
# pod or a load balancer's address is.
source "$(dirname "$(readlink -f "$0")")/fixture.sh"
source tests/lab/traffic.sh
with_lab --network bgp

router_routes() { inside net ip route show "$1"; }
# The nodes' addresses that the router sends a destination to, comma separated.
ways_to() { router_routes "$1" | grep -oE 'via [0-9.]+' | cut -d' ' -f2 | sort | paste -sd,; }
ways_are() { [ "$(ways_to "$1")" = "$2" ]; }
learned_by() { inside "$1" ip route show proto 202; }
has_learned() { learned_by "$1" | grep -q "^$2 "; }

load_balancer() {
  local name=$1 app=$2 policy=$3
  kubectl apply -f - >/dev/null <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "'"$name"'"}, "spec": {"type": "LoadBalancer",
    "externalTrafficPolicy": "'"$policy"'", "selector": {"app": "'"$app"'"}, "ports": [{"port": 80, "targetPort": 8080}]}}'
  eventually 10 has_address "$name"
}
has_address() { [ -n "$(address_of "$1")" ]; }
address_of() { service "$1" '.status.loadBalancer.ingress[0].ip'; }

test_pods_of_different_nodes_reach_each_other_by_learned_routes() {
  eventually 10 has_learned node1 10.244.2.0/24
  eventually 10 has_learned node2 10.244.1.0/24
  expect_eq "$(learned_by node1)" '10.244.2.0/24 via 198.18.0.2 dev eth0 metric 202 '
  expect_eq "$(inside node1 ip -br link show type vxlan)" ''
  expect_eq "$(source_of client "$(at "$(pod_ip web-2)" 8080)")" "$(pod_ip client)"
  expect_eq "$(ways_to 10.244.1.0/24)" 198.18.0.1
  expect_eq "$(ways_to 10.244.2.0/24)" 198.18.0.2
}

test_the_outside_reaches_a_load_balancer_by_both_nodes() {
  local address
  load_balancer everywhere web Cluster
  address=$(address_of everywhere)
  expect_match "$address" '^198\.19\.0\.'
  eventually 10 ways_are "$address" 198.18.0.1,198.18.0.2
  eventually 10 backends_are ext "$address:80" web-1,web-2
  kubectl delete service everywhere >/dev/null
  eventually 10 ways_are "$address" ''
}

test_with_policy_local_only_nodes_with_a_ready_endpoint_announce() {
  local address
  lab pod single --node node2 --labels app=single --serve http=8080/tcp
  load_balancer nearby single Local
  address=$(address_of nearby)
  eventually 10 ways_are "$address" 198.18.0.2
  eventually 10 answer ext "$address:80"
  expect_eq "$(answer ext "$address:80" | cut -d' ' -f1,2)" 'single 198.18.0.250'
  lab pod other --node node1 --labels app=single --serve http=8080/tcp
  eventually 10 ways_are "$address" 198.18.0.1,198.18.0.2
  lab pod single --delete
  eventually 10 ways_are "$address" 198.18.0.1
  lab pod other --delete
  eventually 10 ways_are "$address" ''
  kubectl delete service nearby >/dev/null
}

test_a_deleted_route_comes_back() {
  inside node1 ip route del 10.244.2.0/24 proto 202
  eventually 10 has_learned node1 10.244.2.0/24
}

session_is() { birdc -s "/run/fairlead-lab/$FAIRLEAD_LAB_PREFIX/bird.ctl" show protocols | awk -v name="$1" '$1 == name { print $6 }' | grep -qx "$2"; }
router() { birdc -s "/run/fairlead-lab/$FAIRLEAD_LAB_PREFIX/bird.ctl" "$@" >/dev/null; }
peers() { inside "$1" "$FAIRLEAD_BIN/fairlead" bgp peers -o json --socket "/run/fairlead-lab/$FAIRLEAD_LAB_PREFIX/$1/run/agent.sock"; }

# Flows from outside to a load balancer's address; each backend is on another node, and with policy Local each node has its own.
begin_flows() {
  rm -rf "$scratch/stop" "$scratch/traffic"
  mkdir "$scratch/traffic"
  started_traffic=()
  flows flows-ext ext --tcp "$1:80" --flows 100
  flows flows-pods client --tcp "$(pod_ip web-2):8080" --flows 50
  eventually 60 both_are_ready
}
both_are_ready() { [ "$(find "$scratch/traffic" -name '*.ready' | wc -l)" = 2 ]; }
end_flows() {
  touch "$scratch/stop"
  wait "${started_traffic[@]}" || true
}
report() { jq -c "$2" "$scratch/traffic/$1"; }

test_a_killed_agent_is_not_noticed_by_flows_nor_by_the_router() {
  local address node round
  load_balancer kept web Cluster
  address=$(address_of kept)
  eventually 10 ways_are "$address" 198.18.0.1,198.18.0.2
  begin_flows "$address"
  for round in 1 2 3; do
    for node in node1 node2; do
      lab agent "$node" kill
      eventually 10 session_is "$node" Active
      expect_eq "$(ways_to "$address")" 198.18.0.1,198.18.0.2 "the router while $node has no agent, round $round"
      expect_match "$(learned_by "$node")" '^10\.244\.[12]\.0/24 '
      lab agent "$node" start
      eventually 30 session_is "$node" Established
      expect_eq "$(ways_to "$address")" 198.18.0.1,198.18.0.2 "the router when $node is back, round $round"
    done
  done
  end_flows
  expect_eq "$(report flows-ext '[.opened, .broken, .sent == .checked, .sent > 0]')" '[100,[],true,true]'
  expect_eq "$(report flows-pods '[.opened, .broken, .sent == .checked, .sent > 0]')" '[50,[],true,true]'
  kubectl delete service kept >/dev/null
}

test_flaps_of_one_path_never_stop_the_other() {
  local address flap flaps=${FAIRLEAD_FLAPS:-20}
  load_balancer flapped web Local
  address=$(address_of flapped)
  eventually 10 ways_are "$address" 198.18.0.1,198.18.0.2
  eventually 10 backends_are ext "$address:80" web-1,web-2
  begin_flows "$address"
  for flap in $(seq 1 "$flaps"); do
    router disable node1
    eventually 10 ways_are "$address" 198.18.0.2
    router enable node1
    eventually 30 session_is node1 Established
    eventually 10 ways_are "$address" 198.18.0.1,198.18.0.2
  done
  end_flows
  expect_match "$(report flows-ext '.answers["web-2"]')" '^[1-9]'
  expect_eq "$(report flows-ext '[.broken[] | select(.backend == "web-2")]')" '[]' "flows over node2 after $flap flaps of node1"
  expect_eq "$(report flows-pods '[.opened, .broken, .sent == .checked, .sent > 0]')" '[50,[],true,true]'
  kubectl delete service flapped >/dev/null
}

test_the_agent_says_who_its_peers_are() {
  expect_eq "$(peers node1 | jq -c '[.peers[] | [.address, .as, .state]] | sort')" \
    '[["198.18.0.2",64512,"Established"],["198.18.0.253",64513,"Established"]]'
}

run_tests "$@"
