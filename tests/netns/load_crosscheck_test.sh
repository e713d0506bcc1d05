#!/usr/bin/env bash
# The load generator (bench/load) says what happened: its figures beside the kernel's counters, which must agree exactly, and beside
# those of iperf3 and sockperf, which must agree roughly (units and sums, not speed). A client's namespace, a server's, one veth.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/lib.sh
load=("${FAIRLEAD_BIN:-$PWD/build/release/bin}/fairlead" bench load)
client=flt-load-$$-c server=flt-load-$$-s
work=$(mktemp -d)
to=192.0.2.2 to6=2001:db8::2 port=7000 server_pid=
iperf_port=7001 sockperf_port=7002
cpu=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')   # one of those that we may use

in_client() { nsenter --net="/run/netns/$client" "$@"; }
in_server() { nsenter --net="/run/netns/$server" "$@"; }
# In the background, where a function would be a subshell between us and the process.
start_in_server() { nsenter --net="/run/netns/$server" "$@" >>"$work/servers.log" 2>&1 & }

cleanup() {
  ip netns del "$client"
  ip netns del "$server"
  rm -rf "$work"
}

listens() { in_server ss -Hltn "sport = :$1" | grep -q .; }
stop_servers() {
  set +e
  for pid in $(jobs -p); do kill -KILL "$pid"; done 2>/dev/null
  wait 2>/dev/null
}

# Each test has a server of its own, which ends with the test's subshell at the latest.
start_server() {
  trap stop_servers EXIT
  start_in_server "${load[@]}" server --port $port "$@"
  server_pid=$!
  eventually 10 listens $port
}

kill_server() {
  kill -KILL "$server_pid"
  wait "$server_pid" 2>/dev/null || true
}

run_client() { in_client "${load[@]}" client "$@" -o json; }
# figure NAME TRAFFIC ...: one member of the result.
result_of() { run_client "$to:$port" --traffic "$@" >"$work/result.json" || fail "client: $*"; }
figure() { jq -r "$1" "$work/result.json"; }
# counter NAMESPACE NAME: of the kernel, since the namespace was made.
counter() { "in_$1" nstat -asz "$2" | awk -v name="$2" '$1 == name {print $2}'; }
# received MEMBER: of the server's interface, bytes or packets.
received() { ip -n "$server" -s -j link show dev e0 | jq ".[0].stats64.rx.$1"; }
nft_count() { in_server nft -j list counter inet t "$1" | jq '.nftables[] | .counter? // empty | .packets'; }
sum() { awk "BEGIN {printf \"%d\", $1}"; }
expect() { awk "BEGIN {exit !($1)}" || fail "not so: $1 ($2)"; }

set_up() {
  local namespace
  for namespace in "$client" "$server"; do
    ip netns add "$namespace"
    ip -n "$namespace" link set lo up
    nsenter --net="/run/netns/$namespace" sysctl -qw net.ipv4.tcp_max_tw_buckets=0 net.ipv4.ip_local_port_range="32768 65535"
  done
  ip -n "$client" link add e0 type veth peer name e0 netns "$server"
  ip -n "$client" address add 192.0.2.1/24 dev e0
  ip -n "$server" address add $to/24 dev e0
  ip -n "$client" address add 2001:db8::1/64 dev e0 nodad
  ip -n "$server" address add $to6/64 dev e0 nodad
  ip -n "$client" link set e0 up
  ip -n "$server" link set e0 up
}

test_every_traffic_goes_over_both_families() {
  local address traffic
  start_server --threads 2
  for address in "$to:$port" "[$to6]:$port"; do
    for traffic in connections reset-connections connects requests stream datagrams udp-requests; do
      run_client "$address" --traffic $traffic --seconds 0.05 >"$work/result.json"
      expect_eq "$(figure '.count > 0 and .failures == 0 and .serverCpuSeconds > 0')" true "$address $traffic"
    done
  done
}

test_connections_are_those_that_the_listener_accepted() {
  local traffic before connections
  start_server --threads 2
  for traffic in connections reset-connections connects; do
    for connections in 1 8; do
      before=$(counter server TcpPassiveOpens)
      result_of $traffic --connections $connections --seconds 0.2
      # One more asks for the server's counts.
      expect_eq "$(sum "$(counter server TcpPassiveOpens) - $before - 1")" "$(figure .count)" "$traffic, $connections at a time"
    done
  done
}

test_requests_are_segments_each_way() {
  local before
  start_server
  before=$(counter server TcpInSegs)
  result_of requests --seconds 0.2
  # The answer acknowledges the request, and the next request the answer; what else there is, is handshake, control and goodbye.
  before=$(sum "$(counter server TcpInSegs) - $before - $(figure .count)")
  expect "$before >= 0 && $before <= 50" "segments that were no request"
}

test_bytes_of_a_stream_are_those_that_the_interface_counted() {
  local bytes packets again connections
  start_server
  for connections in 1 4; do
    bytes=$(received bytes) packets=$(received packets) again=$(counter client TcpRetransSegs)
    result_of stream --connections $connections --seconds 0.3
    again=$(sum "$(counter client TcpRetransSegs) - $again")
    # Ethernet, IPv4 and TCP with timestamps are 66 bytes of a packet; handshakes and the control connection have some more.
    bytes=$(sum "$(received bytes) - $bytes - 66 * ($(received packets) - $packets) - $(figure .bytes)")
    # What was sent twice was counted twice: up to 64 KiB a segment, as the sender offloads.
    expect "$bytes > -4000 && $bytes < 4000 + 65536 * $again" "bytes too many, $connections connections, $again segments sent again"
  done
}

test_datagrams_that_arrived_are_those_that_the_kernel_counted() {
  local sent received options
  start_server
  for options in "--rate 5000" "--rate 20000 --connections 4 --threads 2" "--bytes 1400"; do
    sent=$(counter client UdpOutDatagrams) received=$(counter server UdpInDatagrams)
    # shellcheck disable=SC2086
    result_of datagrams --seconds 0.3 $options
    expect_eq "$(sum "$(counter client UdpOutDatagrams) - $sent")" "$(figure .count)" "sent, $options"
    expect_eq "$(sum "$(counter server UdpInDatagrams) - $received")" "$(figure '.count - .lost')" "arrived, $options"
  done
}

test_datagrams_that_are_dropped_are_lost() {
  start_server
  in_server nft -f - <<'EOF'
table inet t {
  counter dropped {}
  chain in { type filter hook input priority 0; meta l4proto udp numgen inc mod 7 0 counter name dropped drop; }
}
EOF
  result_of datagrams --rate 20000 --seconds 0.3 --bytes 100
  expect_eq "$(figure .lost)" "$(nft_count dropped)"
  expect_eq "$(figure '.bytes == (.count - .lost) * 100')" true
  expect "$(figure .lost) > 0" "one of seven is dropped"
  in_server nft delete table inet t
}

test_where_nobody_listens_is_an_error() {
  local output
  output=$(run_client "$to:$port" 2>&1) && fail "no error"
  expect_eq "$output" "fairlead: connect to $to:$port: Connection refused"
}

test_a_server_that_refuses_the_load_is_an_error() {
  local output traffic
  start_server
  for traffic in connections requests; do
    output=$(run_client "$to:9" --control "$to:$port" --traffic $traffic --seconds 0.1 2>&1) && fail "no error of $traffic"
    expect_match "$output" "connect to $to:9: Connection refused" "$traffic"
  done
}

received_packets_are() { [ "$(received packets)" -gt "$1" ]; }

# In the background: the client's result is in result.json, its pid in $client_pid.
start_client() {
  local before
  before=$(received packets)
  nsenter --net="/run/netns/$client" "${load[@]}" client "$to:$port" -o json "$@" >"$work/result.json" 2>"$work/client.err" &
  client_pid=$!
  eventually 10 received_packets_are $((before + 100))
}

test_a_server_that_is_killed_meanwhile_is_failures() {
  local options
  for options in "requests --connections 1" "requests --connections 8" "connections" "connections --connections 8"; do
    start_server
    # shellcheck disable=SC2086
    start_client --seconds 3 --traffic $options
    kill_server
    wait "$client_pid" || fail "$options: $(cat "$work/client.err")"
    expect_eq "$(figure '.count > 0 and .failures > 0')" true "$options"
    expect_eq "$(figure '.serverCpuSeconds')" null "nobody says it any more"
  done
}

test_what_arrived_at_a_server_that_is_killed_is_not_known() {
  local traffic
  for traffic in stream datagrams; do
    start_server
    start_client --seconds 3 --traffic $traffic
    kill_server
    if wait "$client_pid"; then fail "$traffic: no error"; fi
    expect_match "$(cat "$work/client.err")" "^fairlead: what arrived is not known: ask the server at $to:$port" "$traffic"
  done
}

test_a_server_that_falls_silent_is_failures_after_five_seconds() {
  local options
  for options in "requests --connections 3" "udp-requests"; do
    start_server
    # shellcheck disable=SC2086
    start_client --seconds 1 --traffic $options
    kill -STOP "$server_pid"
    eventually 30 client_only_asks
    kill -CONT "$server_pid"
    wait "$client_pid" || fail "$options: $(cat "$work/client.err")"
    expect_eq "$(figure '.failures')" "$([[ $options == *3 ]] && echo 3 || echo 1)" "$options"
    kill -TERM "$server_pid"
    wait "$server_pid"
  done
}
# It has given up its connections, and asks over the last one what the server saw.
client_only_asks() { [ "$(in_client ss -Htun state established "dport = :$port" | wc -l)" = 1 ]; }

test_a_server_stops_when_it_is_told_to_while_a_client_is_there() {
  local options status
  for options in "requests" "stream" "requests --connections 4"; do
    start_server --threads 2
    # shellcheck disable=SC2086
    start_client --seconds 1 --traffic $options
    kill -TERM "$server_pid"
    status=0
    wait "$server_pid" || status=$?
    expect_eq $status 0 "$options: the server's exit status"
    wait "$client_pid" || true
  done
}

test_a_client_without_free_ports_says_so() {
  local output connections
  start_server
  in_client sysctl -qw net.ipv4.tcp_max_tw_buckets=100000 net.ipv4.ip_local_port_range="40000 40063" net.ipv4.tcp_tw_reuse=0
  for connections in 1 4; do
    output=$(run_client "$to:$port" --traffic connections --connections $connections 2>&1) && fail "no error"
    expect_match "$output" "connect to $to:$port: no local port is free \(.*\): Cannot assign requested address"
  done
  in_client sysctl -qw net.ipv4.ip_local_port_range="41000 41999"
  output=$(run_client "$to:$port" --traffic connections --rate 4500 --seconds 0.1 --connections 8 2>&1) && fail "no error"
  expect_match "$output" "5[01][0-9] of 1000 local ports rest in TIME_WAIT"
  in_client sysctl -qw net.ipv4.tcp_max_tw_buckets=0 net.ipv4.ip_local_port_range="32768 65535"
}

test_bad_arguments_are_one_error_that_names_them() {
  local arguments expected output
  while IFS='|' read -r arguments expected; do
    # shellcheck disable=SC2086
    output=$(in_client "${load[@]}" $arguments 2>&1) && fail "no error: $arguments"
    expect_match "$output" "$expected" "$arguments"
  done <<EOF
client nowhere|^fairlead: ADDRESS:PORT: "nowhere" is not of the form
client $to:0|^fairlead: ADDRESS:PORT: 0 must be between 1 and 65535
client $to:1 --traffic smoke|^fairlead: --traffic: "smoke" is none of connections, reset-connections,
client $to:1 --rate -1|^fairlead: rate: -1 is not more than 0
client $to:1 --bytes 0|^fairlead: bytes: 0 is not from 1 to
client $to:1 --seconds soon|--seconds
client $to:1 --control 1|^fairlead: --control: "1" is not of the form
client $to:1 -o xml|--output
server --port 70000|^fairlead: --port: 70000 must be between 1 and 65535
server --port 1 --address here|^fairlead: --address: .*here
server --port 1 --cpus 4000|^fairlead: run on CPU 4000: Invalid argument
EOF
}

# alike WHAT OURS THEIRS: two commands print about the same, in one round of five: others use this machine, too.
alike() {
  local ours theirs
  for _ in 1 2 3 4 5; do
    ours=$($2) theirs=$($3)
    echo "  $1: ours $ours, theirs $theirs"
    awk -v a="$ours" -v b="$theirs" 'BEGIN {exit !(a > 0 && b > 0 && a < 2 * b && b < 2 * a)}' && return
  done
  fail "$1 differs"
}

iperf_gbits() { in_client iperf3 -c $to -p $iperf_port -t 1 -J "$@" | jq '.end.sum_received.bits_per_second / 1e9'; }
our_gbits() { result_of stream --seconds 0.5 "$@" && figure '.bytes * 8 / .seconds / 1e9'; }

test_throughput_is_about_what_iperf3_sees() {
  local connections
  command -v iperf3 >/dev/null || skip "iperf3 is not installed"
  start_server
  start_in_server iperf3 -s -p $iperf_port
  eventually 10 listens $iperf_port
  for connections in 1 4; do
    alike "Gbit/s, $connections streams" "our_gbits --connections $connections" "iperf_gbits -P $connections"
  done
}

# 8 Mbit/s are 1,000 datagrams of 1,000 bytes a second.
iperf_datagrams() { in_client iperf3 -c $to -p $iperf_port -u -b 8M -l 1000 -t 1 -J | jq '.end.sum.packets - .end.sum.lost_packets'; }
our_datagrams() { result_of datagrams --rate 1000 --bytes 1000 --seconds 1 && figure '.count - .lost'; }

test_datagrams_at_a_rate_are_as_many_as_those_of_iperf3() {
  command -v iperf3 >/dev/null || skip "iperf3 is not installed"
  start_server
  start_in_server iperf3 -s -p $iperf_port
  eventually 10 listens $iperf_port
  alike "datagrams that arrived" our_datagrams iperf_datagrams
}

sockperf_p50() {
  in_client taskset -c "$cpu" sockperf ping-pong -i $to -p $sockperf_port -t 1 -m 14 --full-rtt "$@" | awk '/percentile 50.000/ {print $NF}'
}
our_p50() {
  in_client "${load[@]}" client "$to:$port" --bytes 14 --seconds 0.5 --cpus "$cpu" "$@" >"$work/table"
  awk '$1 == "p50" {print $3 == "ns" ? $2 / 1000 : $3 == "ms" ? $2 * 1000 : $2}' "$work/table"
}

test_latency_is_about_what_sockperf_sees() {
  command -v sockperf >/dev/null || skip "sockperf is not installed"
  # All on one CPU: else it is the scheduler's choice whether a request wakes another one up.
  start_server --cpus "$cpu"
  start_in_server taskset -c "$cpu" sockperf server -i $to -p $sockperf_port --tcp
  eventually 10 listens $sockperf_port
  alike "us of a request over TCP" "our_p50 --traffic requests" "sockperf_p50 --tcp"
}

set_up
run_tests "$@"
