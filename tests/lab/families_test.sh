#!/usr/bin/env bash
# The same with IPv6 alone, with both families, with three nodes behind a router; and what `lab down` leaves: nothing.
source "$(dirname "$(readlink -f "$0")")/fixture.sh"
[ "$(id -u)" = 0 ] || { echo "SKIP $0: needs root"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }

machine_state() {
  ip netns list | cut -d' ' -f1 | sort
  ip -br link | awk '{print $1}' | sort
  findmnt -rno TARGET | grep -v '^/run/netns$' | sort
  find "$(findmnt -nt cgroup2 -o TARGET | head -n 1)" -mindepth 1 -type d -path '*fairlead-lab*' || true
  sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding 2>&1
  pgrep -af "^[^ ]+ .*$FAIRLEAD_LAB_DIR" || true
  find /run/fairlead-lab "$FAIRLEAD_LAB_DIR" 2>/dev/null || true
}
# Whatever the test before left.
fresh_lab() {
  lab down
  lab up "$@" >/dev/null
}
check_services() {
  local address
  for address in $(kubectl get service web -o json | jq -r '.spec.clusterIPs[]'); do
    expect_eq "$(backends client "$(at "$address" 80)")" web-1,web-2
    expect_eq "$(backends client "$(at "$address" 53)" --udp)" web-1,web-2
    expect_eq "$(backends node1 "$(at "$address" 80)")" web-1,web-2
    # A pod of its own family sees the client's own address.
    expect_match "$(kubectl get pod client -o json | jq -c '[.status.podIPs[].ip]')" "\"$(source_of client "$(at "$address" 80)")\""
  done
  for address in $(kubectl get nodes -o json | jq -r '.items[].status.addresses[] | select(.type == "InternalIP") | .address'); do
    expect_eq "$(backends ext "$(at "$address" 30080)")" web-1,web-2 "NodePort at $address"
    expect_eq "$(backends ext "$(at "$address" 30053)" --udp)" web-1,web-2 "NodePort at $address"
  done
}
check_local_policy_and_rejection() {
  local family=$1 node2=$2 ext=$3 port
  kubectl apply -f - >/dev/null <<'EOT'
{"apiVersion": "v1", "kind": "List", "items": [
 {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "local"}, "spec": {"type": "NodePort", "externalTrafficPolicy": "Local",
  "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}},
 {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "empty"}, "spec": {"selector": {"app": "nobody"}, "ports": [{"port": 80}]}}]}
EOT
  port=$(node_port local)
  eventually 10 answer ext "$(at "$node2" "$port")"
  expect_eq "$(answer ext "$(at "$node2" "$port")" | cut -d' ' -f1,2)" "web-2 $ext" "$family"
  eventually 10 outcome_is refused client "$(at "$(cluster_ip empty)" 80)"
}

test_ipv6_alone() {
  fresh_lab --family ipv6
  expect_match "$(cluster_ip web)" '^fd00:96::'
  check_services
  check_local_policy_and_rejection ipv6 fd18::2 fd18::250
  lab down
}

test_both_families() {
  fresh_lab --family dual
  expect_eq "$(kubectl get service web -o json | jq '.spec.clusterIPs | length')" 2
  check_services
  lab down
}

test_three_nodes_behind_a_router() {
  fresh_lab --nodes 3 --network bgp
  expect_eq "$(kubectl get nodes -o json | jq -c '[.items[].metadata.labels["topology.kubernetes.io/zone"]]')" '["zone-a","zone-b","zone-a"]'
  check_services
  lab down
}

test_down_leaves_nothing() {
  local before
  lab down
  before=$(machine_state)
  lab up >/dev/null
  lab pod neighbour --node node2 --host-network --serve 9000
  expect_match "$(answer client 198.18.0.2:9000)" '^neighbour '
  lab down
  expect_eq "$(machine_state)" "$before"
  lab down
}

test_a_datapath_that_is_not_built_is_refused_by_name() {
  local said status=0
  said=$(lab up --datapath ipvs 2>&1) || status=$?
  if [ "$status" = 0 ]; then lab down && skip "this build has it"; fi
  expect_match "$said" 'this build has no such datapath; it has: .*nftables'
  [ ! -e "$FAIRLEAD_LAB_DIR/settings" ] || fail "something was started nevertheless"
}

lab down
run_tests "$@"
