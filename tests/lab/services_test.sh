#!/usr/bin/env bash
# Services in a lab of two nodes, by real kubectl and real packets: for each kind of traffic, who was reached and with which
# source address. `lab up` has made web-1 (node1), web-2 (node2) and client (node1), and the Service web.
source "$(dirname "$(readlink -f "$0")")/fixture.sh"
with_lab --family ipv4
lab pod client-2 --node node2

ext=198.18.0.250 node1=198.18.0.1 node2=198.18.0.2
web=$(cluster_ip web)
client_ip=$(pod_ip client)

apply_service() { kubectl apply -f - >/dev/null; }

test_a_pod_reaches_all_backends_at_the_cluster_ip_as_itself() {
  expect_eq "$(backends client "$web:80")" web-1,web-2
  expect_eq "$(source_of client "$web:80")" "$client_ip"
}

test_udp_goes_the_same_way() {
  expect_eq "$(backends client "$web:53" --udp)" web-1,web-2
  expect_eq "$(source_of client "$web:53" --udp)" "$client_ip"
  expect_eq "$(backends ext "$node1:30053" --udp)" web-1,web-2
}

test_a_node_reaches_the_cluster_ip() {
  expect_eq "$(backends node1 "$web:80")" web-1,web-2
  expect_eq "$(backends node2 "$web:80")" web-1,web-2
}

test_an_external_client_reaches_all_backends_at_the_node_port_of_every_node_masqueraded() {
  local node
  for node in $node1 $node2; do
    expect_eq "$(backends ext "$node:30080")" web-1,web-2 "through $node"
    expect_eq "$(load ext --tcp "$node:30080" --count 100 | jq -c '[.successes, .failures]')" "[100,0]"
    [ "$(source_of ext "$node:30080")" != "$ext" ] || fail "the client's address reached the backend through $node"
  done
}

test_the_outside_reaches_neither_pods_nor_cluster_ips() {
  expect_match "$(outcome ext "$web:80")" '^(Network is unreachable|unreachable)$'
}

test_a_pod_reaches_itself_through_its_service() {
  lab pod loner --node node1 --labels app=loner --serve 8080
  apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "loner"},
    "spec": {"selector": {"app": "loner"}, "ports": [{"name": "tcp", "port": 80, "targetPort": 8080},
      {"name": "udp", "protocol": "UDP", "port": 80, "targetPort": 8080}]}}'
  local vip
  vip=$(cluster_ip loner)
  eventually 10 answer loner "$vip:80"
  expect_eq "$(backend loner "$vip:80")" loner
  expect_eq "$(backend loner "$vip:80" --udp)" loner
  # A socket that was translated at connect talks to itself, within the pod. On the wire its own address as the source would be
  # dropped as forged.
  if datapath_is ebpf; then
    expect_eq "$(source_of loner "$vip:80")" "$(pod_ip loner)"
  else
    [ "$(source_of loner "$vip:80")" != "$(pod_ip loner)" ] || fail "hairpin without masquerade"
  fi
}

test_client_ip_affinity_keeps_a_client_at_its_backend() {
  apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "sticky"},
    "spec": {"selector": {"app": "web"}, "sessionAffinity": "ClientIP", "ports": [{"port": 80, "targetPort": 8080}]}}'
  local vip first
  vip=$(cluster_ip sticky)
  eventually 10 answer client "$vip:80"
  first=$(backend client "$vip:80")
  expect_eq "$(backends client "$vip:80")" "$first"
}

test_external_traffic_policy_local_keeps_the_source_and_drops_where_no_backend_is() {
  lab pod local-2 --node node2 --labels app=local --serve 8080
  apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "external-local"},
    "spec": {"type": "NodePort", "externalTrafficPolicy": "Local", "selector": {"app": "local"},
      "ports": [{"port": 80, "targetPort": 8080}]}}'
  local port
  port=$(node_port external-local)
  eventually 10 answer ext "$node2:$port"
  expect_eq "$(source_of ext "$node2:$port")" "$ext"
  expect_eq "$(outcome ext "$node1:$port")" timeout
  # The policy is for the outside: pods go on to every backend.
  expect_eq "$(backend client "$(cluster_ip external-local):80")" local-2
  expect_eq "$(backend client "$node1:$port")" local-2
}

test_internal_traffic_policy_local_serves_only_the_same_node() {
  lab pod inner-2 --node node2 --labels app=inner --serve 8080
  apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "internal-local"},
    "spec": {"internalTrafficPolicy": "Local", "selector": {"app": "inner"}, "ports": [{"port": 80, "targetPort": 8080}]}}'
  local vip
  vip=$(cluster_ip internal-local)
  eventually 10 answer client-2 "$vip:80"
  expect_eq "$(backend client-2 "$vip:80")" inner-2
  expect_eq "$(outcome client "$vip:80")" timeout
}

test_a_service_without_endpoints_refuses_at_once() {
  apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "empty"},
    "spec": {"type": "NodePort", "selector": {"app": "nobody"}, "ports": [{"name": "tcp", "port": 80},
      {"name": "udp", "port": 80, "protocol": "UDP"}]}}'
  local vip
  vip=$(cluster_ip empty)
  eventually 10 outcome_is refused client "$vip:80"
  expect_eq "$(outcome client "$vip:80" --udp)" refused
  expect_eq "$(outcome node1 "$vip:80")" refused
  expect_eq "$(outcome ext "$node1:$(node_port empty)")" refused
}

test_a_named_target_port_is_looked_up_in_each_pod() {
  lab pod even --node node1 --labels app=named --serve http=8080/tcp
  lab pod odd --node node2 --labels app=named --serve http=9090/tcp
  apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "named"},
    "spec": {"selector": {"app": "named"}, "ports": [{"name": "web", "port": 80, "targetPort": "http"},
      {"name": "alt", "port": 81, "targetPort": "http"}]}}'
  local vip
  vip=$(cluster_ip named)
  eventually 10 backends_are client "$vip:80" even,odd
  expect_eq "$(backends client "$vip:81")" even,odd
}

# One socket talks all the time, so that conntrack would remember the first backend for ever. It is not connected: see the next
# test.
talk_udp() {
  inside client python3 -c '
import os, socket, sys
talk = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
talk.settimeout(0.2)
while not os.path.exists(sys.argv[3]):
    try:
        talk.sendto(b"hello", (sys.argv[1], int(sys.argv[2])))
        print(talk.recv(512).decode(), end="", flush=True)
    except OSError:
        pass' "$1" "$2" "$scratch/udp.stop" >"$scratch/udp"
}
talked_last_to() { [[ "$(tail -n 1 "$scratch/udp")" == "$1 "* ]]; }
test_a_udp_client_moves_to_the_new_endpoint_without_a_new_socket() {
  lab pod datagram-a --node node1 --labels app=datagram --serve 8080/udp
  apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "datagram"},
    "spec": {"selector": {"app": "datagram"}, "ports": [{"port": 53, "protocol": "UDP", "targetPort": 8080}]}}'
  local vip
  vip=$(cluster_ip datagram)
  eventually 10 answer client "$vip:53" --udp
  talk_udp "$vip" 53 &
  eventually 10 talked_last_to datagram-a
  lab pod datagram-b --node node2 --labels app=datagram --serve 8080/udp
  lab pod datagram-a --delete
  eventually 10 talked_last_to datagram-b || { touch "$scratch/udp.stop"; fail "the socket still talks to the pod that is gone"; }
  touch "$scratch/udp.stop"
  wait
}

# A connected socket has its backend's address in it, which nobody can change: it is ended, so that the application connects anew.
test_a_connected_udp_socket_ends_with_its_endpoint() {
  datapath_is ebpf || skip "nftables translates the packets of connected sockets as of all others"
  lab pod connected-a --node node1 --labels app=connected --serve 8080/udp
  apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "connected"},
    "spec": {"selector": {"app": "connected"}, "ports": [{"port": 53, "protocol": "UDP", "targetPort": 8080}]}}'
  local vip
  vip=$(cluster_ip connected)
  eventually 10 answer client "$vip:53" --udp
  inside client timeout 60 python3 -c '
import socket, sys
target = (sys.argv[1], 53)
talk = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
talk.connect(target)
talk.send(b"hello")
print(talk.recv(512).decode().split()[0], "as", *talk.getpeername(), flush=True)
while True:
    try:
        talk.settimeout(0.1)
        talk.send(b"hello")
        talk.recv(512)
    except socket.timeout:
        pass
    except OSError as error:
        print(error.strerror, flush=True)
        break' "$vip" >"$scratch/connected" &
  local talk=$!
  eventually 10 grep -q "^connected-a as $vip 53$" "$scratch/connected"
  lab pod connected-b --node node2 --labels app=connected --serve 8080/udp
  lab pod connected-a --delete
  wait "$talk" || fail "the socket was not ended: $(cat "$scratch/connected")"
  eventually 10 backends_are client "$vip:53" connected-b --udp
}

# An address of the load balancer's: ext sends it to node1, as a cloud's balancer would.
route_from_ext() { inside ext ip route replace "$1" via $node1; }
test_load_balancer_source_ranges_admit_only_the_named() {
  apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "ranged"},
    "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "loadBalancerSourceRanges": ["198.18.0.250/32"],
      "ports": [{"port": 80, "targetPort": 8080}]}}'
  give_load_balancer_ip ranged 198.51.100.7
  route_from_ext 198.51.100.7
  eventually 10 answer ext 198.51.100.7:80
  kubectl patch service ranged -p '{"spec": {"loadBalancerSourceRanges": ["203.0.113.0/24"]}}' >/dev/null
  eventually 10 outcome_is timeout ext 198.51.100.7:80
}

test_an_external_ip_is_served() {
  apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "outer"},
    "spec": {"selector": {"app": "web"}, "externalIPs": ["198.51.100.8"], "ports": [{"port": 8000, "targetPort": 8080}]}}'
  route_from_ext 198.51.100.8
  eventually 10 answer ext 198.51.100.8:8000
}

test_an_external_ip_that_is_a_nodes_own_is_left_out_on_every_node() {
  lab pod host-server --node node2 --labels app=host-server --serve 8088 --host-network
  apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "greedy"},
    "spec": {"selector": {"app": "web"}, "externalIPs": ["198.18.0.2", "203.0.113.9"],
      "ports": [{"port": 8088, "targetPort": 8080}]}}'
  eventually 10 answer client 203.0.113.9:8088
  expect_eq "$(backend client "$node2:8088")" host-server
  kubectl delete service greedy >/dev/null
  lab pod host-server --delete
}

test_headless_and_external_name_services_disturb_nobody() {
  apply_service <<<'{"apiVersion": "v1", "kind": "List", "items": [
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "headless"},
     "spec": {"clusterIP": "None", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "elsewhere"},
     "spec": {"type": "ExternalName", "externalName": "example.org"}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "neighbour"},
     "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}}]}'
  expect_eq "$(service headless .spec.clusterIP)" None
  eventually 10 backends_are client "$(cluster_ip neighbour):80" web-1,web-2
  eventually 10 slice_has_endpoints headless 2
}
slice_has_endpoints() {
  [ "$(kubectl get endpointslices -l "kubernetes.io/service-name=$1" -o json | jq '[.items[].endpoints[]?] | length')" = "$2" ]
}

test_terminating_endpoints_serve_when_no_ready_one_is_left() {
  apply_service <<EOT
{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "leaving"}, "spec": {"ports": [{"name": "http", "port": 80}]}},
  {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
   "metadata": {"name": "leaving-1", "labels": {"kubernetes.io/service-name": "leaving"}},
   "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
   "endpoints": [
     {"addresses": ["$(pod_ip web-1)"], "nodeName": "node1", "conditions": {"ready": true, "serving": true, "terminating": false}},
     {"addresses": ["$(pod_ip web-2)"], "nodeName": "node2", "conditions": {"ready": false, "serving": true, "terminating": true}}]}]}
EOT
  local vip
  vip=$(cluster_ip leaving)
  eventually 10 backends_are client "$vip:80" web-1
  kubectl patch endpointslice leaving-1 --type=json \
    -p '[{"op": "replace", "path": "/endpoints/0/conditions", "value": {"ready": false, "serving": false, "terminating": false}}]' >/dev/null
  eventually 10 backends_are client "$vip:80" web-2
}

test_endpoints_follow_the_pods_and_watchers_see_them() {
  apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "scaled"},
    "spec": {"selector": {"app": "scaled"}, "ports": [{"port": 80, "targetPort": 8080}]}}'
  local vip watcher
  vip=$(cluster_ip scaled)
  kubectl get endpointslices -l kubernetes.io/service-name=scaled -o json -w >"$scratch/watched" &
  watcher=$!
  lab pod scaled-a --node node1 --labels app=scaled --serve 8080
  eventually 10 backends_are client "$vip:80" scaled-a
  lab pod scaled-b --node node2 --labels app=scaled --serve 8080
  eventually 10 backends_are client "$vip:80" scaled-a,scaled-b
  eventually 10 grep -q "\"$(pod_ip scaled-b)\"" "$scratch/watched"
  lab pod scaled-a --delete
  eventually 10 backends_are client "$vip:80" scaled-b
  lab pod scaled-b --delete
  eventually 10 outcome_is refused client "$vip:80"
  kill "$watcher"
}

test_a_pod_leaves_under_load_and_no_connection_fails() {
  apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "rolling"},
    "spec": {"selector": {"app": "rolling"}, "ports": [{"port": 80, "targetPort": 8080}]}}'
  local vip round
  vip=$(cluster_ip rolling)
  lab pod rolling-0 --node node1 --labels app=rolling --serve 8080
  eventually 10 answer client "$vip:80"
  load client --tcp "$vip:80" --until-file "$scratch/rolled" --duration 120 >"$scratch/rolling" &
  for round in 1 2 3; do
    lab pod "rolling-$round" --node "node$((round % 2 + 1))" --labels app=rolling --serve 8080
    lab pod "rolling-$((round - 1))" --delete
  done
  touch "$scratch/rolled"
  wait || true
  expect_eq "$(jq -c '[.failures, .failuresByKind]' "$scratch/rolling")" '[0,{}]'
}

test_a_changed_port_moves_and_a_deleted_service_is_gone() {
  apply_service <<<'{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "brief"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}}'
  local vip
  vip=$(cluster_ip brief)
  eventually 10 answer client "$vip:80"
  kubectl patch service brief --type=json -p '[{"op": "replace", "path": "/spec/ports/0/port", "value": 81}]' >/dev/null
  eventually 10 answer client "$vip:81"
  [ "$(outcome client "$vip:80")" != answered ] || fail "the old port still answers"
  kubectl delete service brief >/dev/null
  eventually 10 is_silent client "$vip:81"
}
is_silent() { [ "$(outcome "$@")" != answered ]; }

test_up_again_changes_nothing_and_another_shape_is_refused() {
  local before after said status=0
  before=$(cat "$FAIRLEAD_LAB_DIR"/node*/agent.pid "$FAIRLEAD_LAB_DIR"/controlplane.pid)
  lab up >/dev/null
  after=$(cat "$FAIRLEAD_LAB_DIR"/node*/agent.pid "$FAIRLEAD_LAB_DIR"/controlplane.pid)
  expect_eq "$after" "$before"
  said=$(lab up --nodes 3 2>&1) || status=$?
  expect_eq "$status" 1
  expect_match "$said" 'already up; ./run lab down first'
}

run_tests "$@"
