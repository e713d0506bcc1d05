#!/usr/bin/env bash
# Addresses for Services of type LoadBalancer, as people make pools and ask for addresses with kubectl.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/lib.sh
source tests/controlplane/cluster.sh

k() { kubectl --cache-dir "$work/cache" "$@"; }
# fresh: no pool and no Service of another test is left.
fresh() {
  k delete svc --field-selector metadata.name!=kubernetes --wait=false
  k delete addresspools --all
  k delete events --all
}

# pool NAME ADDRESSES [MORE]
pool() {
  k apply -f - <<EOT
apiVersion: fairlead.io/v1alpha1
kind: AddressPool
metadata: {name: $1}
spec: {addresses: [$2]${3:+, $3}}
EOT
}
# service NAME [SPEC] [ANNOTATIONS]: of port 80, where SPEC names none.
service() {
  local ports=', ports: [{name: p, port: 80}]'
  [[ ${2:-} != *ports:* ]] || ports=
  k apply -f - <<EOT
apiVersion: v1
kind: Service
metadata: {name: $1, annotations: {${3:-}}}
spec: {type: LoadBalancer, selector: {app: $1}$ports${2:+, $2}}
EOT
}
addresses_of() { k get svc "$1" -o 'jsonpath={.status.loadBalancer.ingress[*].ip}'; }
has() { [ "$(addresses_of "$1")" = "$2" ]; }
numbers_of() { k get addresspool "$1" -o 'jsonpath={.status.assignedIPv4} {.status.availableIPv4}'; }
numbers_are() { [ "$(numbers_of "$1")" = "$2" ]; }
messages_about() { k get events --field-selector "involvedObject.name=$1" -o 'jsonpath={range .items[*]}{.type} {.reason}: {.message}{"\n"}{end}'; }
is_told() { messages_about "$1" | grep -qF -- "$2"; }

test_kinds_are_served_as_any_other() {
  fresh
  expect_match "$(k api-resources --api-group fairlead.io)" 'addresspools +fairlead.io/v1alpha1 +false +AddressPool'
  expect_match "$(k explain addresspool.spec)" 'avoidBuggyIPs'
  expect_match "$(k explain bgppeer.spec.bfd)" 'multiplier'
  k apply -f - <<'EOT'
apiVersion: fairlead.io/v1alpha1
kind: BGPPeer
metadata: {name: rack}
spec: {address: 198.18.0.254, asn: 65000, nodeSelector: {matchLabels: {rack: a}}}
---
apiVersion: fairlead.io/v1alpha1
kind: BGPAdvertisement
metadata: {name: all}
spec: {routes: [PodCIDR, LoadBalancerIP], communities: ["65000:100", no-export], peers: [rack]}
EOT
  expect_match "$(k get bgppeers)" 'NAME +ADDRESS +ASN +AGE.rack +198.18.0.254 +65000'
  expect_match "$(k get bgpadvertisements)" 'all +PodCIDR,LoadBalancerIP +<all> +rack'
  k patch bgppeer rack --type merge -p '{"spec": {"holdTimeSeconds": 9}}'
  expect_eq "$(k get bgppeer rack -o 'jsonpath={.spec.holdTimeSeconds} {.spec.port}')" '9 179'
  local output
  if output=$(k patch bgppeer rack --type merge -p '{"spec": {"holdTimeSeconds": 2}}' 2>&1); then fail "a hold time of 2"; fi
  expect_match "$output" 'The BGPPeer "rack" is invalid: spec.holdTimeSeconds: Invalid value: 2: must be 0, or between 3 and 65535'
  k delete bgppeer rack
  k delete bgpadvertisement all
}

test_pools_do_not_overlap() {
  fresh
  pool one 192.0.2.0/24
  local output
  if output=$(pool two 192.0.2.128/25 2>&1); then fail "two pools have 192.0.2.128"; fi
  expect_match "$output" 'spec.addresses\[0\]: Invalid value: "192.0.2.128/25": overlaps with .* of AddressPool "one"'
  if output=$(pool two 10.96.0.0/24 2>&1); then fail "a pool within the ClusterIPs"; fi
  expect_match "$output" 'overlaps with the range of ClusterIPs 10.96.0.0/16'
  pool one 192.0.2.0/25
  pool two 192.0.2.128/25
}

test_a_service_gets_an_address_and_gives_it_back() {
  fresh
  service early
  eventually 20 is_told early 'Warning NoAddressPool: no AddressPool exists'
  pool main 192.0.2.10-192.0.2.19
  eventually 20 has early 192.0.2.10
  expect_match "$(k get svc early)" 'LoadBalancer +10\.96\.[0-9.]+ +192\.0\.2\.10 +80:3'
  expect_eq "$(k get svc early -o 'jsonpath={.status.loadBalancer.ingress[0].ipMode}')" VIP
  eventually 20 is_told early 'Normal AddressAssigned: assigned 192.0.2.10'
  service web
  eventually 20 has web 192.0.2.11
  eventually 20 numbers_are main '2 8'
  expect_match "$(k get addresspool main)" 'main +192.0.2.10-192.0.2.19 +true +BGP +2 +8'
  k delete svc early
  eventually 20 numbers_are main '1 9'
  service late
  eventually 20 has late 192.0.2.10
  k patch svc late -p '{"spec": {"type": "ClusterIP"}}'
  eventually 20 has late ''
  eventually 20 numbers_are main '1 9'
  k create service clusterip other --tcp 80
  expect_eq "$(addresses_of other)" ''
}

test_another_class_is_somebody_elses() {
  fresh
  pool main 192.0.2.10-192.0.2.19
  service theirs 'loadBalancerClass: example.com/lb'
  service ours 'loadBalancerClass: fairlead.io/bgp'
  eventually 20 has ours 192.0.2.10
  expect_eq "$(addresses_of theirs)$(messages_about theirs)" ''
}

test_exhaustion_is_an_event_and_ends_when_an_address_is_free() {
  fresh
  pool small 192.0.2.1-192.0.2.2
  service a
  eventually 20 has a 192.0.2.1
  service b
  eventually 20 has b 192.0.2.2
  service c
  eventually 20 is_told c 'Warning AddressPoolExhausted: all IPv4 addresses are assigned of AddressPool "small" (2)'
  expect_match "$(k describe svc c)" 'AddressPoolExhausted'
  expect_eq "$(addresses_of c)" ''
  k delete svc a
  eventually 20 has c 192.0.2.1
  service d
  eventually 20 is_told d AddressPoolExhausted
  pool small '192.0.2.1-192.0.2.2, 192.0.2.9-192.0.2.9'
  eventually 20 has d 192.0.2.9
}

test_an_address_or_a_pool_can_be_asked_for() {
  fresh
  pool main 192.0.2.0/24
  pool quiet 198.51.100.0/24 'autoAssign: false'
  service field 'loadBalancerIP: 192.0.2.77'
  eventually 20 has field 192.0.2.77
  service listed '' 'fairlead.io/load-balancer-ips: 192.0.2.78'
  eventually 20 has listed 192.0.2.78
  service pooled '' 'fairlead.io/address-pool: quiet'
  eventually 20 has pooled 198.51.100.0
  service taken 'loadBalancerIP: 192.0.2.77'
  eventually 20 is_told taken 'Warning AddressInUse: the requested address 192.0.2.77 belongs to Service default/field'
  service outside '' 'fairlead.io/load-balancer-ips: 203.0.113.1'
  eventually 20 is_told outside 'Warning AddressNotInPool: the requested address 203.0.113.1 is in no AddressPool'
  service wrong '' 'fairlead.io/load-balancer-ips: foo'
  eventually 20 is_told wrong 'Warning BadAddressRequest: fairlead.io/load-balancer-ips: "foo" is not an IP address'
  expect_eq "$(addresses_of taken)$(addresses_of outside)$(addresses_of wrong)" ''
  k annotate svc listed fairlead.io/load-balancer-ips=192.0.2.79 --overwrite
  eventually 20 has listed 192.0.2.79
  k annotate svc listed fairlead.io/load-balancer-ips=192.0.2.77 --overwrite
  eventually 20 is_told listed 'belongs to Service default/field'
  expect_eq "$(addresses_of listed)" 192.0.2.79
}

test_services_share_an_address_by_key_where_their_ports_differ() {
  fresh
  pool main 192.0.2.10-192.0.2.19
  local key='fairlead.io/allow-shared-ip: dns'
  service tcp 'ports: [{name: p, port: 53, protocol: TCP}]' "$key"
  eventually 20 has tcp 192.0.2.10
  service udp 'ports: [{name: p, port: 53, protocol: UDP}]' "$key"
  eventually 20 has udp 192.0.2.10
  service same 'ports: [{name: p, port: 53, protocol: UDP}]' "$key"
  eventually 20 has same 192.0.2.11
  service local 'ports: [{name: p, port: 54}], externalTrafficPolicy: Local' "$key"
  eventually 20 has local 192.0.2.12
  eventually 20 numbers_are main '3 7'
}

test_an_address_stays_when_its_pool_goes() {
  fresh
  pool main 192.0.2.10-192.0.2.19
  service web
  eventually 20 has web 192.0.2.10
  pool main 192.0.2.12-192.0.2.19
  eventually 20 is_told web 'Warning AddressNotInPool: 192.0.2.10 is in no AddressPool; the Service keeps it'
  expect_eq "$(addresses_of web)" 192.0.2.10
  k delete addresspool main
  expect_eq "$(addresses_of web)" 192.0.2.10
}

test_addresses_stay_over_a_restart_and_over_sigkill() {
  fresh
  pool main 192.0.2.10-192.0.2.19
  service a '' 'fairlead.io/load-balancer-ips: 192.0.2.15'
  service b
  eventually 20 has a 192.0.2.15
  eventually 20 has b 192.0.2.10
  service c
  eventually 20 has c 192.0.2.11
  k delete svc b
  k annotate svc a fairlead.io/load-balancer-ips-
  local signal
  for signal in TERM KILL; do
    end_controlplane "$signal"
    start_controlplane
    service "new-${signal,,}"
    eventually 20 is_told "new-${signal,,}" AddressAssigned
    expect_eq "$(addresses_of a) $(addresses_of c)" '192.0.2.15 192.0.2.11'
  done
  expect_eq "$(addresses_of new-term) $(addresses_of new-kill)" '192.0.2.10 192.0.2.12'
  eventually 20 numbers_are main '4 6'
}

# Both have it in their status, as after a restored backup; the younger was seen with it first.
test_of_two_services_with_one_address_the_older_keeps_it_over_a_restart() {
  fresh
  service a-older
  service b-younger
  local name
  for name in b-younger a-older; do
    api PATCH "/api/v1/namespaces/default/services/$name/status" -H 'Content-Type: application/merge-patch+json' -f -d \
      '{"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.15"}]}}}' >/dev/null
  done
  expect_eq "$(addresses_of a-older) $(addresses_of b-younger)" '192.0.2.15 192.0.2.15'
  end_controlplane TERM
  start_controlplane
  pool main 192.0.2.10-192.0.2.19
  eventually 20 has b-younger 192.0.2.10
  expect_eq "$(addresses_of a-older)" 192.0.2.15
  eventually 20 is_told b-younger 'Warning AddressInUse: 192.0.2.15 belongs to Service default/a-older'
}

start_controlplane
run_tests "$@"
