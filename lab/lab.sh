#!/usr/bin/env bash
# A cluster in network namespaces on this machine: a real control plane, real agents, real kernel datapaths, real packets.
#
#   common.sh   where things are, processes, locks        cluster.sh  control plane, nodes, agents
#   network.sh  the wire and the nodes                    pods.sh     pods and their CNI plugin
#   router.sh   with --network bgp: BIRD
#
# Order of start: wire -> nodes -> router -> control plane -> Node objects -> agents -> pods -> Service. Every step finds what is there
# already and makes what is missing; `down` takes away whatever is found, in any state.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source "$here/common.sh"
source "$here/network.sh"
source "$here/cluster.sh"
source "$here/pods.sh"
source "$here/router.sh"

usage() {
  cat <<'EOT'
usage: ./run lab up [--nodes N] [--datapath ebpf|nftables|ipvs] [--network vxlan|bgp] [--family ipv4|ipv6|dual]
       ./run lab down                       remove everything
       ./run lab status                     what runs
       ./run lab pod NAME --node NODE [--labels k=v,…] [--serve [PORTNAME=]PORT[/tcp|udp]]… [--host-network]
       ./run lab pod NAME --delete
       ./run lab agent NODE start|stop|kill|restart [--datapath X]
       ./run lab controlplane start|stop|kill|restart
       ./run lab kubectl …                  the real kubectl against the lab's control plane
       ./run lab exec WHERE -- CMD…         run CMD in a pod's or node's network namespace, or in ext or cp
       ./run lab ask WHERE ADDRESS:PORT [--udp]   one connection to an echo server: prints who answered and whom it saw

`up` takes 2 nodes, the best datapath that this build has, vxlan and ipv4 unless told otherwise. --network bgp: pods' and
load balancers' addresses are told by BGP, to the other nodes and to a router (BIRD) between them and ext. --serve without a protocol serves TCP and UDP.

Environment: FAIRLEAD_PRESET (release) says which build to run; FAIRLEAD_LAB_PREFIX (fl) and FAIRLEAD_LAB_DIR (build/lab) give a
second lab beside the first one names and files of its own.
EOT
}

parse_up_options() {
  local asked=''
  declare -A given=()
  while [ $# -gt 0 ]; do
    case $1 in
      --nodes=* | --datapath=* | --network=* | --family=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
      --nodes | --datapath | --network | --family)
        [ $# -ge 2 ] && [ -n "$2" ] || usage_error "up: $1 needs a value"
        given[${1#--}]=$2
        shift 2
        ;;
      *) usage_error "up: unknown option $1" ;;
    esac
  done
  [[ ${given[nodes]:-2} =~ ^[1-9][0-9]?$ ]] || usage_error "--nodes ${given[nodes]}: expected a number from 1 to 99"
  [[ ${given[network]:-vxlan} =~ ^(vxlan|bgp)$ ]] || usage_error "--network ${given[network]}: expected vxlan or bgp"
  [[ ${given[family]:-ipv4} =~ ^(ipv4|ipv6|dual)$ ]] || usage_error "--family ${given[family]}: expected ipv4, ipv6 or dual"
  if [ -f "$lab/settings" ]; then
    # What is up stays as it is: another shape is another lab.
    for asked in "${!given[@]}"; do
      [ "${given[$asked]}" = "${!asked}" ] ||
        die "a lab with $asked=${!asked} is already up; ./run lab down first to have $asked=${given[$asked]}"
    done
    return
  fi
  nodes=${given[nodes]:-2} network=${given[network]:-vxlan} family=${given[family]:-ipv4}
  datapath_asked=${given[datapath]:-}
}

up() {
  local n datapath_asked='' started=$SECONDS was_up=no
  lock_lab exclusive
  load_settings
  [ ! -f "$lab/settings" ] || was_up=yes
  parse_up_options "$@"
  if [ -z "${FAIRLEAD_BIN:-}" ]; then
    step "building ($preset)"
    "$root/run" build "$preset" 9>&- >&2
  fi
  [ "$was_up" = yes ] || { step "choosing a datapath" && choose_datapath "$datapath_asked"; }
  save_settings
  step "network: $nodes nodes, $family"
  make_wire
  for n in $(node_numbers); do make_node "$n"; done
  [ "$network" != bgp ] || step "router" "$router_log"
  start_router
  step "control plane on $(wire4 "$cp_octet"):6443" "$controlplane_log"
  start_controlplane
  tell_nodes_of_router
  step "agents ($datapath)" "$(agent_log 1)"
  for n in $(node_numbers); do
    register_node "$n"
    write_agent_config "$n" "$datapath"
    start_agent "$n"
  done
  for n in $(node_numbers); do
    current_log=$(agent_log "$n")
    wait_for_agent "$n"
  done
  wait_for_sessions
  first_pods
  first_service
  current_step=
  print_summary
  say "up after $((SECONDS - started)) s"
}

first_pods() {
  local last=$((nodes < 2 ? nodes : 2))
  pod_verb web-1 --node node1 --labels app=web --serve http=8080/tcp --serve dns=8080/udp
  pod_verb web-2 --node "node$last" --labels app=web --serve http=8080/tcp --serve dns=8080/udp
  pod_verb client --node node1 --labels app=client
}

# The Service that proves the whole way: kubectl -> control plane -> agents -> kernels -> a packet that is answered.
first_service() {
  local address
  step "Service web" "$controlplane_log"
  kubectl_quietly apply -f - >/dev/null <<EOT
{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
 "spec": {"type": "NodePort", "selector": {"app": "web"}, "ipFamilyPolicy": "$([ "$family" = dual ] && echo RequireDualStack || echo SingleStack)",
  "ports": [{"name": "http", "port": 80, "targetPort": "http", "nodePort": 30080},
            {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns", "nodePort": 30053}]}}
EOT
  for address in $(web_addresses); do
    step "a connection from pod client to $(host_port "$address" 80)" "$(agent_log 1)"
    wait_for 30 ask client "$(host_port "$address" 80)" --timeout 1 || { ask client "$(host_port "$address" 80)" || true; die "it is not answered"; }
  done
}
web_addresses() { api GET /api/v1/namespaces/default/services/web | jq -r '.spec.clusterIPs[]'; }
host_port() { [[ $1 == *:* ]] && echo "[$1]:$2" || echo "$1:$2"; }
ask() {
  local where=$1 ns
  shift
  ns=$(namespace_of "$where")
  (enter "$ns" "$(cgroup_of "$where")" "$(tool)" ask "$@")
}
# The cgroup that a name's programs run in; nothing for ext and cp.
cgroup_of() {
  case $1 in
    net | ext | cp) ;;
    node[0-9]*) ensure_cgroup "$1/host" ;;
    *) ensure_cgroup "node$(cat "$(pod_dir "$1")/node")/pods/$1" ;;
  esac
}

print_summary() {
  local address node_address
  address=$(host_port "$(web_addresses | head -n 1)" 80)
  node_address=$(host_port "$(by_family "$(wire4 1)" "$(wire6 1)" | head -n 1)" 30080)
  status
  cat <<EOT

Try:
  ./run lab ask client $address            # again and again: both pods answer
  ./run lab ask ext $node_address          # from outside the cluster, through a node
  ./run lab kubectl get services,pods,endpointslices -o wide
More: ./run lab --help. Remove it all: ./run lab down
EOT
}

status() {
  local n name dir
  [ -f "$lab/settings" ] || { echo "no lab is up; start one with: ./run lab up"; return 3; }
  echo "Lab: $nodes nodes, datapath $datapath, family $family; between nodes: $(say_how_nodes_are_connected)"
  echo "control plane  $(process_text "$lab/controlplane.pid" "$prefix-cp")  $api_url  log $(short "$controlplane_log")"
  [ "$network" != bgp ] ||
    echo "router         $(process_text "$router_pid" "$prefix-net")  AS $router_asn, birdc -s $router_socket  log $(short "$router_log")"
  for n in $(node_numbers); do
    printf 'node%-2s %-4s agent %s, %s  log %s\n' "$n" "$(zone_of "$n")" \
      "$(process_text "$(agent_dir "$n")/agent.pid" "$prefix-node$n")" \
      "$(agent_is_ready "$n" && echo ready || echo "not ready")  $(by_family "$(wire4 "$n")" "$(wire6 "$n")" | paste -sd,)" "$(short "$(agent_log "$n")")"
  done
  for dir in "$lab"/pods/*/; do
    name=$(basename "$dir")
    [ -f "$dir/node" ] || continue
    printf 'pod %-12s node%s  %s  %s\n' "$name" "$(cat "$dir/node")" "$(pod_addresses "$dir")" \
      "$([ -s "$dir/serves" ] && echo "serves $(cat "$dir/serves"), $(process_text "$dir/pid" "$prefix-pod-$name")" || echo "serves nothing")"
  done
  api GET /api/v1/services 2>/dev/null | jq -r '.items[] |
    "service \(.metadata.namespace)/\(.metadata.name)  \(.spec.type)  \(.spec.clusterIPs // [.spec.externalName] | join(","))  " +
    ([.spec.ports[]? | "\(.name // "-") \(.port)/\(.protocol)" + (if .nodePort then " node port \(.nodePort)" else "" end)] | join(", "))' ||
    echo "services: the control plane does not answer"
  echo "kubeconfig $(short "$kubeconfig") (for ./run lab kubectl)"
}
process_text() { is_running "$1" "$2" && echo "running (pid $(cat "$1"))" || echo "NOT RUNNING"; }
pod_addresses() {
  if [ -s "$1/cni-result" ]; then jq -r '[.ips[].address | sub("/.*"; "")] | join(",")' "$1/cni-result"; else echo "(the node's)"; fi
}
short() { realpath --relative-to="$root" "$1" 2>/dev/null || echo "$1"; }

down() {
  local ns pids pid mount
  lock_lab exclusive
  load_settings
  # Everything in our namespaces is ours, recorded or not: a process there would keep its namespace alive without a name.
  for ns in $(our_namespaces); do
    pids+=" $(ip netns pids "$ns" | xargs)"
  done
  for pid in ${pids:-}; do kill -KILL "$pid" 2>/dev/null || true; done
  for pid in ${pids:-}; do wait_for 5 process_is_over "$pid" || say "note: process $pid does not end"; done
  for ns in $(our_namespaces); do ip netns del "$ns"; done
  for mount in "$run_dir"/node*/bpf; do
    ! mountpoint -q "$mount" || umount "$mount"
  done
  if [ -d "$run_dir" ]; then
    rm -rf --one-file-system "$run_dir"
    rmdir --ignore-fail-on-non-empty "${run_dir%/*}"
  fi
  remove_cgroups
  rm -rf --one-file-system "$lab"
  say "nothing of the lab is left"
}

exec_verb() {
  local where=${1:-} ns
  [ -n "$where" ] || usage_error "exec: expected a pod, a node, ext or cp"
  shift
  [ "${1:-}" != -- ] || shift
  [ $# -gt 0 ] || usage_error "exec $where: expected a command after --"
  ns=$(namespace_of "$where")
  cd "$caller_dir"
  enter "$ns" "$(cgroup_of "$where")" "$@"
}

verb=${1:-}
[ $# -gt 0 ] && shift
case $verb:${1:-} in
  -h:* | --help:* | help:* | up:--help | down:--help | status:--help | pod:--help | agent:--help | controlplane:--help | exec:--help | ask:--help)
    usage
    exit
    ;;
esac
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || die "must run as root: it makes and enters network namespaces"
  exec sudo --preserve-env=FAIRLEAD_PRESET,FAIRLEAD_BIN,FAIRLEAD_CALLER_DIR,FAIRLEAD_LAB_PREFIX,FAIRLEAD_LAB_DIR,FAIRLEAD_CNI_BIN \
    "${BASH_SOURCE[0]}" "$verb" "$@"
fi
case $verb in
  up) up "$@" ;;
  down) down ;;
  status) load_settings && status ;;
  pod | agent | controlplane)
    lock_lab shared
    load_settings
    require_lab
    "${verb}_verb" "$@"
    ;;
  kubectl) require_lab && run_kubectl "$@" ;;
  exec) load_settings && require_lab && exec_verb "$@" ;;
  ask) load_settings && require_lab && [ $# -ge 2 ] || usage_error "ask: expected WHERE ADDRESS:PORT" && ask "$@" ;;
  '') usage >&2 && exit 2 ;;
  *) usage_error "unknown verb $verb" ;;
esac
