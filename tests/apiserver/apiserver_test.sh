#!/usr/bin/env bash
# The client against a real kube-apiserver and etcd (build.sh makes them). Not among the suites that CI runs, because the
# first build takes minutes: ./run test apiserver
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. tests/lib.sh
bin=${FAIRLEAD_BIN:-$PWD/build/${FAIRLEAD_PRESET:-release}/bin}
tools=$PWD/build/apiserver/bin
work=$(mktemp -d)

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Each test is a subshell, so what one starts and another ends is known by a file and not by a variable.
has_ended() { ! grep -qs '^State:[[:space:]]*[^Z]' "/proc/$1/status"; }

# stop NAME SIGNAL: ends one of our processes and waits for its end.
stop() {
  local pid
  [ -f "$work/$1.pid" ] || return 0
  pid=$(cat "$work/$1.pid")
  rm "$work/$1.pid"
  kill "-${2:-TERM}" "$pid" 2>/dev/null || true
  eventually 20 has_ended "$pid"
}

cleanup() {
  stop watch KILL; stop apiserver KILL; stop etcd KILL
  rm -rf "$work"
}

make_certificates() {
  (
    cd "$work"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -days 1 -subj /CN=ca
    local name
    for name in server client; do
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $name.key -out $name.csr \
        -subj "/O=system:masters/CN=$name"
      openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 1 -out $name.crt \
        -extfile <(echo subjectAltName=DNS:localhost,IP:127.0.0.1)
    done
    openssl genrsa -out service-account.key 2048
  ) >/dev/null 2>&1
}

start_etcd() {
  "$tools/etcd" --name test --data-dir "$work/etcd" --unsafe-no-fsync --log-level error \
    --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
    --listen-peer-urls "http://127.0.0.1:$peer_port" --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" \
    --initial-cluster "test=http://127.0.0.1:$peer_port" >>"$work/etcd.log" 2>&1 &
  echo $! >"$work/etcd.pid"
}

start_apiserver() {
  "$tools/kube-apiserver" --etcd-servers "http://127.0.0.1:$etcd_port" --bind-address 127.0.0.1 \
    --secure-port "$api_port" --tls-cert-file "$work/server.crt" --tls-private-key-file "$work/server.key" \
    --client-ca-file "$work/ca.crt" --token-auth-file "$work/tokens" --authorization-mode RBAC \
    --service-account-key-file "$work/service-account.key" --service-account-issuer https://test \
    --service-account-signing-key-file "$work/service-account.key" --service-cluster-ip-range 10.96.0.0/16 \
    --endpoint-reconciler-type none --disable-admission-plugins ServiceAccount >>"$work/apiserver.log" 2>&1 &
  echo $! >"$work/apiserver.pid"
  eventually 60 api GET /readyz
}

# api METHOD PATH [JSON]
api() {
  local type=application/json
  [ "$1" != PATCH ] || type=application/merge-patch+json
  curl -sf --max-time 10 --cacert "$work/ca.crt" -H 'Authorization: Bearer admin-token' -H "Content-Type: $type" \
    -X "$1" "https://127.0.0.1:$api_port$2" ${3:+--data "$3"} >"$work/answer" || { cat "$work/answer" >&2; return 1; }
}

# kubeconfig USER-YAML: writes one and says where.
kubeconfig() {
  cat >"$work/kubeconfig" <<YAML
apiVersion: v1
kind: Config
current-context: test
clusters: [{name: c, cluster: {server: "https://localhost:$api_port", certificate-authority: ca.crt}}]
users: [{name: u, user: $1}]
contexts: [{name: test, context: {cluster: c, user: u}}]
YAML
}

start_watch() {
  : >"$work/seen"
  "$bin/watch-cluster" "$work/kubeconfig" node-a >"$work/seen" 2>&1 &
  echo $! >"$work/watch.pid"
}

sees() { grep -qE -- "$1" "$work/seen"; }
forget_seen() { : >"$work/seen"; }

service() {
  echo '{"apiVersion":"v1","kind":"Service","metadata":{"name":"'"$1"'"},"spec":{"ports":[{"port":80,"targetPort":8080}]}}'
}
slice() {  # NAME SERVICE ADDRESS
  echo '{"apiVersion":"discovery.k8s.io/v1beta1","kind":"EndpointSlice","metadata":{"name":"'"$1"'","labels":
    {"kubernetes.io/service-name":"'"$2"'"}},"addressType":"IPv4","ports":[{"port":8080}],"endpoints":[{"addresses":["'"$3"'"]}]}'
}
services=/api/v1/namespaces/default/services
slices=/apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices

# What an agent may do, and nothing more, as in helm/fairlead.
grant() {
  api POST /apis/rbac.authorization.k8s.io/v1/clusterroles '{"metadata":{"name":"fairlead"},"rules":[
    {"apiGroups":[""],"resources":["services","nodes"],"verbs":["list","watch"]},
    {"apiGroups":["discovery.k8s.io"],"resources":["endpointslices"],"verbs":["list","watch"]}]}'
  api POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings '{"metadata":{"name":"fairlead"},
    "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"fairlead"},
    "subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"fairlead"}]}'
}

test_1_says_what_it_may_not_do_and_goes_on_once_it_may() {
  kubeconfig '{tokenFile: token}'
  start_watch
  eventually 20 sees '^error API server https://localhost:[0-9]+: services: .*403: services is forbidden'
  grant
  eventually 60 sees '^synced services'
  eventually 60 sees '^synced endpointslices'
  eventually 60 sees '^synced nodes'
  eventually 20 sees '^well API server https://localhost:[0-9]+: services'
  stop watch
  eventually 5 sees '^stopped; EndpointSlices were discovery.k8s.io/v1beta1$'
}

test_2_lists_what_is_there_and_follows_what_changes() {
  api POST $services "$(service web)"
  api POST $slices "$(slice web-1 web 10.244.1.5)"
  api POST /api/v1/nodes '{"metadata":{"name":"node-a","labels":{"topology.kubernetes.io/zone":"z1"}}}'
  api POST /api/v1/nodes '{"metadata":{"name":"node-b"}}'
  kubeconfig '{tokenFile: token}'
  start_watch
  eventually 20 sees '^service default/web ports 1 10\.96\.'
  eventually 20 sees '^slice default/web-1 of web endpoints 10.244.1.5$'
  eventually 20 sees '^node node-a zone z1$'
  ! sees 'node-b' || fail "another node was listed"

  api PATCH $slices/web-1 '{"endpoints":[{"addresses":["10.244.1.6"]},{"addresses":["10.244.2.7"]}]}'
  eventually 10 sees '^slice default/web-1 of web endpoints 10.244.1.6 10.244.2.7$'
  api PATCH $services/web '{"metadata":{"labels":{"service.kubernetes.io/service-proxy-name":"other"}}}'
  eventually 10 sees '^service_gone default/web$'
  forget_seen
  api PATCH $services/web '{"metadata":{"labels":{"service.kubernetes.io/service-proxy-name":null}}}'
  eventually 10 sees '^service default/web '
  api DELETE $slices/web-1
  eventually 10 sees '^slice_gone default/web-1$'
  api DELETE /api/v1/nodes/node-a
  eventually 10 sees '^node_gone node-a$'
  stop watch
}

test_3_works_with_a_client_certificate_and_through_a_restart_of_the_server() {
  kubeconfig '{client-certificate: client.crt, client-key: client.key}'
  api POST $services "$(service stays)"
  start_watch
  eventually 20 sees '^service default/stays '
  stop apiserver KILL
  eventually 20 sees '^warning API server .*services.*: watch: '
  start_apiserver
  api POST $services "$(service after-restart)"
  eventually 60 sees '^service default/after-restart '
  eventually 60 sees '^well API server .*: services$'
  ! sees _gone || fail "something was taken for gone: $(grep _gone "$work/seen")"
  stop watch
}

# The store is set back to a backup: versions go back, and what was created since never existed.
test_4_follows_a_server_that_was_restored_from_a_backup() {
  kubeconfig '{token: admin-token}'
  api POST $services "$(service before-backup)"
  stop apiserver KILL && stop etcd
  cp -a "$work/etcd" "$work/backup"
  start_etcd && start_apiserver
  local i
  for i in 1 2 3 4 5; do api POST $services "$(service since-$i)"; done
  start_watch
  eventually 20 sees '^service default/since-5 '
  stop apiserver KILL && stop etcd
  rm -rf "$work/etcd" && mv "$work/backup" "$work/etcd"
  start_etcd && start_apiserver
  api POST $services "$(service after-restore)"
  eventually 120 sees '^service default/after-restore '
  eventually 20 sees '^service_gone default/since-5$'
  ! sees 'gone default/before-backup' || fail "before-backup was taken for gone"
  stop watch
}

[ "$(id -u)" = 0 ] || { echo "SKIP all: needs root to fetch packages"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
tests/apiserver/build.sh || exit 1
make_certificates
etcd_port=$(free_port) peer_port=$(free_port) api_port=$(free_port)
printf '%s\n' 'admin-token,admin,admin,system:masters' 'agent-token,fairlead,fairlead' >"$work/tokens"
echo agent-token >"$work/token"
trap cleanup EXIT
start_etcd
start_apiserver || { tail -n 30 "$work/apiserver.log" "$work/etcd.log"; exit 1; }
run_tests "$@"
