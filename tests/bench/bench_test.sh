#!/usr/bin/env bash
# `fairlead bench` as its users call it: short runs, which measure little and must be whole; and what is left when one ends,
# however it does.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/lib.sh
fairlead=${FAIRLEAD_BIN:-build/release/bin}/fairlead
work=$(mktemp -d)
cleanup() { rm -rf "$work"; }

[ "$(id -u)" = 0 ] || { echo "SKIP bench_test: it needs root"; echo "0 passed, 0 failed, 1 skipped"; exit; }

# bench WORD…: samples as short as can be; results in $work/b.json, $work/b.html, $work/out, $work/err.
bench() {
  "$fairlead" bench --quick --rounds 3 --seconds 0.02 --services 1,5 --json "$work/b.json" --html "$work/b.html" "$@" \
    >"$work/out" 2>"$work/err"
}
# of JQ-FILTER: of all series.
of() { jq -r "[.series[] | $1] | unique | join(\", \")" "$work/b.json"; }
# What is there of benches that have ended: another one may be running.
left_of_benches() {
  local path pid
  while read -r path; do
    pid=${path##*/fairlead-bench-}
    kill -0 "${pid%%-*}" 2>/dev/null || echo "$path"
  done < <(
    find "$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)" -maxdepth 1 -name 'fairlead-bench-*'
    find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'fairlead-bench-*'
  )
  pgrep -fa "$work/b.json" || true
}
none_runs() { ! pgrep -f "$work/b.json"; }

test_paths_are_measured_by_every_way_that_was_asked_for() {
  bench paths --with direct,'direct again',ebpf,nftables || fail "$(cat "$work/err")"
  expect_eq "$(jq -c .notMeasured "$work/b.json")" '[]'
  expect_eq "$(of .way)" 'direct, direct again, ebpf, nftables'
  expect_eq "$(of .subject.test | tr ',' '\n' | grep -c 'NodePort\|ClusterIP\|LoadBalancer\|hairpin')" 8
  expect_eq "$(of '.samples | length')" 3
  # Every way has every figure.
  expect_eq "$(jq '[.series | group_by(.subject)[] | length] | unique | join(" ")' -r "$work/b.json")" 4
  expect_eq "$(jq '[.series[].samples[] | select(. < 0)] | length' "$work/b.json")" 0
  grep -q 'ClusterIP, same node' "$work/out" || fail "no table"
  grep -q '<svg\|</script>' "$work/b.html" || fail "no page"
  expect_eq "$(left_of_benches)" ''
}

test_programming_is_measured_for_ours_and_peers() {
  bench programming --with ebpf,nftables,'kube-proxy nftables 1.36' || fail "$(cat "$work/err")"
  expect_eq "$(jq -c .notMeasured "$work/b.json")" '[]'
  expect_eq "$(of .way)" 'ebpf, kube-proxy nftables 1.36, nftables'
  expect_match "$(of .subject.traffic)" 'all of them.*one Service changes'
  expect_eq "$(left_of_benches)" ''
}

test_nothing_is_lost_while_endpoints_agent_and_datapath_change() {
  bench disruption --with ebpf,nftables || fail "$(cat "$work/err")"
  expect_eq "$(jq -c .notMeasured "$work/b.json")" '[]'
  expect_eq "$(jq '[.series[] | select(.subject.figure == "failed") | .samples[]] | add' "$work/b.json")" 0
  expect_eq "$(jq '[.series[] | select(.subject.figure == "failed")] | length' "$work/b.json")" 24
  expect_eq "$(jq '[.series[] | select(.subject.figure == "of") | .samples[] | select(. < 100)] | length' "$work/b.json")" 0
  expect_eq "$(left_of_benches)" ''
}

test_agent_and_control_plane_are_measured_as_processes() {
  bench agent controlplane --with ebpf,nftables || fail "$(cat "$work/err")"
  expect_eq "$(jq -c .notMeasured "$work/b.json")" '[]'
  expect_eq "$(of .way)" 'ebpf, fairlead controlplane, nftables'
  expect_match "$(of .subject.figure)" 'until a connection gets through, p50'
  expect_match "$(of .subject.test)" '100 watchers'
  expect_eq "$(left_of_benches)" ''
}

test_cni_plugins_are_measured_where_they_are_installed() {
  bench cni || fail "$(cat "$work/err")"
  expect_match "$(of .way)" 'bridge.*ptp'
  expect_eq "$(of .subject.test)" 'ADD, DEL'
  expect_eq "$(left_of_benches)" ''
}

test_pods_are_measured_beside_a_bare_link() {
  bench pods || fail "$(cat "$work/err")"
  expect_eq "$(jq -c .notMeasured "$work/b.json")" '[]'
  expect_eq "$(of .way)" 'bridge, direct, fairlead, ebpf, fairlead, nftables, ptp'
  expect_eq "$(of .subject.test)" 'one node, two nodes, VXLAN, two nodes, plain routes'
  expect_eq "$(left_of_benches)" ''
}

test_speakers_of_bgp_are_measured_beside_each_other() {
  bench bgp || fail "$(cat "$work/err")"
  expect_eq "$(jq -c .notMeasured "$work/b.json")" '[]'
  expect_eq "$(of .way)" 'BIRD 2, fairlead'
  expect_eq "$(of .subject.test)" '10000 prefixes from one peer to another, 20 internal peers at rest, hold time 9 s, one withdrawal, from peer to peer'
  expect_eq "$(left_of_benches)" ''
}

test_an_interrupted_bench_shows_what_it_has() {
  local pid
  bench programming cni --with ebpf & pid=$!
  eventually 60 grep -q 'cni: ' "$work/err"
  pid=$(pgrep -P "$pid" -f "$fairlead bench")
  # As a terminal sends it: to both.
  # shellcheck disable=SC2046
  kill -INT "$pid" $(pgrep -P "$pid")
  wait
  expect_eq "$(of .subject.part)" programming
  expect_match "$(jq -r '.notMeasured[] | select(.part == "cni") | .why' "$work/b.json")" 'signal 2'
  grep -q 'one Service changes' "$work/out" || fail "no table"
  [ -s "$work/b.html" ] || fail "no page"
  expect_eq "$(left_of_benches)" ''
}

test_a_way_that_there_is_not_is_an_error_with_those_that_there_are() {
  if bench paths --with direct,cilium; then fail "it went on"; fi
  expect_match "$(cat "$work/err")" "--with: there is no way 'cilium': direct, direct again, ebpf"
}

test_what_cannot_be_measured_is_said_and_costs_nothing_else() {
  # Without ip(8), nft and iptables no namespace has a link.
  (PATH=/nonexistent bench paths --with direct,ebpf) && fail "it says that all is well"
  expect_match "$(jq -r '.notMeasured[0].why' "$work/b.json")" 'ip -batch'
  expect_eq "$(left_of_benches)" ''
}

test_nothing_stays_when_it_is_killed() {
  local pid
  bench paths --with direct,ebpf & pid=$!
  eventually 60 grep -q 'ClusterIP, same node' "$work/err"
  pid=$(pgrep -P "$pid" -f "$fairlead bench")
  kill -KILL "$pid"
  wait || true
  # Its children go with it, and what they had of the kernel with them; an empty cgroup waits for the next bench.
  eventually 20 none_runs
  bench cni || fail "$(cat "$work/err")"
  expect_eq "$(left_of_benches | grep -v "^${TMPDIR:-/tmp}")" ''
}

run_tests "$@"
