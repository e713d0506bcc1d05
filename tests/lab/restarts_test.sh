#!/usr/bin/env bash
# What happens to traffic when programs die: connections run all the while, and every one of them is counted.
source "$(dirname "$(readlink -f "$0")")/fixture.sh"
source tests/lab/traffic.sh
with_lab --family ipv4
lab pod client-2 --node node2

web=$(cluster_ip web)

apply_service() { kubectl apply -f - >/dev/null; }

test_kills_of_agents_under_load_and_change_lose_nothing() {
  local round rounds=20 node spare name
  # Where the programs outlive the agent they are looked at longest.
  ! datapath_is ebpf || rounds=50
  # Spares stay alive when they leave the Service: what was sent to them may go on, and must.
  lab pod spare-1 --node node1 --labels app=spare --serve http=8080/tcp
  lab pod spare-2 --node node2 --labels app=spare --serve http=8080/tcp
  begin_traffic "$web"
  for round in $(seq 1 "$rounds"); do
    node=node$((round % 2 + 1)) spare=spare-$((round % 2 + 1)) name=round-$round
    lab agent "$node" kill
    if [ $((round % 4)) -lt 2 ]; then kubectl label pod "$spare" app=web --overwrite; else kubectl label pod "$spare" app=spare --overwrite; fi >/dev/null
    apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "'"$name"'"},
      "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}}'
    [ "$round" = 1 ] || kubectl delete service "round-$((round - 1))" >/dev/null
    lab agent "$node" start
    eventually 10 backends_are "$node" "$(cluster_ip "$name"):80" "$(web_pods)"
    eventually 10 backends_are "$node" "$web:80" "$(web_pods)"
  done
  every_flow_goes_on
  end_traffic
  expect_nothing_lost
  # Converged: of all the Services that came and went, none is left in the kernels that the API server does not know.
  for node in node1 node2; do
    eventually 10 has_no_stale_cluster_ip "$node"
  done
}
web_pods() { kubectl get pods -l app=web -o json | jq -r '[.items[].metadata.name] | sort | join(",")'; }
has_no_stale_cluster_ip() {
  local found
  found=$(programmed_cluster_ips "$1" | sort -u | grep -vxF "$(known_cluster_ips)" || true)
  [ -z "$found" ]
}
programmed_cluster_ips() {
  if datapath_is ebpf; then
    find "/run/fairlead-lab/$FAIRLEAD_LAB_PREFIX/$1/bpf" -name frontends -exec bpftool -j map dump pinned {} \; |
      jq -r '.[].key[12:16] | join(" ")' | while read -r a b c d; do echo $((a)).$((b)).$((c)).$((d)); done
  else
    inside "$1" nft list table inet fairlead | grep -oE '\b[0-9.]+ \. ' | tr -d ' ' | sed 's/\.$//'
  fi | grep '^10\.96\.'
}
known_cluster_ips() { kubectl get services -A -o json | jq -r '.items[].spec.clusterIPs[]?'; }

test_a_stopped_agent_leaves_the_services_working() {
  begin_traffic "$web"
  lab agent node1 stop
  lab agent node2 stop
  expect_eq "$(backends client "$web:80")" "$(web_pods)"
  lab agent node1 start
  lab agent node2 start
  every_flow_goes_on
  end_traffic
  expect_nothing_lost
}

# A rule that asks conntrack, as a host's firewall has. Where nobody else has one, the kernel switches conntrack off with the last of
# our rules, and the packets of established connections pass untranslated until it is on again.
with_firewall() { inside "$1" nft 'add table inet firewall; add chain inet firewall states; add rule inet firewall states ct state established accept'; }
without_firewall() { inside "$1" nft delete table inet firewall; }

test_a_flushed_table_is_repaired_within_a_second() {
  local node took report
  datapath_is nftables || skip "only nftables has a table"
  for node in node1 node2; do with_firewall "$node"; done
  begin_traffic "$web"
  for node in node1 node2; do
    took=$(inside "$node" bash -c '
      before=$(nft -j list table inet fairlead | wc -c)
      began=$(date +%s%N)
      nft flush table inet fairlead
      until [ "$(nft -j list table inet fairlead | wc -c)" -ge "$before" ]; do
        [ $((($(date +%s%N) - began) / 1000000)) -lt 10000 ] || break
      done
      echo $((($(date +%s%N) - began) / 1000000))')
    echo "repaired on $node after $took ms"
    [ "$took" -lt 1000 ] || fail "$node: repaired only after $took ms"
    expect_eq "$(backends "$node" "$web:80")" "$(web_pods)"
  done
  end_traffic
  # While the rules were gone new connections may have found nobody; those that were established go on.
  for report in "$scratch"/traffic/flows-tcp-*[^y]; do
    expect_eq "$(jq -c '[.broken, .sent == .checked]' "$report")" '[[],true]' "$(basename "$report")"
  done
  for node in node1 node2; do without_firewall "$node"; done
}

test_a_deleted_table_is_repaired() {
  datapath_is nftables || skip "only nftables has a table"
  inside node1 nft delete table inet fairlead
  eventually 10 backends_are node1 "$web:80" "$(web_pods)"
}

test_a_killed_control_plane_loses_nothing_and_the_agents_go_on() {
  local before
  begin_traffic "$web"
  apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "durable"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}}'
  before=$(all_objects)
  lab controlplane kill
  expect_eq "$(backends client "$web:80")" "$(web_pods_in <<<"$before")"
  lab controlplane start
  expect_eq "$(all_objects)" "$before"
  # The agents are back at its watches: what changes now arrives.
  lab pod after --node node2 --labels app=web --serve http=8080/tcp
  eventually 30 backends_are node1 "$web:80" "$(web_pods)"
  lab pod after --delete
  eventually 10 backends_are node1 "$web:80" "$(web_pods)"
  end_traffic
  expect_nothing_lost
}
# Names and resourceVersions of everything that a user wrote.
all_objects() {
  kubectl get services,pods,nodes,endpointslices -o json |
    jq -c '[.items[] | {kind, name: .metadata.name, uid: .metadata.uid, version: .metadata.resourceVersion, labels: .metadata.labels, ip: .spec.clusterIP}]'
}
web_pods_in() { jq -r '[.[] | select(.kind == "Pod" and .labels.app == "web") | .name] | sort | join(",")'; }

run_tests "$@"
