# Sourced by the lab's tests: a lab of their own (other namespaces and files than the user's, which may run beside it), taken
# down whatever happens, and the words that the tests are written in.
#
#   with_lab [UP OPTIONS]    at the top of a script; --datapath is $FAIRLEAD_LAB_DATAPATH, or the best that is built; --network is
#                            $FAIRLEAD_LAB_NETWORK, or vxlan
#   datapath_is NAME         what the agents were started with
#   answer FROM TARGET       one line "BACKEND SOURCE PORT"; FROM is a pod, node1, ext or cp
#   backends FROM TARGET     who answers 60 connections, sorted, comma separated
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." || exit 1
source tests/lib.sh
export FAIRLEAD_BIN=${FAIRLEAD_BIN:-$PWD/build/release/bin}
export FAIRLEAD_LAB_PREFIX=fltest FAIRLEAD_LAB_DIR=$PWD/build/lab-test
tool=$FAIRLEAD_BIN/fairlead-lab
scratch=$(mktemp -d)
background=()

lab() { lab/lab.sh "$@"; }
kubectl() { lab kubectl "$@"; }
inside() {
  local where=$1
  shift
  lab exec "$where" -- "$@"
}

with_lab() {
  if [ "$(id -u)" != 0 ]; then
    echo "SKIP $0: needs root, to make network namespaces"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
  fi
  lab down || exit 1 # of an earlier run that was killed; this name is the tests' own
  if ! lab up ${FAIRLEAD_LAB_DATAPATH:+--datapath "$FAIRLEAD_LAB_DATAPATH"} ${FAIRLEAD_LAB_NETWORK:+--network "$FAIRLEAD_LAB_NETWORK"} "$@" >"$scratch/up" 2>&1; then
    sed 's/^/  /' "$scratch/up" >&2
    cleanup
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
  fi
}

cleanup() {
  [ ${#background[@]} -eq 0 ] || kill "${background[@]}" 2>/dev/null
  # What explains a failure is kept beside the other logs of the run.
  mkdir -p build/test-logs
  tar -C build -czf "build/test-logs/lab-$(basename "$0" _test.sh).tar.gz" --exclude=pods --exclude=controlplane lab-test 2>/dev/null
  lab down
  rm -rf "$scratch"
}

datapath_is() { grep -qx "datapath=$1" "$FAIRLEAD_LAB_DIR/settings"; }

answer() {
  local from=$1 target=$2
  shift 2
  lab ask "$from" "$target" --timeout 2 "$@"
}
backend() { answer "$@" | cut -d' ' -f1; }
source_of() { answer "$@" | cut -d' ' -f2; }

# What came instead of an answer: refused, timeout, … or "answered".
outcome() {
  local said
  if said=$(lab ask "$@" --timeout 1 2>&1 >/dev/null); then echo answered; else echo "${said##*: }"; fi
}

load() {
  local from=$1
  shift
  inside "$from" "$tool" load "$@"
}
backends() {
  local from=$1 target=$2 transport=${3:---tcp}
  load "$from" "$transport" "$target" --rate 400 --count 60 | jq -r '.answers | keys | join(",")'
}
backends_are() { [ "$(backends "$1" "$2" "${4:---tcp}")" = "$3" ]; }
outcome_is() {
  local want=$1
  shift
  [ "$(outcome "$@")" = "$want" ]
}

service() { kubectl get service "$1" -o "jsonpath={$2}"; }
cluster_ip() { service "$1" .spec.clusterIP; }
node_port() { service "$1" '.spec.ports[0].nodePort'; }
pod_ip() { kubectl get pod "$1" -o 'jsonpath={.status.podIP}'; }
at() { [[ $1 == *:* ]] && echo "[$1]:$2" || echo "$1:$2"; }

# Sets what only the cloud provider writes: status.loadBalancer.ingress.
give_load_balancer_ip() {
  kubectl get service "$1" -o json | jq --arg ip "$2" '.status.loadBalancer.ingress = [{ip: $ip}]' >"$scratch/service.json"
  kubectl replace --raw "/api/v1/namespaces/default/services/$1/status" -f "$scratch/service.json" >/dev/null
}
