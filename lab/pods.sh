# shellcheck shell=bash
# Pods: a namespace, attached to its node by a real CNI plugin, a Pod object that is Ready, and perhaps an echo server.
# Made in that order; taken down in reverse, so that the Services have let go of a pod before it falls silent.

pod_dir() { echo "$lab/pods/$1"; }
pod_path() { echo "/api/v1/namespaces/default/pods${1:+/$1}"; }

# ./run lab pod NAME …
pod_verb() {
  local name=${1:-}
  [[ $name =~ ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$ ]] && [ ${#name} -le 50 ] ||
    usage_error "pod: '$name' is no pod name (small letters, digits and '-', at most 50)"
  [[ ! $name =~ ^(net|ext|cp|node[0-9]+)$ ]] || usage_error "pod: $name is the name of a namespace of the lab's own"
  shift
  local node='' labels='' serve=() words=() host_network=no delete=no
  while [ $# -gt 0 ]; do
    case $1 in
      --node=* | --labels=* | --serve=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
      --node | --labels | --serve) [ $# -ge 2 ] || usage_error "pod: $1 needs a value" ;;
    esac
    case $1 in
      --node) node=$2 && shift 2 ;;
      --labels) labels=$2 && shift 2 ;;
      --serve)
        IFS=, read -ra words <<<"$2"
        serve+=("${words[@]}")
        shift 2
        ;;
      --host-network) host_network=yes && shift ;;
      --delete) delete=yes && shift ;;
      *) usage_error "pod: unknown option $1" ;;
    esac
  done
  lock_one "pod-$name"
  if [ "$delete" = yes ]; then delete_pod "$name"; else add_pod "$name"; fi
}

# Uses pod_verb's node, labels, serve and host_network.
add_pod() {
  local name=$1 ns=$prefix-pod-$1 dir n ports addresses
  dir=$(pod_dir "$1")
  [[ $node =~ ^node([0-9]+)$ ]] && n=${BASH_REMATCH[1]} && [ "$n" -ge 1 ] && [ "$n" -le "$nodes" ] ||
    usage_error "pod $name: --node must be one of node1 to node$nodes${node:+, not $node}"
  ports=$(ports_json)
  parse_labels "$labels" >/dev/null
  if [ -f "$dir/node" ]; then
    [ "$(cat "$dir/node")" = "$n" ] || die "pod $name is already on node$(cat "$dir/node")"
  fi
  step "pod $name on node$n" "$dir/log"
  mkdir -p "$dir"
  echo "$n" >"$dir/node"
  if [ "$host_network" = yes ]; then
    namespace_exists "$ns" || share_node_namespace "$n" "$ns"
    addresses=$(by_family "$(wire4 "$n")" "$(wire6 "$n")" | lines_to_json)
  else
    [ -s "$dir/cni-result" ] || attach_pod "$name" "$n"
    addresses=$(jq '[.ips[].address | sub("/.*"; "")]' "$dir/cni-result")
  fi
  echo "$ports" >"$dir/ports"
  start_server "$name" "$n"
  register_pod "$name" "$n" "$ports" "$addresses"
}

# "8080", "8080/udp", "http=8080/tcp" -> [{name, port, protocol}]; without a protocol both TCP and UDP.
ports_json() {
  local word name rest port protocol both
  for word in "${serve[@]}"; do
    [[ $word =~ ^(([a-z0-9-]{1,15})=)?([0-9]{1,5})(/(tcp|udp))?$ ]] ||
      usage_error "--serve $word: expected PORT, PORT/tcp, PORT/udp, or NAME= before it"
    name=${BASH_REMATCH[2]} port=$((10#${BASH_REMATCH[3]})) protocol=${BASH_REMATCH[5]}
    [ "$port" -ge 1 ] && [ "$port" -le 65535 ] || usage_error "--serve $word: the port is not within 1 to 65535"
    for rest in tcp udp; do
      [ -z "$protocol" ] || [ "$protocol" = "$rest" ] || continue
      # Two ports of one pod cannot share a name.
      both=$name
      [ -z "$name" ] || [ -n "$protocol" ] || [ "$rest" = tcp ] || both=$name-udp
      jq -nc --arg name "$both" --argjson port "$port" --arg protocol "${rest^^}" \
        '{containerPort: $port, protocol: $protocol} + if $name == "" then {} else {name: $name} end'
    done
  done | jq -s .
}

# k=v,k=v -> a JSON object
parse_labels() {
  local word object='{}'
  for word in ${1//,/ }; do
    [[ $word == *=* ]] || usage_error "--labels $word: expected KEY=VALUE"
    object=$(jq -c --arg key "${word%%=*}" --arg value "${word#*=}" '.[$key] = $value' <<<"$object")
  done
  echo "$object"
}

# The namespace's own name for a pod that has none of its own: what runs there runs on the node.
share_node_namespace() {
  touch "/run/netns/$2"
  mount --bind "/run/netns/$prefix-node$1" "/run/netns/$2"
}

## The CNI plugin, as a runtime calls it: in the node's namespace, with the configuration that the node's agent has written.

# cni ADD|DEL POD NODE_NUMBER
cni() {
  jq '{cniVersion, name} + .plugins[0]' "$lab/node$3/cni/05-fairlead.conflist" >"$(pod_dir "$2")/cni-config"
  CNI_COMMAND=$1 CNI_CONTAINERID=lab-$2 CNI_NETNS=/run/netns/$prefix-pod-$2 CNI_IFNAME=eth0 CNI_PATH=$bin \
    CNI_ARGS="K8S_POD_NAMESPACE=default;K8S_POD_NAME=$2;K8S_POD_UID=lab-$2" \
    inside "$prefix-node$3" "$bin/fairlead-cni" <"$(pod_dir "$2")/cni-config"
}
attach_pod() {
  local name=$1 n=$2 dir
  dir=$(pod_dir "$name")
  ensure_namespace "$prefix-pod-$name"
  quiet_ipv6 "$prefix-pod-$name"
  if ! cni ADD "$name" "$n" >"$dir/cni-result.new"; then
    cp "$dir/cni-result.new" "$dir/log"
    cni DEL "$name" "$n" >/dev/null 2>&1 || true
    die "pod $name: the CNI plugin refused: $(jq -r '.msg + " " + (.details // "")' "$dir/cni-result.new")"
  fi
  mv "$dir/cni-result.new" "$dir/cni-result"
}

## The server and the object

start_server() {
  local name=$1 n=$2 dir ns=$prefix-pod-$1 options=() port protocol
  dir=$(pod_dir "$name")
  while read -r protocol port; do options+=("--${protocol,,}" "$port"); done < <(jq -r '.[] | "\(.protocol) \(.containerPort)"' "$dir/ports")
  [ ${#options[@]} -gt 0 ] || return 0
  if is_running "$dir/pid" "$ns"; then
    [ "${options[*]}" = "$(cat "$dir/serves")" ] && return
    end_process "$dir/pid" "$ns" KILL
  fi
  echo "${options[*]}" >"$dir/serves"
  start_process "$dir/pid" "$dir/log" "$ns" "$(ensure_cgroup "node$n/pods/$name")" "$(tool)" echo --name "$name" "${options[@]}"
  wait_for 10 server_listens_or_gone "$name"
  is_running "$dir/pid" "$ns" || die "pod $name: its server ended"
}
server_listens_or_gone() {
  local name=$1 dir ns=$prefix-pod-$1 port protocol
  dir=$(pod_dir "$name")
  is_gone "$dir/pid" "$ns" && return
  while read -r protocol port; do
    [ -n "$(ss -N "$ns" -Hl --"${protocol,,}" "sport = :$port")" ] || return 1
  done < <(jq -r '.[] | "\(.protocol) \(.containerPort)"' "$dir/ports")
}

register_pod() {
  local name=$1 n=$2 ports=$3 addresses=$4 object status
  object=$(jq -n --arg name "$name" --arg node "node$n" --argjson labels "$(parse_labels "$labels")" --argjson ports "$ports" \
    --argjson host "$([ "$host_network" = yes ] && echo true || echo false)" '
    {apiVersion: "v1", kind: "Pod", metadata: {name: $name, namespace: "default", labels: $labels},
     spec: {nodeName: $node, hostNetwork: $host, containers: [{name: "main", image: "lab/echo", ports: $ports}]}}')
  status=$(jq -n --argjson addresses "$addresses" --arg host "$(by_family "$(wire4 "$n")" "$(wire6 "$n")" | head -n 1)" '
    {status: {phase: "Running", podIP: $addresses[0], podIPs: [$addresses[] | {ip: .}], hostIP: $host,
      startTime: (now | todate),
      conditions: [("Initialized", "PodScheduled", "ContainersReady", "Ready") |
        {type: ., status: "True", lastTransitionTime: (now | todate)}],
      containerStatuses: [{name: "main", image: "lab/echo", imageID: "", ready: true, started: true, restartCount: 0,
        state: {running: {startedAt: (now | todate)}}}]}}')
  if exists_in_api "$(pod_path "$name")"; then
    api PATCH "$(pod_path "$name")" "$(jq '{metadata: {labels: .metadata.labels}}' <<<"$object")" application/merge-patch+json >/dev/null
  else
    api POST "$(pod_path)" "$object" >/dev/null
  fi
  api PATCH "$(pod_path "$name")/status" "$status" application/merge-patch+json >/dev/null
}

# The Pod object goes first; its server serves on until the nodes have stopped sending clients (fairlead-lab echo).
delete_pod() {
  local name=$1 ns=$prefix-pod-$1 dir n
  dir=$(pod_dir "$name")
  [ -d "$dir" ] || namespace_exists "$ns" || { say "pod $name: there is none"; return; }
  step "deleting pod $name" "$dir/log"
  ! exists_in_api "$(pod_path "$name")" ||
    api DELETE "$(pod_path "$name")" '{"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}' >/dev/null
  end_process "$dir/pid" "$ns" TERM 10 || end_process "$dir/pid" "$ns" KILL
  n=$(cat "$dir/node" 2>/dev/null) || n=
  if [ -f "$dir/cni-result" ]; then
    cni DEL "$name" "$n" >"$dir/log" || die "pod $name: the CNI plugin could not detach it: $(jq -r .msg "$dir/log")"
  fi
  ! namespace_exists "$ns" || ip netns del "$ns"
  ! cgroup_root >/dev/null || rmdir "$(cgroup_root)/node$n/pods/$name" 2>/dev/null || true
  rm -rf "$dir"
}
