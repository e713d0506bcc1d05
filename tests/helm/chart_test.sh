#!/usr/bin/env bash
# The chart renders with several sets of values into objects that say what they should; bad values are refused by name.
# The renderer is ours (render/), because Debian has no helm; where helm is installed the two must agree.
# That a DaemonSet is accepted by a real API server cannot be seen here: the built-in control plane does not serve that kind.
# shellcheck source-path=SCRIPTDIR
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/lib.sh
chart=helm/fairlead
work=$(mktemp -d)
cleanup() { rm -rf "$work"; }
renderer=$(tests/helm/render/build.sh) || { rm -rf "$work"; fail "the renderer does not build"; }

render() { "$renderer" "$@" "$chart"; }
object() { jq -e --arg kind "$1" '.[] | select(.kind == $kind)'; }
container() { jq -e '.[] | select(.kind == "DaemonSet") | .spec.template.spec.containers[0]'; }
# Prints every set of values as arguments of the renderer, one set a line; the first is the defaults.
value_sets() {
  echo
  for file in tests/helm/values/*.yaml; do echo "-f $file"; done
}

expect_refused() {
  local field=$1 output
  shift
  if output=$(render "$@" 2>&1); then fail "accepted: $*"; fi
  expect_match "$output" "(^|[^A-Za-z])$field" "refusal of $*"
}

test_every_set_of_values_renders_the_required_kinds() {
  while read -r set; do
    # shellcheck disable=SC2086 # a set is several words
    render $set >"$work/objects.json"
    for kind in DaemonSet ConfigMap; do object $kind <"$work/objects.json" >/dev/null || fail "no $kind with '$set'"; done
    jq -e 'all(.apiVersion and .kind and .metadata.name)' "$work/objects.json" >/dev/null || fail "nameless object with '$set'"
    jq -e '[.[] | [.kind, .metadata.namespace, .metadata.name]] | length == (unique | length)' "$work/objects.json" >/dev/null
  done < <(value_sets)
  expect_eq "$(render | jq -r '[.[].kind] | sort | join(" ")')" \
    "ClusterRole ClusterRoleBinding ConfigMap DaemonSet ServiceAccount"
  expect_eq "$(render -f tests/helm/values/everything-off.yaml | jq -r '[.[].kind] | sort | join(" ")')" "ConfigMap DaemonSet"
}

test_the_notes_name_what_is_missing() {
  expect_match "$(render -notes)" "k8sServiceHost is empty"
  expect_match "$(render -notes)" "clusterCIDRs is empty"
  local complete
  complete=$(render -notes -f tests/helm/values/kubeadm.yaml)
  [[ ! $complete =~ "is empty" ]] || fail "$complete"
}

test_the_roles_are_these_and_no_others() {
  diff -u tests/helm/golden/rbac.json <(render | object ClusterRole | jq -S .rules)
}

test_pods_may_be_written_only_where_containers_are_registered() {
  local more='[{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "create", "delete"]},
    {"apiGroups": [""], "resources": ["pods/status"], "verbs": ["patch"]}]'
  diff -u <(jq -S --argjson more "$more" '. + $more' tests/helm/golden/rbac.json) \
    <(render -f tests/helm/values/standalone.yaml | object ClusterRole | jq -S .rules)
}

test_secrets_are_read_where_they_are_named_and_nowhere_else() {
  local with='.[] | select(.kind == "Role")'
  expect_eq "$(render | jq -c "$with")" ''
  render -f tests/helm/values/bgp.yaml >"$work/bgp.json"
  expect_eq "$(jq -c "$with | [.metadata.name, .metadata.namespace, .rules]" "$work/bgp.json")" \
    '["fairlead-rack","secrets",[{"apiGroups":[""],"resourceNames":["rack"],"resources":["secrets"],"verbs":["get"]}]]'
  expect_eq "$(jq -c '.[] | select(.kind == "RoleBinding") | [.roleRef.name, .metadata.namespace, .subjects[0].name]' "$work/bgp.json")" \
    '["fairlead-rack","secrets","fairlead"]'
  expect_refused bgpPasswordSecrets -set 'bgpPasswordSecrets[0].name=a'
}

test_the_container_may_do_this_and_no_more() {
  diff -u tests/helm/golden/security.json <(render | container | jq -S .securityContext)
  expect_eq "$(render | jq -c '[.. | .privileged? | select(. == true)]')" "[]"
}

test_the_ebpf_datapath_gets_what_it_needs_and_nftables_does_not() {
  local pod='.[] | select(.kind == "DaemonSet") | .spec.template.spec' with
  with=$(render -f tests/helm/values/ebpf.yaml | jq "$pod")
  expect_eq "$(jq -c '[.hostPID, .containers[0].securityContext.capabilities.add]' <<<"$with")" \
    '[true,["NET_ADMIN","SYS_ADMIN","SYS_PTRACE"]]'
  expect_eq "$(jq -c '[.volumes[3:][] | .hostPath.path]' <<<"$with")" '["/sys/fs/bpf","/sys/fs/cgroup/unified"]'
  expect_eq "$(jq -c '[.containers[0].volumeMounts[3:][] | .mountPath]' <<<"$with")" '["/sys/fs/bpf","/run/fairlead-cgroup"]'
  expect_eq "$(render -f tests/helm/values/ebpf.yaml | object ConfigMap | jq -r '.data["agent.yaml"]' | grep ^cgroup:)" \
    'cgroup: /run/fairlead-cgroup'
  expect_eq "$(render | jq -c "$pod | [.hostPID, (.volumes | length)]")" '[null,3]'
  # Taking over from eBPF needs the same.
  expect_eq "$(render -set ebpf.access=always | jq -c "$pod | [.hostPID, (.volumes | length)]")" '[true,5]'
  expect_eq "$(render -set agent.datapath=auto | jq -c "$pod | [.hostPID, (.volumes | length)]")" '[true,5]'
}

test_the_pod_network_gets_what_it_needs_and_nothing_else_does() {
  local pod with=tests/helm/values/pod-network.yaml
  pod=$(render -f $with | object DaemonSet | jq .spec.template.spec)
  expect_eq "$(jq -c '[.containers[0].securityContext | .privileged, .allowPrivilegeEscalation]' <<<"$pod")" '[true,null]'
  expect_eq "$(jq -c '[.initContainers[].name]' <<<"$pod")" '["cni-plugin"]'
  expect_eq "$(jq -c '[.initContainers[0] | .securityContext.privileged, .volumeMounts[0].mountPath]' <<<"$pod")" '[false,"/host/cni-bin"]'
  expect_eq "$(jq -c '[.volumes[] | select(.name | test("cni|netns")) | .hostPath.path]' <<<"$pod")" \
    '["/opt/cni/bin","/etc/cni/net.d","/run/netns"]'
  expect_eq "$(render -f $with -set agent.podNetwork.cniConfDirectory=/etc/cni/x -set podNetwork.cniBinDirectory=/usr/lib/cni |
    jq -c '[.[] | select(.kind == "DaemonSet") | .spec.template.spec.volumes[] | select(.name | test("cni")) | .hostPath.path]')" \
    '["/usr/lib/cni","/etc/cni/x"]'
  expect_eq "$(render -set agent.podNetwork.mode=none | object DaemonSet | jq -c '.spec.template.spec.initContainers')" null
}

test_the_pod_runs_on_every_node_in_the_hosts_network() {
  local pod
  pod=$(render | object DaemonSet | jq .spec.template.spec)
  expect_eq "$(jq -c '[.hostNetwork, .priorityClassName, .tolerations, .dnsPolicy]' <<<"$pod")" \
    '[true,"system-node-critical",[{"operator":"Exists"}],"Default"]'
  expect_eq "$(jq -c '[.volumes[] | .hostPath.path // .configMap.name]' <<<"$pod")" \
    '["fairlead","/run/fairlead","/var/lib/fairlead"]'
  expect_eq "$(render | container | jq -c '.env')" \
    '[{"name":"NODE_NAME","valueFrom":{"fieldRef":{"fieldPath":"spec.nodeName"}}}]'
}

test_every_mount_has_its_volume_and_every_volume_is_mounted() {
  while read -r set; do
    # shellcheck disable=SC2086
    expect_eq "$(render $set | object DaemonSet |
      jq -c '[.spec.template.spec | (.containers[], .initContainers[]?) | .volumeMounts[].name] | sort')" \
      "$(render $set | object DaemonSet | jq -c '[.spec.template.spec.volumes[].name] | sort')" "$set"
  done < <(value_sets)
}

test_the_selector_matches_the_pods_whatever_their_labels() {
  while read -r set; do
    # shellcheck disable=SC2086
    render $set | object DaemonSet |
      jq -e '.spec.template.metadata.labels as $have | .spec.selector.matchLabels | to_entries | all($have[.key] == .value)' \
        >/dev/null || fail "$set"
  done < <(value_sets)
}

test_probes_ask_where_the_agent_answers() {
  expect_eq "$(render | container | jq -c '[.livenessProbe, .readinessProbe | .httpGet]')" \
    '[{"path":"/livez","port":"health"},{"path":"/readyz","port":"health"}]'
  expect_eq "$(render -f tests/helm/values/kubeadm.yaml | container | jq -c '.readinessProbe.httpGet, .ports')" \
    '{"host":"127.0.0.1","path":"/readyz","port":"health"}
[{"containerPort":20256,"name":"health"},{"containerPort":20249,"name":"metrics"}]'
}

test_the_api_servers_own_address_replaces_the_cluster_ip() {
  expect_eq "$(render -f tests/helm/values/kubeadm.yaml | container | jq -c '[.env[1:3][] | .name + "=" + .value]')" \
    '["KUBERNETES_SERVICE_HOST=fd00:198::10","KUBERNETES_SERVICE_PORT=6443"]'
}

test_a_changed_configuration_starts_the_agent_anew() {
  local checksum='.[] | select(.kind == "DaemonSet") | .spec.template.metadata.annotations["checksum/config"]' before
  before=$(render | jq -r "$checksum")
  expect_match "$before" '^[0-9a-f]{64}$'
  expect_eq "$(render -set podLabels.a=b | jq -r "$checksum")" "$before"
  [ "$(render -set agent.masqueradeAll=true | jq -r "$checksum")" != "$before" ] || fail "the checksum did not change"
}

test_the_configuration_is_what_the_values_say() {
  diff -u tests/helm/golden/agent.yaml <(render -f tests/helm/values/kubeadm.yaml | object ConfigMap | jq -r '.data["agent.yaml"]')
}

test_the_agent_accepts_every_rendered_configuration() {
  local fairlead=${FAIRLEAD_BIN:-build/release/bin}/fairlead
  while read -r set; do
    # shellcheck disable=SC2086
    render $set | object ConfigMap | jq -r '.data["agent.yaml"]' >"$work/agent.yaml"
    "$fairlead" agent --config "$work/agent.yaml" --write-config-to "$work/effective.yaml" >/dev/null || fail "refused with '$set'"
  done < <(value_sets)
  echo 'nonsense: 1' >>"$work/agent.yaml"
  if "$fairlead" agent --config "$work/agent.yaml" --write-config-to "$work/effective.yaml" >/dev/null 2>&1; then fail "accepts nonsense"; fi
}

test_bad_values_are_refused_by_name() {
  expect_refused k8sServicePort -set k8sServicePort=70000
  expect_refused k8sServiceHost -set 'k8sServiceHost=https://api:6443'
  expect_refused agent.datapath -set agent.datapath=iptables
  expect_refused agent.clusterCIDRs -set 'agent.clusterCIDRs=[10.0.0.0]'
  expect_refused clusterCIDR -set agent.clusterCIDR=10.0.0.0/8
  expect_refused agent.healthBindAddress -set 'agent.healthBindAddress=":10256"'
  expect_refused agent.logging.level -set agent.logging.level=loud
  expect_refused agent.masqueradeAll -set 'agent.masqueradeAll="yes"'
  expect_refused capabilities -set 'capabilities=[]'
  expect_refused ebpf.access -set ebpf.access=never
  expect_refused ebpf.bpffs -set ebpf.bpffs=sys/fs/bpf
  expect_refused image.digest -set image.digest=sha256:12
  expect_refused updateStrategy.rollingUpdate.maxUnavailable -set updateStrategy.rollingUpdate.maxUnavailable=0
  expect_refused tolerrations -set 'tolerrations=[]'
  expect_refused serviceAccount.name -set serviceAccount.create=false
}

test_the_default_values_are_all_in_the_schema() {
  # Every entry of values.yaml has a property of that name, so no default escapes the schema's check.
  local unknown
  unknown=$(jq -rn --argjson schema "$(cat $chart/values.schema.json)" \
    --argjson values "$("$renderer" -values $chart)" '($values | keys) - ($schema.properties | keys) | join(" ")')
  expect_eq "$unknown" ""
}

test_the_schema_has_every_option_of_the_agent_and_no_other() {
  # nodeName, kubeconfig and server are not the values' business: the pod's node and the in-cluster configuration say them.
  diff -u <(tr '\n' ' ' <agent/options.cpp | grep -oP '\bown<[^>]*>\(\s*"\K[^"]+' | grep -vxE 'nodeName|kubeconfig|server' | sort) \
    <(jq -r 'def options: to_entries[] | .key + (if .value.properties then "." + (.value.properties | options) else "" end);
      .properties.agent.properties | options' $chart/values.schema.json | sort)
}

test_helm_itself_renders_the_same() {
  command -v helm >/dev/null || skip "helm is not installed (Debian has no package of it)"
  while read -r set; do
    # shellcheck disable=SC2086
    diff -u <(render $set | jq -S 'sort_by(.kind, .metadata.name)') \
      <(helm template fairlead $chart --namespace kube-system --kube-version v1.30.0 $set |
        python3 -c 'import json, sys, yaml; json.dump([d for d in yaml.safe_load_all(sys.stdin) if d], sys.stdout)' |
        jq -S 'sort_by(.kind, .metadata.name)') || fail "helm differs with '$set'"
  done < <(value_sets)
}

run_tests "$@"
