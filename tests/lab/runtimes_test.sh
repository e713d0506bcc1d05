#!/usr/bin/env bash
# Real container runtimes on a node of a lab, with the plugin and the file that the node's agent offers them: podman, ctr, and
# CRI as a kubelet speaks it. What they run, no kubelet knows of; so the agent registers it, and Services find it.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
# shellcheck source=tests/lab/runtimes_fixture.sh
source tests/lab/runtimes_fixture.sh

if command -v podman >/dev/null; then configure_podman; fi
with_lab --nodes 2
if command -v podman >/dev/null; then make_image; fi
eval "lab_$(declare -f cleanup)" # the lab's, which takes the files away
cleanup() {
  remove_runtimes
  lab_cleanup
}

pod_of() { kubectl get pod "$1" -o "jsonpath=$2"; }
pod_is_ready() { [ "$(pod_of "$1" '{.status.phase}')" = Running ] && [ -n "$(pod_of "$1" '{.status.podIP}')" ]; }
pod_is_gone() { ! kubectl get pod "$1" >/dev/null 2>&1; }
endpoints_are() {
  [ "$(kubectl get endpointslices -l "kubernetes.io/service-name=$1" -o 'jsonpath={.items[*].endpoints[*].addresses[0]}')" = "$2" ]
}
make_service() {
  kubectl create service clusterip "$1" --tcp=80:8080 >/dev/null
  kubectl patch service "$1" -p "{\"spec\":{\"selector\":{\"app\":\"$1\"}}}" --type=merge >/dev/null
}
fetches() { inside "$1" curl -sfm 2 "http://$2"; }
links_of_node1() { in_node ip -o link show | grep -c ' fl-' || true; }
links_are() { [ "$(links_of_node1)" = "$1" ]; }
has_route() { in_node ip route show "$1" | grep -q "dev fl-"; }
has_no_route() { ! has_route "$1"; }

test_a_podman_container_reaches_pods_of_both_nodes_and_a_service() {
  needs podman runc
  run_container reaches
  podman exec reaches ping -c 1 -W 5 "$(pod_ip web-1)" >/dev/null
  podman exec reaches ping -c 1 -W 5 "$(pod_ip web-2)" >/dev/null
  # Its nc may leave at the end of its input, before the answer has come.
  eventually 20 web_answers reaches
  podman rm -f -t 0 reaches >/dev/null
}
web_answers() { podman exec "$1" /bin/sh -c "echo | /bin/busybox nc -w 5 $(cluster_ip web) 80" 2>/dev/null | grep -q '^web-[12] '; }

test_a_container_with_a_label_is_an_endpoint_of_the_service_that_selects_it() {
  needs podman runc
  local address
  make_service shop
  run_container shop --label app=shop --label "maintainer=A. Person <a@example.org>"
  address=$(address_of shop)
  eventually 20 pod_is_ready shop
  expect_eq "$(pod_of shop '{.status.podIP} {.spec.nodeName} {.metadata.labels}')" "$address node1 {\"app\":\"shop\"}"
  eventually 20 endpoints_are shop "$address"
  eventually 20 fetches client "$(cluster_ip shop)"
  eventually 20 fetches node2 "$(cluster_ip shop)"
}

test_a_port_of_the_node_leads_to_the_container_that_asked_for_it() {
  needs podman runc
  run_container published -p 18080:8080
  eventually 20 fetches ext "$(kubectl get node node1 -o 'jsonpath={.status.addresses[0].address}'):18080"
  podman rm -f -t 0 published >/dev/null
}

test_a_restarted_agent_leaves_what_it_registered() {
  needs podman runc
  local uid address
  run_container stays --label app=stays
  eventually 20 pod_is_ready stays
  uid=$(pod_of stays '{.metadata.uid}') address=$(address_of stays)
  lab agent node1 kill 2>/dev/null
  run_container while_away && fail "a pod was connected without an agent"
  podman rm -f -t 0 while_away >/dev/null
  lab agent node1 start 2>/dev/null
  run_container after
  eventually 20 pod_is_ready after
  expect_eq "$(pod_of stays '{.metadata.uid} {.status.podIP}')" "$uid $address"
  podman rm -f -t 0 stays after >/dev/null
  eventually 20 pod_is_gone stays
}

test_a_container_that_went_while_the_agent_was_away_is_unregistered() {
  needs podman runc
  local address
  run_container leaves
  eventually 20 pod_is_ready leaves
  address=$(address_of leaves)
  lab agent node1 kill 2>/dev/null
  podman rm -f -t 0 leaves >/dev/null
  lab agent node1 start 2>/dev/null
  eventually 20 pod_is_gone leaves
  eventually 20 has_no_route "$address"
}

test_a_removed_container_leaves_no_link_no_route_and_no_pod() {
  needs podman runc
  local before address
  before=$(links_of_node1)
  run_container gone_soon
  address=$(address_of gone_soon)
  has_route "$address"
  eventually 20 test -n "$(kubectl get pods -o name | grep gone-soon)"
  podman rm -f -t 0 gone_soon >/dev/null
  eventually 20 links_are "$before"
  has_no_route "$address"
  eventually 20 no_pod_like gone-soon
}
no_pod_like() { ! kubectl get pods -o name | grep -q "$1"; }

test_a_pod_of_somebody_else_is_left_alone_and_said() {
  needs podman runc
  local uid
  kubectl run other --image=theirs >/dev/null
  uid=$(pod_of other '{.metadata.uid}')
  run_container other
  eventually 20 grep -q 'somebody else.*Pod default/other\|Pod default/other.*somebody else' "$FAIRLEAD_LAB_DIR/node1/agent.log"
  expect_eq "$(pod_of other '{.metadata.uid} {.spec.containers[0].image}')" "$uid theirs"
  podman rm -f -t 0 other >/dev/null
  kubectl delete pod other --now >/dev/null
}

# In each version that it speaks, as the only plugin and before others.
test_libcni_adds_checks_and_deletes() {
  needs go jq
  [ -d /usr/share/gocode/src/github.com/containernetworking/cni/libcni ] || skip "no golang-github-appc-cni-dev here"
  [ -x /usr/lib/cni/tuning ] || skip "no containernetworking-plugins here"
  local version pod before said
  make_libcni
  before=$(links_of_node1)
  for version in 0.3.1 0.4.0 1.0.0; do
    make_network "$version"
    pod=flrun-libcni-${version//./-}
    ip netns add "$pod"
    libcni validate "$pod"
    said=$(libcni add "$pod" '{"ipRanges":[[{"subnet":"10.244.1.0/24","rangeStart":"10.244.1.200","rangeEnd":"10.244.1.209"}]]}')
    expect_eq "$(jq -r .cniVersion <<<"$said")" "$version"
    expect_match "$(jq -r '.ips[0].address' <<<"$said")" '^10\.244\.1\.20[0-9]/32$'
    ip netns exec "$pod" ping -c 1 -W 5 "$(pod_ip web-2)" >/dev/null
    expect_eq "$(ip netns exec "$pod" cat /proc/sys/net/core/somaxconn)" 501
    [ "$version" = 0.3.1 ] || libcni check "$pod" # CHECK is of 0.4.0
    ip -n "$pod" route del default
    [ "$version" = 0.3.1 ] || ! libcni check "$pod" 2>/dev/null || fail "a pod without its route was said to be as it should"
    libcni del "$pod"
    libcni del "$pod"
    ip netns del "$pod"
    eventually 20 links_are "$before"
  done
}

test_containerd_runs_pods_by_ctr_and_by_cri() {
  needs podman runc containerd ctr
  local before said address id verb
  before=$(links_of_node1)
  with_containerd
  said=$(ctr run --rm --snapshotter native --cgroup "$pods_cgroup/ctr" --cni localhost/local/tiny:latest by-ctr /bin/sh -c "
    ip -4 -o addr show eth0; echo | /bin/busybox nc -w 5 $(cluster_ip web) 80")
  expect_match "$said" "inet 10\.244\.1\.[0-9]+/32"
  expect_match "$said" "web-[12]"
  eventually 20 links_are "$before"

  /usr/bin/python3 -c 'import grpc' 2>/dev/null || skip "no python3-grpcio here: ctr was seen, CRI was not"
  [ -e "$scratch/plugins/loopback" ] || skip "no loopback plugin here: ctr was seen, CRI was not"
  id=$(cri run by-cri "$pods_cgroup")
  links_are $((before + 1))
  address=$(in_node ip -4 route show proto 201 | awk '/dev fl-/ {print $1}' | sort -V | tail -n 1)
  inside client ping -c 1 -W 5 "$address" >/dev/null
  # A kubelet stops twice, and removes: three DELs, the later ones without a network namespace.
  for verb in stop stop remove; do cri "$verb" "$id"; done
  has_no_route "$address"
  eventually 20 links_are "$before"
  pod_is_gone by-cri # a kubelet's: it has a UID
}

run_tests "$@"
