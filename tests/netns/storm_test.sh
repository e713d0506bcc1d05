#!/usr/bin/env bash
# 1,000 pods (200 namespaces, five times) through the real plugin and a real agent that is killed at random moments, with
# runtimes that never send DEL and with reboots: no address is given twice, and nothing is left (storm.py).
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/lib.sh

bin=$(readlink -f "${FAIRLEAD_BIN:-build/release/bin}")
prefix=storm-$$
node=$prefix-node
work=$(mktemp -d)
namespaces=200

cleanup() {
  ip netns list | awk -v prefix="$prefix-" 'index($1, prefix) == 1 {print "netns delete " $1}' | ip -batch -
  rm -rf "$work"
}

set_up() {
  local i
  {
    echo "netns add $node"
    for ((i = 0; i < namespaces; ++i)); do echo "netns add $prefix-$i"; done
  } | ip -batch -
  ip -n "$node" link set lo up
  cat >"$work/kubeconfig" <<EOT
apiVersion: v1
kind: Config
current-context: none
contexts: [{name: none, context: {cluster: none, user: none}}]
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: none, user: {}}]
EOT
  cat >"$work/agent.yaml" <<EOT
apiVersion: fairlead.io/v1alpha1
kind: AgentConfiguration
nodeName: node1
kubeconfig: $work/kubeconfig
datapath: nftables
runtimeDirectory: $work/run
stateDirectory: $work/state
oomScoreAdj: 0
podNetwork:
  mode: routes
  podCIDRs: ["10.244.0.0/22", "fd00:244::/64"]
  mtu: 1450
  cniConfDirectory: ""
EOT
}

test_a_storm_leaks_no_address_gives_none_twice_and_leaves_no_link() {
  [ "$(id -u)" = 0 ] || skip "needs root, to make network namespaces"
  set_up
  if ! python3 tests/netns/storm.py "$bin/fairlead-cni" "$work/agent.yaml" "$bin/fairlead" "$node" "$prefix" "$work"; then
    tail -n 20 "$work/agent.log" >&2
    fail "the storm went over it"
  fi
  if ls "$work"/state/pods.db.damaged* 2>/dev/null; then fail "a book was taken for damaged"; fi
}

run_tests "$@"
