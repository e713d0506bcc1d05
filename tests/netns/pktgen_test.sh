#!/usr/bin/env bash
# The packet generator: against itself over rings, between network namespaces through a node that forwards, through NodePorts of our
# datapaths, and its search against a policer whose rate is known.
#
#     client 198.18.0.250 --- 198.18.0.1 node 10.244.1.1 --- pod 10.244.1.11
#
# One lcore sends and receives in turn, and the backlog is as long as a trial: then a busy machine delays packets and loses none.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/lib.sh
bin=${FAIRLEAD_BIN:-$PWD/build/release/bin}/bench
if [ ! -x "$bin/pktgen" ]; then
  echo "SKIP pktgen_test: built without libdpdk"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
p=flp-$$
work=$(mktemp -d)
cgroups=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)

inside() { local ns=$1; shift; nsenter --net="/run/netns/$p-$ns" "$@"; }
eal=(--lcores '0@(0-1)' --no-huge --no-shconf --no-pci --no-telemetry -m 192 --log-level=lib.eal:error)
two_lcores=(--lcores '0@(0-1),1@(0-1)' "${eal[@]:2}")
# In front of all else: in a session of its own, as niceness counts within a session (sched(7), autogroup).
generator() {
  # shellcheck disable=SC2016
  setsid --wait timeout 120 bash -c '{ echo -19 >/proc/self/autogroup; } 2>/dev/null; exec nice -n -19 "$@"' - "$bin/pktgen" "${eal[@]}" "$@"
}
# af_packet INTERFACE NUMBER: with room for all that a test sends, as the reader may be late.
af_packet() { echo "net_af_packet$2,iface=$1,framecnt=8192"; }
value() { jq -r ".$1" "$work/$2"; }
packets() { ip -n "$p-$1" -s -j link show dev "$2" | jq ".[0].stats64.$3.packets"; }

cleanup() {
  [ ! -f "$work/sink.pid" ] || kill -KILL "$(cat "$work/sink.pid")" 2>/dev/null
  for ns in client node pod; do ip netns del "$p-$ns" 2>/dev/null; done
  mountpoint -q "$work/bpffs" && umount "$work/bpffs"
  [ ! -d "$cgroups/$p" ] || rmdir "$cgroups/$p"
  rm -rf "$work"
}
trap cleanup EXIT

make_world() {
  local ns
  for ns in client node pod; do
    ip netns add "$p-$ns"
    # What the kernel would say by itself would be among the counted packets.
    inside "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    ip -n "$p-$ns" link set lo up
  done
  inside node sysctl -qw net.ipv4.ip_forward=1
  for ns in client pod; do
    ip -n "$p-node" link add $ns type veth peer name eth0 netns "$p-$ns"
    ip -n "$p-node" link set $ns up
    ip -n "$p-$ns" link set eth0 up
  done
  ip -n "$p-node" address add 198.18.0.1/24 dev client
  ip -n "$p-client" address add 198.18.0.250/24 dev eth0
  ip -n "$p-node" address add 10.244.1.1/32 dev pod
  ip -n "$p-node" route add 10.244.1.11 dev pod
  ip -n "$p-pod" address add 10.244.1.11/32 dev eth0
  ip -n "$p-pod" route add 10.244.1.1 dev eth0
  ip -n "$p-pod" route add default via 10.244.1.1
  # The sink has seen them when they come here; the pod's kernel would answer that nobody listens.
  inside pod nft 'table ip quiet { chain arrivals { type filter hook prerouting priority raw; policy drop; }; }'
}
make_world

to_pod=(--from 198.18.0.250 --gateway 198.18.0.1 --to 10.244.1.11 --port 8080)
to_node_port=(--from 198.18.0.250 --to 198.18.0.1 --port 30080)
both_ends=(--device "$p-client=$(af_packet eth0 0)" --device "$p-pod=$(af_packet eth0 1)" --tx net_af_packet0 --rx net_af_packet1)

test_a_ring_gives_back_all_that_is_sent() {
  local shape to
  for shape in udp tcp-syn tcp-data; do
    for to in 10.0.0.2 2001:db8::2; do
      generator --vdev net_ring0 -- offer --tx net_ring0 --rx net_ring0 --from "${to%2}1" --to "$to" --port 9 --destination-mac 02:00:00:00:00:02 \
        --shape "$shape" --flows 3000 --from-ports 1000-1999 --size imix --rate 20k --seconds 0.5 --settle 0.2 --backlog 5000 --json "$work/ring"
      expect_eq "$(jq -c '[.askedFor, .sent, .givenUp, .received, .lost, .duplicates, .reordered, .damaged, .wrongIpChecksum, .wrongTransportChecksum, .foreign]' \
        "$work/ring")" "[10000,10000,0,10000,0,0,0,0,0,0,0]" "$shape to $to"
    done
  done
}

test_two_lcores_send_and_receive_at_the_same_time() {
  timeout 120 "$bin/pktgen" "${two_lcores[@]}" --vdev net_ring0 -- offer --tx net_ring0 --rx net_ring0 --from 10.0.0.1 --to 10.0.0.2 --port 9 \
    --destination-mac 02:00:00:00:00:02 --flows 100 --rate 100k --seconds 0.5 --settle 0.5 --backlog 20000 --json "$work/two"
  expect_eq "$(jq -c '[.askedFor, .sent, .received, .lost, .duplicates, .reordered, .damaged]' "$work/two")" "[50000,50000,50000,0,0,0,0]"
}

test_what_a_null_device_takes_is_lost_and_what_it_invents_is_foreign() {
  local send=(--tx net_null0 --rx net_null0 --from 10.0.0.1 --to 10.0.0.2 --port 9 --destination-mac 02:00:00:00:00:02 --rate 10k --seconds 0.2
    --settle 0.1 --backlog 5000 --json "$work/null")
  generator --vdev net_null0,no-rx=1 -- offer "${send[@]}"
  expect_eq "$(jq -c '[.sent, .received, .lost, .foreign]' "$work/null")" "[2000,0,2000,0]"
  generator --vdev net_null0,copy=1 -- offer "${send[@]}"
  expect_eq "$(jq -c '[.sent, .received, .lost, .foreign > 0]' "$work/null")" "[2000,0,2000,true]"
}

test_a_rate_that_is_not_reached_is_said() {
  # A ring of 1,024 that nobody reads takes no more.
  generator --vdev net_ring0 --vdev net_null0,no-rx=1 -- offer --tx net_ring0 --rx net_null0 --from 10.0.0.1 --to 10.0.0.2 --port 9 \
    --destination-mac 02:00:00:00:00:02 --rate 20k --seconds 0.2 --settle 0 --json "$work/slow" >"$work/slow.text"
  expect_eq "$(jq -c '[.askedFor, .sent + .givenUp, .sent < 1024, .givenUp > 2900]' "$work/slow")" "[4000,4000,true,true]"
  expect_match "$(cat "$work/slow.text")" 'not sent [0-9]+: the generator did not reach the rate'
}

test_bad_input_is_refused_by_name() {
  local said
  said=$(generator --vdev net_ring0 -- offer --tx net_ring7 --from 10.0.0.1 --to 10.0.0.2 --port 9 --rate 1k --seconds 1 2>&1) && fail "accepts a port that is not there"
  expect_match "$said" "port 'net_ring7': there is none; there are: 0 \(net_ring0\)"
  said=$(generator --vdev net_ring0 -- offer --tx net_ring0 --from 10.0.0.1 --to ::1 --port 9 --rate 1k --seconds 1 2>&1) && fail "accepts two families"
  expect_match "$said" 'source 10.0.0.1 and destination ::1 are of different families'
  said=$(generator --vdev net_ring0 -- offer --tx net_ring0 --from 10.0.0.1 --to 10.0.0.2 --port 9 --rate 1k --size 63 --seconds 1 2>&1) && fail "accepts a runt"
  expect_match "$said" 'frame size 63: not within 64'
  said=$(generator --device nowhere=net_ring0 -- 2>&1) && fail "accepts no command"
  said=$(generator -- sink --device nowhere-$$=net_ring0 --rx net_ring0 2>&1) && fail "accepts a namespace that is not there"
  expect_match "$said" "open network namespace /run/netns/nowhere-$$: No such file or directory"
}

test_two_processes_in_two_namespaces_agree_with_the_interfaces() {
  local sink before_in before_out
  # Not a function, which in the background would be a subshell between us and the process.
  nsenter --net="/run/netns/$p-pod" "$bin/pktgen" "${eal[@]}" --vdev "$(af_packet eth0 0)" \
    -- sink --rx net_af_packet0 --run 77 --flows 10 --seconds 60 --json "$work/sink" >"$work/sink.text" 2>&1 &
  sink=$!
  echo $sink >"$work/sink.pid"
  eventually 20 grep -q ready "$work/sink.text" || { cat "$work/sink.text"; fail "no sink"; }
  before_in=$(packets node client rx) before_out=$(packets node pod tx)
  inside client "$bin/pktgen" "${eal[@]}" --vdev "$(af_packet eth0 0)" \
    -- offer --tx net_af_packet0 "${to_pod[@]}" --run 77 --flows 10 --rate 2k --seconds 1 --backlog 5000 --json "$work/offer"
  # Another run's, which the sink must not take for its own.
  inside client "$bin/pktgen" "${eal[@]}" --vdev "$(af_packet eth0 0)" \
    -- offer --tx net_af_packet0 "${to_pod[@]}" --run 78 --rate 1k --seconds 0.1 --backlog 5000 >/dev/null
  eventually 5 out_since "$before_out" 2100
  kill -TERM $sink
  wait $sink || fail "the sink ended with $?"
  rm "$work/sink.pid"
  expect_eq "$(value sent offer)" 2000
  expect_eq "$(jq -c '[.received, .lost, .duplicates, .damaged, .wrongIpChecksum, .wrongTransportChecksum, .foreignRun]' "$work/sink")" "[2000,0,0,0,0,0,100]"
  # ARP is among what the interfaces have counted.
  local came=$(($(packets node client rx) - before_in)) went=$(($(packets node pod tx) - before_out))
  [ "$came" -ge 2100 ] && [ "$came" -le 2110 ] || fail "the node's interface has received $came"
  [ "$went" -ge 2100 ] && [ "$went" -le 2110 ] || fail "the node's interface has sent $went"
}
out_since() { [ $(($(packets node pod tx) - $1)) -ge "$2" ]; }

test_af_xdp_takes_the_packets_before_the_kernel_and_answers_for_the_pod() {
  local status=0 said
  said=$(generator -- offer --device "$p-client=net_af_xdp0,iface=eth0" --device "$p-pod=net_af_xdp1,iface=eth0" --tx net_af_xdp0 --rx net_af_xdp1 \
    "${to_pod[@]}" --answer 10.244.1.11 --rate 2k --seconds 1 --settle 0.5 --backlog 5000 --json "$work/xdp" 2>&1) || status=$?
  # A kernel without CONFIG_XDP_SOCKETS, or a veth that has no native XDP.
  [ $status = 0 ] || skip "net_af_xdp does not start here: $(tail -n 1 <<<"$said")"
  # The pod's kernel sees no ARP either: had the port not answered, the node would have sent nothing.
  expect_eq "$(jq -c '[.sent, .received, .lost, .damaged, .wrongIpChecksum, .wrongTransportChecksum]' "$work/xdp")" "[2000,2000,0,0,0,0]"
}

no_address_is_tentative() { [ -z "$(ip -n "$p-$1" -6 address show tentative)" ]; }

test_ipv6_asks_and_answers_by_neighbour_discovery() {
  local ns status=0 said
  for ns in client node pod; do inside $ns sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0; done
  inside node sysctl -qw net.ipv6.conf.all.forwarding=1
  ip -n "$p-node" address add 2001:db8:1::1/64 dev client nodad
  ip -n "$p-node" address add 2001:db8:2::1/64 dev pod nodad
  # Until then the node has no address to ask from.
  eventually 20 no_address_is_tentative node
  # Behind af_xdp no kernel has these addresses: that of the client, and that of the pod.
  said=$(generator -- offer --device "$p-client=net_af_xdp0,iface=eth0" --device "$p-pod=net_af_xdp1,iface=eth0" --tx net_af_xdp0 --rx net_af_xdp1 \
    --from 2001:db8:1::250 --gateway 2001:db8:1::1 --to 2001:db8:2::11 --port 8080 --answer 2001:db8:2::11 --size 84 \
    --rate 2k --seconds 1 --settle 0.5 --backlog 5000 --json "$work/six" 2>&1) || status=$?
  for ns in client node pod; do inside $ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1; done
  [ $status = 0 ] || [[ $said == *"who has"* ]] || skip "net_af_xdp does not start here: $(tail -n 1 <<<"$said")"
  expect_eq "$status" 0 "$said"
  expect_eq "$(jq -c '[.sent, .received, .lost, .damaged, .wrongTransportChecksum]' "$work/six")" "[2000,2000,0,0,0]"
}

# offer_to_node_port SHAPE: through NAT, on which nothing may be lost or changed but addresses and ports.
offer_to_node_port() {
  local before
  before=$(packets node client rx)
  generator -- offer "${both_ends[@]}" "${to_node_port[@]}" --shape "$1" --flows 50 --size 128 --rate 2k --seconds 1 --settle 0.5 --backlog 5000 --json "$work/nat"
  expect_eq "$(jq -c '[.sent, .received, .lost, .duplicates, .damaged, .wrongIpChecksum, .wrongTransportChecksum]' "$work/nat")" "[2000,2000,0,0,0,0,0]" "$1"
  local came=$(($(packets node client rx) - before))
  [ "$came" -ge 2000 ] && [ "$came" -le 2010 ] || fail "the node's interface has received $came"
}

test_node_ports_of_nftables_lose_and_damage_nothing() {
  inside node "$bin/install" nftables --udp --node 198.18.0.1 --backend 10.244.1.11
  offer_to_node_port udp
  inside node "$bin/install" nftables --cleanup
}

test_node_ports_of_ebpf_lose_and_damage_nothing() {
  [ -n "$cgroups" ] || skip "no cgroup2 is mounted"
  mkdir "$cgroups/$p" "$work/bpffs"
  mount -t bpf bpf "$work/bpffs"
  local where=(--pins "$work/bpffs/pins" --cgroup "$cgroups/$p")
  inside node "$bin/install" ebpf --udp --node 198.18.0.1 --backend 10.244.1.11 "${where[@]}"
  offer_to_node_port udp
  inside node "$bin/install" ebpf --cleanup "${where[@]}"
}

# The token bucket lets RATE a second through, and what it has saved up, once a trial: so the answer is known.
test_the_search_finds_the_rate_of_a_policer() {
  local rate=2000 saved=200 resolution=100 seconds=1 found dropped
  inside node nft "table ip police { chain forward { type filter hook forward priority 0; limit rate over $rate/second burst $saved packets counter drop; }; }"
  # What a late sender makes up for (100 ms) fits into the bucket. A loss has to show twice.
  generator -- search "${both_ends[@]}" "${to_pod[@]}" --highest 6k --resolution $resolution --seconds $seconds --settle 0.2 --backlog 100 \
    --sending-tolerance 0.05 --tries 2 --way policed --json "$work/search" | tee "$work/search.text"
  dropped=$(inside node nft -j list table ip police | jq '.nftables[] | .rule.expr // [] | .[] | .counter.packets // empty')
  inside node nft delete table ip police
  found=$(jq '.series[0].samples[0] | round' "$work/search")
  [ "$found" -ge $((rate - 2 * resolution)) ] && [ "$found" -le $((rate + saved / seconds + resolution)) ] || fail "found $found"
  expect_eq "$(awk '$6 ~ "lost" {lost += $5} END {print lost}' "$work/search.text")" "$dropped" "lost, and dropped by the policer"
  # It stands between what was seen to pass and what was seen to fail.
  awk -v found="$found" '
    $NF == "passed" && $3 > best {best = $3}
    $NF == "lost" && (!worst || $2 < worst) {worst = $2}
    END {exit !(best && worst && found >= best - 1 && found <= best + 1 && found < worst && worst - found <= 1.1 * '$resolution')}' "$work/search.text" ||
    fail "$found is not between the trials"
  expect_eq "$(jq -c '[.series[0].subject.part, .series[0].subject.unit, .series[0].way, .notMeasured, (.latencies[0].buckets | length > 0)]' \
    "$work/search")" '["pktgen","packets/s","policed",[],true]'
}

test_a_search_that_only_the_generator_ends_is_a_lower_bound() {
  # The ring gives back all; nobody sends 500 million a second on one core.
  generator --vdev net_ring0 -- search --tx net_ring0 --rx net_ring0 --from 10.0.0.1 --to 10.0.0.2 --port 9 --destination-mac 02:00:00:00:00:02 \
    --highest 500M --resolution 250M --seconds 0.2 --settle 0.1 --burst 256 --json "$work/bound" | tee "$work/bound.text"
  grep -q 'generator or sink too slow' "$work/bound.text" || fail "says nothing of the generator"
  expect_match "$(jq -r '.notMeasured[0].why' "$work/bound")" 'a lower bound'
  [ "$(jq '.series[0].samples[0] > 1000' "$work/bound")" = true ] || fail "nothing passed"
}

run_tests "$@"
