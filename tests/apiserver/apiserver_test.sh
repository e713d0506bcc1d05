#!/usr/bin/env bash
# The client against a real kube-apiserver and etcd (build.sh makes them). Not among the suites that CI runs, because the
# first build takes minutes: ./run test apiserver
. "$(dirname "$(readlink -f "$0")")/fixture.sh"

cleanup() {
  stop_all
  rm -rf "$work"
}

start_watch() {
  : >"$work/seen"
  "$bin/watch-cluster" "$work/kubeconfig" >"$work/seen" 2>&1 &
  echo $! >"$work/watch.pid"
}

sees() { grep -qE -- "$1" "$work/seen"; }
forget_seen() { : >"$work/seen"; }

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

begin
run_tests "$@"
