#!/usr/bin/env bash
# What people do with kubectl, done by the real kubectl of each version that is installed, against the real control plane.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/lib.sh
source tests/controlplane/cluster.sh

# kubectl may be a dispatcher beside the versions that it chooses from.
kubectl_of() {
  local version=$1 beside
  beside=$(dirname "$(readlink -f "$(command -v kubectl)")")/kubectl.$version
  if [ -x "$beside" ]; then
    echo "$beside"
  elif kubectl version --client -o json 2>/dev/null | grep -q "\"gitVersion\": \"v$version\."; then
    command -v kubectl
  fi
}

# with VERSION: sets `kubectl` to it, working in a namespace of its own; skips the test where it is not installed.
with() {
  local version=$1
  binary=$(kubectl_of "$version")
  [ -n "$binary" ] || skip "kubectl $version is not installed"
  ns=test-${version//./-}-$RANDOM
  k create namespace "$ns"
}
k() { "$binary" --cache-dir "$work/cache-$(basename "$binary")" "$@"; }
kn() { k -n "$ns" "$@"; }

# expect_refused TEXT COMMAND…: the command fails and says so.
expect_refused() {
  local text=$1 output
  shift
  if output=$("$@" 2>&1); then fail "succeeded: $*"; fi
  [[ $output == *"$text"* ]] || fail "expected '$text' of '$*', got '$output'"
}

service() {
  cat <<EOT
apiVersion: v1
kind: Service
metadata: {name: ${1:-web}, labels: {app: ${1:-web}}}
spec:
  selector: {app: ${1:-web}}
  ports:
  - {name: http, port: ${2:-80}, targetPort: 8080}
EOT
}
# A pod as its node would report it: running, ready, with an address.
pod() {
  cat <<EOT
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "$1", "namespace": "$ns", "labels": {"app": "${3:-web}"}},
 "spec": {"nodeName": "node1", "containers": [{"name": "c", "image": "none", "ports": [{"containerPort": 8080}]}]}}
EOT
}
make_pod() {
  pod "$@" | kn create -f - --validate=false
  api PATCH "/api/v1/namespaces/$ns/pods/$1/status" -H 'Content-Type: application/merge-patch+json' -f -d \
    '{"status": {"phase": "Running", "podIP": "'"$2"'", "podIPs": [{"ip": "'"$2"'"}],
      "conditions": [{"type": "Ready", "status": "True"}]}}' >/dev/null
}
endpoints_of() {
  kn get endpointslices -l "kubernetes.io/service-name=$1" -o 'jsonpath={.items[*].endpoints[*].addresses[0]}'
}
endpoints_are() { [ "$(endpoints_of "$1" | tr ' ' '\n' | sort | xargs)" = "$2" ]; }

## The flows

creates_and_gets() {
  service web | kn create -f -
  expect_refused 'services "web" already exists' kn create -f <(service web)
  expect_match "$(kn get svc web)" 'NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE.web +ClusterIP +10\.96\.[0-9.]+ +<none> +80/TCP'
  expect_match "$(kn get svc -o wide)" 'SELECTOR.web .* app=web'
  expect_match "$(kn get svc web -o yaml)" 'clusterIPs:.  - 10\.96\..*internalTrafficPolicy: Cluster.*sessionAffinity: None'
  expect_eq "$(kn get svc web -o 'jsonpath={.spec.ports[0].targetPort}')" 8080
  expect_eq "$(kn get svc -o name)" service/web
  expect_match "$(k get svc -A)" "default +kubernetes +ClusterIP +10\.96\.0\.1 +<none> +443/TCP"
  expect_match "$(k get ns "$ns")" "$ns +Active"
  expect_refused 'services "nothing" not found' kn get svc nothing
  expect_refused "the server doesn't have a resource type" kn get nonsense
}

applies() {
  expect_match "$(service web | kn apply -f -)" 'service/web created'
  expect_match "$(service web | kn apply -f -)" 'service/web unchanged'
  expect_match "$(service web 81 | kn apply -f -)" 'service/web configured'
  expect_eq "$(kn get svc web -o 'jsonpath={.spec.ports[*].port}')" 81
  expect_match "$(kn diff -f <(service web 82) || true)" '\+ +port: 82'
  expect_eq "$(kn get svc web -o 'jsonpath={.spec.ports[*].port}')" 81
  expect_match "$(service web 83 | kn replace -f -)" 'service/web replaced'
}

patches_labels_and_annotates() {
  service web | kn create -f -
  kn patch svc web -p '{"spec": {"ports": [{"port": 443, "name": "https"}]}}'
  expect_eq "$(kn get svc web -o 'jsonpath={.spec.ports[*].port}' | tr ' ' '\n' | sort -n | xargs)" '80 443'
  kn patch svc web --type merge -p '{"spec": {"sessionAffinity": "ClientIP"}}'
  expect_eq "$(kn get svc web -o 'jsonpath={.spec.sessionAffinityConfig.clientIP.timeoutSeconds}')" 10800
  kn patch svc web --type json -p '[{"op": "replace", "path": "/spec/sessionAffinity", "value": "None"}]'
  expect_eq "$(kn get svc web -o 'jsonpath={.spec.sessionAffinity}')" None
  kn label svc web tier=front
  kn annotate svc web note=x
  expect_eq "$(kn get svc -l tier=front,app!=other -o name)" service/web
  expect_eq "$(kn get svc -l 'tier notin (front)' -o name)" ''
  expect_eq "$(kn get svc web -o 'jsonpath={.metadata.annotations.note}')" x
  kn label svc web tier-
  expect_eq "$(kn get svc -l tier -o name)" ''
}

exposes_and_describes() {
  make_pod web-1 10.244.0.5
  kn expose pod web-1 --name web --port 80 --target-port 8080 --type NodePort
  expect_match "$(kn get svc web)" 'NodePort +10\.96\.[0-9.]+ +<none> +80:3[0-9]{4}/TCP'
  eventually 10 endpoints_are web 10.244.0.5
  expect_match "$(kn describe svc web)" 'Name: +web.*Type: +NodePort.*TargetPort: +8080/TCP'
  expect_match "$(kn describe pod web-1)" 'Name: +web-1.*Node: +node1'
  expect_match "$(kn get pods -o wide)" 'web-1 +[01]/1 +Running +0 +[0-9a-z]+ +10\.244\.0\.5 +node1'
  expect_eq "$(kn get pods --field-selector spec.nodeName=node1,status.phase=Running -o name)" pod/web-1
  expect_eq "$(kn get pods --field-selector spec.nodeName=other -o name)" ''
}

derives_endpoint_slices() {
  service web | kn create -f -
  make_pod web-1 10.244.0.5
  make_pod web-2 10.244.0.6
  make_pod other 10.244.0.7 other
  eventually 10 endpoints_are web '10.244.0.5 10.244.0.6'
  kn delete pod web-1
  eventually 10 endpoints_are web 10.244.0.6
  kn label pod other app=web --overwrite
  eventually 10 endpoints_are web '10.244.0.6 10.244.0.7'
  kn delete svc web
  eventually 10 has_no_slices
}
has_no_slices() { [ -z "$(kn get endpointslices -o name)" ]; }

watches() {
  service first | kn create -f -
  kn get svc -w -o name >"$work/watched" 2>&1 &
  local watcher=$!
  eventually 10 grep -q service/first "$work/watched"
  service second | kn create -f -
  eventually 10 grep -q service/second "$work/watched"
  kn delete svc first
  eventually 10 has_watched 'service/first service/second service/first'
  kill "$watcher"
  wait "$watcher" || true
}
has_watched() { [ "$(xargs <"$work/watched")" = "$1" ]; }

deletes() {
  service web | kn create -f -
  expect_match "$(kn delete svc web)" 'service "web" deleted'
  service a | kn create -f -
  service b | kn create -f -
  kn delete svc --all
  expect_eq "$(kn get svc -o name)" ''
  service c | kn create -f -
  kn delete svc -l app=c --wait=false
  expect_refused '"c" not found' kn delete svc c
}

pages() {
  local i
  for i in 1 2 3 4 5; do service "s$i" | kn create -f -; done
  expect_eq "$(kn get svc --chunk-size=2 -o name | wc -l)" 5
}

refuses() {
  expect_refused 'The Service "bad" is invalid: spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive' \
    kn create -f <(service bad 70000) --validate=false
  expect_refused 'unknown field "spec.foo"' kn create -f <(service web | sed 's/^spec:/spec:\n  foo: bar/')
  expect_refused 'not found' kn patch svc nothing -p '{}'
  service web | kn create -f -
  expect_refused 'the object has been modified; please apply your changes to the latest version and try again' \
    kn patch svc web -p '{"metadata": {"resourceVersion": "1"}}'
  expect_refused 'may not change once set' kn patch svc web -p '{"spec": {"clusterIP": "10.96.77.77", "clusterIPs": ["10.96.77.77"]}}'
  expect_refused 'this namespace may not be deleted' k delete namespace default
}

keeps_secrets() {
  kn create secret generic router --from-literal password=s3cret-of-a-router
  expect_match "$(kn get secrets)" 'NAME +TYPE +DATA +AGE.router +Opaque +1'
  expect_eq "$(kn get secret router -o 'jsonpath={.data.password}' | base64 -d)" s3cret-of-a-router
  expect_match "$(kn describe secret router)" 'password: +18 bytes'
  kn apply -f - <<'EOT'
apiVersion: v1
kind: Secret
metadata: {name: applied}
stringData: {password: s3cret-of-another}
EOT
  expect_eq "$(kn get secret applied -o 'jsonpath={.data.password}{.stringData}' | base64 -d)" s3cret-of-another
  kn patch secret applied -p '{"stringData": {"password": "s3cret-again"}}'
  expect_eq "$(kn get secret applied -o 'jsonpath={.data.password}' | base64 -d)" s3cret-again
  expect_eq "$(kn get secrets --field-selector metadata.name=router -o name)" secret/router
  expect_refused 'data[tls.key]: Required value' kn create -f - <<'EOT'
apiVersion: v1
kind: Secret
metadata: {name: half}
type: kubernetes.io/tls
stringData: {tls.crt: s3cret-certificate}
EOT
  kn delete secret router applied
  expect_refused 'secrets "router" not found' kn get secret router
  ! grep s3cret "$work/log" || fail 'a value is in the log'
}

tells_events_and_nodes() {
  cat <<EOT | kn create -f -
{"apiVersion": "v1", "kind": "Event", "metadata": {"name": "web.1"}, "type": "Normal", "reason": "Tested",
 "message": "it was", "involvedObject": {"apiVersion": "v1", "kind": "Service", "name": "web", "namespace": "$ns"},
 "source": {"component": "test"}, "firstTimestamp": "$(date -u +%FT%TZ)", "lastTimestamp": "$(date -u +%FT%TZ)", "count": 1}
EOT
  expect_match "$(kn get events)" 'Normal +Tested +service/web +it was'
  expect_match "$(kn events 2>/dev/null || kn get events)" 'Tested'
  echo "{\"apiVersion\": \"v1\", \"kind\": \"Node\", \"metadata\": {\"name\": \"$ns\"}}" | k create -f -
  expect_match "$(k get node "$ns" -o 'jsonpath={.spec.podCIDR}')" '^10\.244\.[0-9]+\.0/24$'
  expect_match "$(k describe node "$ns")" "Name: +$ns"
  k delete node "$ns"
}

asks() {
  expect_match "$(k version -o json)" 'gitVersion": "v1\.33'
  expect_match "$(k api-resources)" 'services +svc +v1 +true +Service'
  expect_match "$(k api-versions)" 'discovery.k8s.io/v1'
  expect_match "$(k explain service.spec.ports)" 'targetPort'
  expect_eq "$(k auth can-i create services)" yes
  expect_eq "$(k get --raw /readyz)" ok
  kn create service clusterip made --tcp 80:8080
  kn create configmap made --from-literal a=b
}

waits_and_empties_namespaces() {
  service web | kn create -f -
  kn wait svc/web --for 'jsonpath={.spec.type}=ClusterIP' --timeout 10s
  k delete namespace "$ns" --timeout 30s
  expect_refused "namespaces \"$ns\" not found" k get namespace "$ns"
  expect_refused "namespaces \"$ns\" not found" kn create -f <(service web)
}

flows=(creates_and_gets applies patches_labels_and_annotates exposes_and_describes derives_endpoint_slices watches deletes pages
  refuses keeps_secrets tells_events_and_nodes asks waits_and_empties_namespaces)
for version in 1.27 1.28 1.29 1.30 1.31 1.32 1.33; do
  for flow in "${flows[@]}"; do
    eval "test_${version//./_}_$flow() { with $version; $flow; }"
  done
done

start_controlplane
run_tests "$@"
