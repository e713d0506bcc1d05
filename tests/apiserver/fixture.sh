# Sourced by this suite's tests: a real kube-apiserver and etcd (build.sh makes them), the objects that are put into it, and an end
# for whatever was started.
#
#   begin          builds what is missing, and starts both; in the network namespace of "${inside[@]}", if that is set
#   api METHOD …   a request as the administrator
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." || exit 1
. tests/lib.sh
bin=${FAIRLEAD_BIN:-$PWD/build/${FAIRLEAD_PRESET:-release}/bin}
tools=$PWD/build/apiserver/bin
work=$(mktemp -d)
inside=()

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

# Whatever still runs.
stop_all() {
  local pid_file
  for pid_file in "$work"/*.pid; do [ ! -f "$pid_file" ] || stop "$(basename "$pid_file" .pid)" KILL; done
}

# start NAME COMMAND…: runs it in our namespace until `stop NAME`; what it says is in $work/NAME.log.
start() {
  local name=$1
  shift
  "${inside[@]}" "$@" >>"$work/$name.log" 2>&1 &
  echo $! >"$work/$name.pid"
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
  start etcd "$tools/etcd" --name test --data-dir "$work/etcd" --unsafe-no-fsync --log-level error \
    --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
    --listen-peer-urls "http://127.0.0.1:$peer_port" --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" \
    --initial-cluster "test=http://127.0.0.1:$peer_port"
}

start_apiserver() {
  start apiserver "$tools/kube-apiserver" --etcd-servers "http://127.0.0.1:$etcd_port" --bind-address 127.0.0.1 --advertise-address 198.18.0.1 \
    --secure-port "$api_port" --tls-cert-file "$work/server.crt" --tls-private-key-file "$work/server.key" \
    --client-ca-file "$work/ca.crt" --token-auth-file "$work/tokens" --authorization-mode RBAC \
    --service-account-key-file "$work/service-account.key" --service-account-issuer https://test \
    --service-account-signing-key-file "$work/service-account.key" --service-cluster-ip-range 10.96.0.0/16 \
    --endpoint-reconciler-type none --disable-admission-plugins ServiceAccount
  eventually 60 api GET /readyz
}

# api METHOD PATH [JSON]
api() {
  local type=application/json
  [ "$1" != PATCH ] || type=application/merge-patch+json
  "${inside[@]}" curl -sf --max-time 10 --cacert "$work/ca.crt" -H 'Authorization: Bearer admin-token' -H "Content-Type: $type" \
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

begin() {
  [ "$(id -u)" = 0 ] || { echo "SKIP all: needs root to fetch packages"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
  tests/apiserver/build.sh || exit 1
  make_certificates
  etcd_port=$(free_port) peer_port=$(free_port) api_port=$(free_port)
  printf '%s\n' 'admin-token,admin,admin,system:masters' 'agent-token,fairlead,fairlead' >"$work/tokens"
  echo agent-token >"$work/token"
  trap cleanup EXIT
  start_etcd
  start_apiserver || { tail -n 30 "$work/apiserver.log" "$work/etcd.log"; exit 1; }
}
