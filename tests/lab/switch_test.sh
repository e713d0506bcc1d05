#!/usr/bin/env bash
# Another datapath on a live node, and back: 1,000 TCP flows, UDP flows and new connections go on all the while, and every byte of
# them is checked. And what the agent leaves when it is told to clean up: nothing of ours, everything of others.
source "$(dirname "$(readlink -f "$0")")/fixture.sh"
source tests/lab/traffic.sh
FAIRLEAD_LAB_DATAPATH=nftables with_lab --family ipv4
lab pod client-2 --node node2

web=$(cluster_ip web)
bpffs=/run/fairlead-lab/$FAIRLEAD_LAB_PREFIX/node1/bpf
pins=$bpffs/fairlead

require_ebpf() { "$FAIRLEAD_BIN/fairlead" version | grep -q '^datapaths .*ebpf' || skip "this build has no eBPF datapath"; }
switch_to() {
  lab agent node1 restart --datapath "$1"
  lab agent node2 restart --datapath "$1"
}
# New connections, from everywhere, reach both pods.
is_served() {
  backends_are client "$web:80" web-1,web-2 && backends_are client-2 "$web:80" web-1,web-2 &&
    backends_are node1 "$web:80" web-1,web-2 && backends_are ext 198.18.0.1:30080 web-1,web-2 &&
    backends_are ext 198.18.0.2:30080 web-1,web-2 && backends_are client "$web:53" web-1,web-2 --udp &&
    backends_are ext 198.18.0.1:30053 web-1,web-2 --udp
}
config_of() { echo "$FAIRLEAD_LAB_DIR/$1/agent.yaml"; }

test_nftables_to_ebpf_and_back_loses_and_moves_nothing() {
  require_ebpf
  local datapath
  begin_traffic "$web"
  every_flow_goes_on
  for datapath in ebpf nftables ebpf nftables; do
    switch_to "$datapath"
    eventually 30 is_served
    every_flow_goes_on
  done
  end_traffic
  expect_nothing_lost
  # With the last flow goes the last of the datapath that is no longer in use.
  lab agent node1 restart
  # UDP flows last for two minutes after their last packet, and once a minute it is looked whether any is left.
  eventually 250 nothing_is_pinned
}
nothing_is_pinned() { [ -z "$(find "$pins" -type f 2>/dev/null)" ]; }

# "KIND ID" of all that is pinned below our directory, and of all that hangs on node1's links and cgroups.
our_objects() {
  local pin kind
  while read -r pin; do
    for kind in prog map link; do
      # Of each pin two of the three say that it is none of theirs.
      { bpftool -j "$kind" show pinned "$pin" 2>/dev/null || true; } |
        jq -r --arg kind "$kind" 'select(.id) | "\($kind) \(.id)", (.map_ids[]? | "map \(.)")'
    done
  done < <(find "$pins" -type f)
  attached_programs | awk '/fairlead/ { print "prog", $1 }'
}
# "ID NAME" of the programs on node1's links (tc, tcx, XDP) and in its cgroups.
attached_programs() {
  inside node1 bpftool -j net show 2>/dev/null | jq -r '.. | objects | select(.prog_id? or .id?) | "\(.prog_id // .id) \(.name // "-")"'
  bpftool -j cgroup tree "$(cgroup_of_node1)" 2>/dev/null | jq -r '.. | objects | select(.id? and .name?) | "\(.id) \(.name)"'
}
cgroup_of_node1() { sed -n 's/^cgroup: //p' "$(config_of node1)"; }
is_gone_from_the_kernel() { ! bpftool "$1" show id "$2" >/dev/null 2>&1; }

test_cleanup_leaves_nothing_of_ours_and_everything_of_others() {
  require_ebpf
  local link id kind before=$scratch/ours
  attach_foreign_programs
  switch_to ebpf
  eventually 30 is_served
  our_objects | sort -u >"$before"
  for kind in prog map link; do
    grep -q "^$kind " "$before" || fail "no $kind of ours was found before: $(sort "$before" | uniq -c)"
  done
  lab agent node1 stop
  inside node1 "$FAIRLEAD_BIN/fairlead" agent --config "$(config_of node1)" --cleanup
  while read -r kind id; do
    eventually 10 is_gone_from_the_kernel "$kind" "$id"
  done <"$before"
  expect_eq "$(attached_programs | grep fairlead || true)" ''
  [ ! -e "$pins" ] || fail "$pins is left: $(find "$pins")"
  expect_eq "$(inside node1 nft list tables | grep fairlead || true)" ''
  expect_eq "$(inside node1 ip -br link | grep '^fl' || true)" ''
  expect_eq "$(inside node1 ip route show proto 201)" ''
  for link in $(inside node1 ip -o link | sed 's/^[0-9]*: //; s/[:@].*//'); do
    expect_eq "$(inside node1 tc filter show dev "$link" ingress | grep fairlead || true)" '' "$link"
  done
  expect_foreign_programs_run
  lab agent node1 start
  # Its pods have lost their links with all else that was ours.
  lab pod web-1 --delete
  lab pod client --delete
  lab pod web-1 --node node1 --labels app=web --serve http=8080/tcp --serve dns=8080/udp
  lab pod client --node node1 --labels app=client
  eventually 30 is_served
  expect_foreign_programs_run
}
attach_foreign_programs() {
  local object=$scratch/foreign.o
  clang-19 -target bpf -O2 -g -I/usr/include/x86_64-linux-gnu -c tests/lab/foreign.bpf.c -o "$object"
  bpftool prog loadall "$object" "$bpffs/foreign"
  inside node1 tc qdisc add dev eth0 clsact
  inside node1 tc filter add dev eth0 ingress pref 40 bpf direct-action object-pinned "$bpffs/foreign/foreign_tc"
  inside node1 ip link set dev eth0 xdpgeneric pinned "$bpffs/foreign/foreign_xdp"
  bpftool cgroup attach "$(cgroup_of_node1)" cgroup_inet4_connect pinned "$bpffs/foreign/foreign_connect" multi
}
# "PACKETS_BY_TC PACKETS_BY_XDP CONNECTIONS"
foreign_counts() {
  bpftool -j map dump id "$(bpftool -j prog show pinned "$bpffs/foreign/foreign_tc" | jq '.map_ids[0]')" |
    jq -r '[.. | objects | (.packets_by_tc?, .packets_by_xdp?, .connections?) | select(type == "number")] | join(" ")'
}
expect_foreign_programs_run() {
  local before after
  before=$(foreign_counts)
  outcome ext 198.18.0.1:9 >/dev/null # nobody's: a packet that is redirected by us is not seen behind us
  outcome node1 198.18.0.2:30080 >/dev/null # whatever comes of it: a connection that is begun
  after=$(foreign_counts)
  paste <(tr ' ' '\n' <<<"$before") <(tr ' ' '\n' <<<"$after") | awk '$2 <= $1 { exit 1 }' ||
    fail "a neighbour's program no longer runs: $before, then $after"
}

run_tests "$@"
