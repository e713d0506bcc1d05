#!/usr/bin/env bash
# What happens to traffic when programs die: connections run all the while, and every one of them is counted.
source "$(dirname "$(readlink -f "$0")")/fixture.sh"
with_lab --family ipv4

web=$(cluster_ip web)

apply_service() { kubectl apply -f - >/dev/null; }

# New connections and long ones, from a pod and from outside, until end_traffic. Reports in $scratch/{pod,ext}-load.
begin_traffic() {
  rm -f "$scratch/stop"
  load client --tcp "$web:80" --rate 200 --keep-open 10 --until-file "$scratch/stop" --duration 300 >"$scratch/pod-load" &
  load ext --tcp 198.18.0.1:30080 --rate 100 --keep-open 5 --until-file "$scratch/stop" --duration 300 >"$scratch/ext-load" &
  eventually 10 has_long_connections
}
has_long_connections() { [ "$(inside client ss -Htn state established "dst $web" | wc -l)" -ge 10 ]; }
end_traffic() {
  touch "$scratch/stop"
  wait || true
  jq -c --arg from pod '{$from, attempts, failures, failuresByKind, slowestMs, long: (.long | {opened, messages, broken})}' "$scratch/pod-load"
  jq -c --arg from ext '{$from, attempts, failures, failuresByKind, slowestMs, long: (.long | {opened, messages, broken})}' "$scratch/ext-load"
}
expect_no_failure() {
  local from
  for from in pod ext; do
    expect_eq "$(jq -c '[.failures, .failuresByKind, .long.broken]' "$scratch/$from-load")" '[0,{},[]]' "load from $from"
    expect_eq "$(jq '.successes > 0 and .attempts == .successes and .long.opened > 0' "$scratch/$from-load")" true
  done
}

test_twenty_kills_of_agents_under_load_and_change_fail_no_connection() {
  local round node spare name
  # Spares stay alive when they leave the Service: what was sent to them may go on, and must.
  lab pod spare-1 --node node1 --labels app=spare --serve http=8080/tcp
  lab pod spare-2 --node node2 --labels app=spare --serve http=8080/tcp
  begin_traffic
  for round in $(seq 1 20); do
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
  end_traffic
  expect_no_failure
  # Converged: of all the Services that came and went, none is left in the kernels that the API server does not know.
  for node in node1 node2; do
    eventually 10 has_no_stale_cluster_ip "$node"
  done
}
web_pods() { kubectl get pods -l app=web -o json | jq -r '[.items[].metadata.name] | sort | join(",")'; }
has_no_stale_cluster_ip() {
  local node=$1 found
  found=$(inside "$node" nft list table inet fairlead | grep -oE '\b10\.96\.[0-9]+\.[0-9]+ \. ' | sort -u | tr -d ' ')
  found=$(sed 's/\.$//' <<<"$found" | grep -vxF "$(known_cluster_ips)" || true)
  [ -z "$found" ]
}
known_cluster_ips() { kubectl get services -A -o json | jq -r '.items[].spec.clusterIPs[]?'; }

test_a_stopped_agent_leaves_the_services_working() {
  begin_traffic
  lab agent node1 stop
  lab agent node2 stop
  expect_eq "$(backends client "$web:80")" "$(web_pods)"
  lab agent node1 start
  lab agent node2 start
  end_traffic
  expect_no_failure
}

test_a_flushed_table_is_repaired_within_a_second() {
  local node took
  begin_traffic
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
  expect_eq "$(jq -c .long.broken "$scratch/pod-load")" '[]'
  expect_eq "$(jq -c .long.broken "$scratch/ext-load")" '[]'
}

test_a_deleted_table_is_repaired() {
  inside node1 nft delete table inet fairlead
  eventually 10 backends_are node1 "$web:80" "$(web_pods)"
}

test_a_killed_control_plane_loses_nothing_and_the_agents_go_on() {
  local before
  begin_traffic
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
  expect_no_failure
}
# Names and resourceVersions of everything that a user wrote.
all_objects() {
  kubectl get services,pods,nodes,endpointslices -o json |
    jq -c '[.items[] | {kind, name: .metadata.name, uid: .metadata.uid, version: .metadata.resourceVersion, labels: .metadata.labels, ip: .spec.clusterIP}]'
}
web_pods_in() { jq -r '[.[] | select(.kind == "Pod" and .labels.app == "web") | .name] | sort | join(",")'; }

run_tests "$@"
