# shellcheck shell=bash
# The cluster's own programs: the control plane in $prefix-cp, the Node objects, and one agent in each node.

api_url=https://$(wire4 "$cp_octet"):6443
kubeconfig=$lab/kubeconfig
controlplane_log=$lab/controlplane.log

service_cidrs() { by_family "$service_cidr4" "$service_cidr6" | paste -sd,; }
cluster_cidrs() { by_family 10.244.0.0/16 fd00:244::/32 | paste -sd,; }

## The control plane

start_controlplane() {
  if ! is_running "$lab/controlplane.pid" "$prefix-cp"; then
    mkdir -p "$lab/controlplane"
    start_process "$lab/controlplane.pid" "$controlplane_log" "$prefix-cp" "" \
      "$bin/fairlead" controlplane --data-dir "$lab/controlplane" --listen "$(wire4 "$cp_octet"):6443" \
      --service-cidr "$(service_cidrs)" # no --pod-cidr: the lab's Nodes bring their pod ranges
  fi
  wait_for 30 controlplane_is_up_or_gone || true
  is_running "$lab/controlplane.pid" "$prefix-cp" || die "the control plane ended"
  api_is_ready || die "the control plane does not become ready"
}
controlplane_is_up_or_gone() { is_gone "$lab/controlplane.pid" "$prefix-cp" || api_is_ready; }
api_is_ready() {
  [ -s "$lab/curl.conf" ] && [ ! "$lab/controlplane/admin.kubeconfig" -nt "$lab/curl.conf" ] || write_credentials || return 1
  api GET /readyz >/dev/null
}

# ./run lab controlplane VERB
controlplane_verb() {
  local verb=${1:-}
  lock_one controlplane
  case $verb in
    start | restart)
      if [ "$verb" = restart ]; then
        step "stopping the control plane" "$controlplane_log"
        end_process "$lab/controlplane.pid" "$prefix-cp" TERM 30 || die "it does not end"
      fi
      step "starting the control plane" "$controlplane_log"
      start_controlplane
      ;;
    stop)
      step "stopping the control plane" "$controlplane_log"
      end_process "$lab/controlplane.pid" "$prefix-cp" TERM 30 || die "it does not end"
      ;;
    kill)
      step "killing the control plane" "$controlplane_log"
      end_process "$lab/controlplane.pid" "$prefix-cp" KILL
      ;;
    *) usage_error "controlplane: expected start, stop, kill or restart, got '$verb'" ;;
  esac
}

# kubectl reads the kubeconfig that the control plane wrote; curl gets the same credentials. curl does what kubectl of every
# version cannot (a pod's status) or takes too long for (half a second a call).
write_credentials() {
  local source=$lab/controlplane/admin.kubeconfig credentials
  [ -s "$source" ] || return 1
  (umask 077 && cp "$source" "$kubeconfig.new") && mv "$kubeconfig.new" "$kubeconfig"
  credentials=$(kubectl --kubeconfig "$kubeconfig" config view --raw --minify --flatten -o json) || return 1
  (
    umask 077
    local field
    for field in cluster.certificate-authority-data user.client-certificate-data user.client-key-data; do
      jq -r --arg kind "${field%%.*}" --arg key "${field#*.}" \
        '.[$kind + "s"][0][$kind][$key] // empty' <<<"$credentials" | base64 -d >"$lab/curl.${field#*.}"
    done
    {
      echo "silent"
      echo "show-error"
      echo "max-time = 20"
      echo "cacert = \"$lab/curl.certificate-authority-data\""
      if [ -s "$lab/curl.client-key-data" ]; then
        echo "cert = \"$lab/curl.client-certificate-data\""
        echo "key = \"$lab/curl.client-key-data\""
      fi
      jq -r '.users[0].user.token // empty | "header = \"Authorization: Bearer \(.)\""' <<<"$credentials"
    } >"$lab/curl.new"
    mv "$lab/curl.new" "$lab/curl.conf"
  )
}

# api METHOD PATH [BODY [CONTENT_TYPE]]: prints the answer; fails unless it is 2xx, with the server's own message.
api() {
  local method=$1 path=$2 body=${3:-} type=${4:-application/json} answer code
  local data=()
  [ -z "$body" ] || data=(--data-binary @- -H "Content-Type: $type")
  answer=$(call_api -X "$method" "${data[@]}" -w '\n%{http_code}' "$api_url$path" <<<"$body") || return 1
  code=${answer##*$'\n'}
  if [[ $code == 2* ]]; then
    echo "${answer%$'\n'*}"
    return
  fi
  echo "lab: $method $path: $code: $(jq -r '.message // .' <<<"${answer%$'\n'*}" 2>/dev/null || echo "${answer%$'\n'*}")" >&2
  return 1
}
call_api() { inside "$prefix-cp" curl -K "$lab/curl.conf" "$@"; }
# An API server that does not answer, or refuses, has not said that there is none.
exists_in_api() {
  local code
  code=$(call_api -o /dev/null -w '%{http_code}' "$api_url$1") || die "the control plane does not answer"
  case $code in
    200) return 0 ;;
    404) return 1 ;;
    *) die "GET $1: the control plane answers $code" ;;
  esac
}

run_kubectl() {
  cd "$caller_dir"
  enter "$prefix-cp" "" kubectl --kubeconfig "$kubeconfig" --cache-dir "$lab/kubectl-cache" "$@"
}
kubectl_quietly() { (run_kubectl "$@") 8>&- 9>&-; }

## Nodes

zone_of() { [ $(($1 % 2)) = 1 ] && echo zone-a || echo zone-b; }

node_object() {
  local n=$1
  jq -n --arg name "node$n" --arg zone "$(zone_of "$n")" \
    --argjson addresses "$(by_family "$(wire4 "$n")" "$(wire6 "$n")" | lines_to_json)" \
    --argjson cidrs "$(by_family "$(pods4 "$n")" "$(pods6 "$n")" | lines_to_json)" '
    {apiVersion: "v1", kind: "Node",
     metadata: {name: $name, labels: {"kubernetes.io/hostname": $name, "kubernetes.io/os": "linux",
       "topology.kubernetes.io/region": "lab", "topology.kubernetes.io/zone": $zone}},
     spec: {podCIDR: $cidrs[0], podCIDRs: $cidrs},
     status: {addresses: ([$addresses[] | {type: "InternalIP", address: .}] + [{type: "Hostname", address: $name}]),
       conditions: [{type: "Ready", status: "True", reason: "LabIsUp", message: "the lab made it",
         lastHeartbeatTime: (now | todate), lastTransitionTime: (now | todate)}],
       nodeInfo: {kubeletVersion: "lab", osImage: "lab", kernelVersion: "", containerRuntimeVersion: "", architecture: "",
         bootID: "", machineID: "", systemUUID: "", kubeProxyVersion: "", operatingSystem: "linux"}}}'
}

register_node() {
  local n=$1 object
  object=$(node_object "$n")
  exists_in_api "/api/v1/nodes/node$n" || api POST /api/v1/nodes "$object" >/dev/null
  api PATCH "/api/v1/nodes/node$n/status" "$(jq '{status}' <<<"$object")" application/merge-patch+json >/dev/null
}

## Agents

agent_dir() { echo "$lab/node$1"; }
agent_log() { echo "$lab/node$1/agent.log"; }

# The datapaths this build has, best first, one a line.
built_datapaths() {
  local known wanted
  known=$("$bin/fairlead" version 2>/dev/null | sed -n "s/^datapaths  *//p") || known=
  for wanted in ebpf nftables ipvs; do
    grep -qw "$wanted" <<<"$known" && echo "$wanted"
  done
  return 0
}
# Sets `datapath` to what was asked for, or to the best there is.
choose_datapath() {
  local asked=$1 have
  mapfile -t have < <(built_datapaths)
  [ ${#have[@]} -gt 0 ] || have=(nftables)
  case $asked in
    '' | auto) datapath=${have[0]} ;;
    ebpf | nftables | ipvs)
      [[ " ${have[*]} " == *" $asked "* ]] || die "--datapath $asked: this build has no such datapath; it has: ${have[*]}"
      datapath=$asked
      ;;
    *) usage_error "--datapath $asked: expected ebpf, nftables or ipvs; this build has: ${have[*]}" ;;
  esac
}

write_agent_config() {
  local n=$1 chosen=$2 dir cgroup
  dir=$(agent_dir "$n")
  cgroup=$(ensure_cgroup "node$n")
  mkdir -p "$dir/state" "$run_dir/node$n/run" "$run_dir/node$n/bpf"
  # A bpffs of its own: pins outlive the agent and are seen by no other node's.
  mountpoint -q "$run_dir/node$n/bpf" || mount -t bpf "$prefix-node$n" "$run_dir/node$n/bpf" 2>/dev/null || true
  cat >"$dir/agent.yaml" <<EOT
apiVersion: fairlead.io/v1alpha1
kind: AgentConfiguration
nodeName: node$n
kubeconfig: $(node_kubeconfig)
datapath: $chosen
clusterCIDRs: [$(quoted "$(cluster_cidrs)")]
serviceCIDRs: [$(quoted "$(service_cidrs)")]
runtimeDirectory: $run_dir/node$n/run
stateDirectory: $dir/state
pinDirectory: $run_dir/node$n/bpf/fairlead
cgroup: ${cgroup:-/sys/fs/cgroup}
podNetwork:
  mode: $network
  cniConfDirectory: $dir/cni
  registerPods: true
  vxlan: {directRouting: false} # the nodes share a link, and pods' packets go by the tunnel nevertheless
EOT
}
quoted() { sed 's/[^,]*/"&"/g; s/,/, /g' <<<"$1"; }
node_kubeconfig() {
  local file=$lab/controlplane/node.kubeconfig
  [ -s "$file" ] && echo "$file" || echo "$lab/controlplane/admin.kubeconfig"
}

start_agent() {
  local n=$1 dir cgroup
  dir=$(agent_dir "$n")
  is_running "$dir/agent.pid" "$prefix-node$n" && return
  ensure_cgroup "node$n/pods" >/dev/null
  cgroup=$(ensure_cgroup "node$n/host")
  start_process "$dir/agent.pid" "$dir/agent.log" "$prefix-node$n" "$cgroup" \
    "$bin/fairlead" agent --config "$dir/agent.yaml"
}
wait_for_agent() {
  local n=$1 dir
  dir=$(agent_dir "$n")
  wait_for 30 agent_is_ready_or_gone "$n" || true
  is_running "$dir/agent.pid" "$prefix-node$n" || die "the agent of node$n ended"
  agent_is_ready "$n" || die "the agent of node$n does not become ready"
}
agent_is_ready_or_gone() { is_gone "$(agent_dir "$1")/agent.pid" "$prefix-node$1" || agent_is_ready "$1"; }
# Ready, and with the file by which runtimes find its plugin.
agent_is_ready() { [ -s "$lab/node$1/cni/05-fairlead.conflist" ] && inside "$prefix-node$1" curl -sfm 2 -o /dev/null http://127.0.0.1:10256/readyz; }

# ./run lab agent NODE VERB [--datapath X]
agent_verb() {
  local node=${1:-} verb=${2:-} asked='' n dir
  [[ $node =~ ^node([0-9]+)$ ]] || usage_error "agent: expected node1 to node$nodes, got '$node'"
  n=${BASH_REMATCH[1]}
  [ "$n" -ge 1 ] && [ "$n" -le "$nodes" ] || die "agent: no $node; the lab has node1 to node$nodes"
  [ $# -ge 2 ] || usage_error "agent $node: expected start, stop, kill or restart"
  shift 2
  while [ $# -gt 0 ]; do
    case $1 in
      --datapath=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
      --datapath)
        [ $# -ge 2 ] || usage_error "agent: $1 needs a value"
        asked=$2
        shift 2
        ;;
      *) usage_error "agent: unknown option $1" ;;
    esac
  done
  dir=$(agent_dir "$n")
  lock_one "agent-$n"
  case $verb in
    start | restart)
      if [ -n "$asked" ]; then
        choose_datapath "$asked"
        write_agent_config "$n" "$datapath"
      fi
      if [ "$verb" = restart ]; then
        step "stopping the agent of $node" "$dir/agent.log"
        end_process "$dir/agent.pid" "$prefix-$node" TERM 30 || die "it does not end"
      fi
      step "starting the agent of $node" "$dir/agent.log"
      start_agent "$n"
      wait_for_agent "$n"
      ;;
    stop)
      step "stopping the agent of $node; its datapath stays" "$dir/agent.log"
      end_process "$dir/agent.pid" "$prefix-$node" TERM 30 || die "it does not end"
      ;;
    kill)
      step "killing the agent of $node; its datapath stays" "$dir/agent.log"
      end_process "$dir/agent.pid" "$prefix-$node" KILL
      ;;
    *) usage_error "agent $node: expected start, stop, kill or restart, got '$verb'" ;;
  esac
}
