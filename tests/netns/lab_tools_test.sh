#!/usr/bin/env bash
# The lab's echo server and load generator against each other, in a network namespace of their own.
cd "$(dirname "$(readlink -f "$0")")/../.."
source tests/lib.sh
tool=${FAIRLEAD_BIN:-$PWD/build/release/bin}/fairlead-lab
ns=flt-tools-$$
work=$(mktemp -d)
echo_pid=

inside() { nsenter --net="/run/netns/$ns" "$@"; }
# In the background, where a function would be a subshell between us and the process.
start() { nsenter --net="/run/netns/$ns" "$@" & }
answers() { inside "$tool" ask "$1"; }
cleanup() {
  [ -z "$echo_pid" ] || kill -KILL "$echo_pid" 2>/dev/null
  ip netns del "$ns"
  rm -rf "$work"
}

ip netns add "$ns"
ip -n "$ns" link set lo up
ip -n "$ns" address add 192.0.2.1/32 dev lo
ip -n "$ns" address add 192.0.2.2/32 dev lo
start "$tool" echo --name me --tcp 8080 --udp 8080
echo_pid=$!
eventually 10 answers 127.0.0.1:8080

test_an_answer_names_the_server_and_the_client() {
  expect_match "$(inside "$tool" ask 127.0.0.1:8080)" '^me 127\.0\.0\.1 [0-9]+$'
  expect_match "$(inside "$tool" ask '[::1]:8080')" '^me ::1 [0-9]+$'
  expect_match "$(inside "$tool" ask --udp '[::1]:8080')" '^me ::1 [0-9]+$'
}

test_a_datagram_is_answered_from_the_address_it_was_sent_to() {
  # The asker's socket is connected, so that an answer from 192.0.2.1 would not reach it.
  expect_match "$(inside "$tool" ask --udp 192.0.2.2:8080)" '^me 192\.0\.2\.[12] [0-9]+$'
}

test_lines_come_back_as_they_went() {
  local got
  got=$(inside bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080; read -ru 3; echo "one two" >&3; read -ru 3 line; echo "$line"')
  expect_eq "$got" "one two"
}

test_every_connection_is_counted_once() {
  local report
  for transport in tcp udp; do
    report=$(inside "$tool" load --$transport 127.0.0.1:8080 --count 500 --rate 2000 --keep-open 3)
    expect_eq "$(jq -c '[.attempts, .successes, .failures, .answers.me, .long.opened, (.long.broken | length)]' <<<"$report")" \
      "[500,500,0,500,3,0]"
  done
}

test_a_refusal_is_a_failure_and_is_named() {
  local report status=0
  report=$(inside "$tool" load --tcp 127.0.0.1:1 --count 5) || status=$?
  expect_eq "$status" 1
  expect_eq "$(jq -c '[.attempts, .successes, .failures, .failuresByKind.refused]' <<<"$report")" "[5,0,5,5]"
}

test_a_broken_long_connection_is_reported_with_its_backend() {
  local pid report
  start "$tool" echo --name other --tcp 8081
  pid=$!
  eventually 10 answers 127.0.0.1:8081
  inside "$tool" load --tcp 127.0.0.1:8081 --keep-open 2 --rate 50 --duration 60 --until-file "$work/stop" >"$work/report" &
  local load=$!
  eventually 10 has_long_connections
  kill -KILL "$pid"
  wait "$pid" || true
  eventually 10 is_refused
  touch "$work/stop"
  wait "$load" || true
  expect_eq "$(jq -r '[.long.broken[].backend] | unique | join(",")' "$work/report")" other
  expect_eq "$(jq '.attempts == .successes + .failures' "$work/report")" true
}
has_long_connections() { [ "$(ss -N "$ns" -Htn state established '( sport = :8081 )' | wc -l)" -ge 2 ]; }
is_refused() { ! inside "$tool" ask 127.0.0.1:8081; }

test_flows_check_all_that_comes_back() {
  local report transport
  for transport in tcp udp; do
    rm -f "$work/ready" "$work/stop"
    inside "$tool" flows --$transport 127.0.0.1:8080 --flows 200 --first-port 21000 --pause 0.02 \
      --ready-file "$work/ready" --until-file "$work/stop" --duration 60 >"$work/report" &
    local flows=$!
    eventually 10 test -e "$work/ready"
    touch "$work/stop"
    wait "$flows"
    expect_eq "$(jq -c '[.flows, .opened, .lost, .answers.me, .broken]' "$work/report")" "[200,200,0,200,[]]" "$transport"
    expect_eq "$(jq '.sent > 0 and .sent == .checked' "$work/report")" true "$transport"
  done
}

# A server that answers flow 0's data with its own, and datagrams by another name each time.
dishonest_server() {
  nsenter --net="/run/netns/$ns" python3 -c '
import itertools, selectors, socket
tcp = socket.create_server(("127.0.0.1", 8083))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 8083))
chosen = selectors.DefaultSelector()
chosen.register(tcp, selectors.EVENT_READ)
chosen.register(udp, selectors.EVENT_READ)
names = itertools.count()
while True:
    for key, _ in chosen.select():
        if key.fileobj is tcp:
            client, _ = tcp.accept()
            client.sendall(b"liar 192.0.2.1 1\n")
            chosen.register(client, selectors.EVENT_READ)
        elif key.fileobj is udp:
            data, peer = udp.recvfrom(512)
            udp.sendto(b"liar%d 192.0.2.1 1 %s\n" % (next(names), data), peer)
        else:
            data = key.fileobj.recv(4096)
            if data: key.fileobj.sendall(data[:-1] + bytes([data[-1] ^ 1]))
            else: chosen.unregister(key.fileobj)
' &
}
test_flows_notice_other_data_and_another_backend() {
  local status=0
  dishonest_server
  local server=$!
  eventually 10 answers 127.0.0.1:8083
  inside "$tool" flows --tcp 127.0.0.1:8083 --flows 1 --pause 0.01 --duration 1 >"$work/report" || status=$?
  expect_eq "$status $(jq -c '[.broken[].kind]' "$work/report")" '1 ["corrupt"]'
  status=0
  inside "$tool" flows --udp 127.0.0.1:8083 --flows 1 --pause 0.01 --duration 1 >"$work/report" || status=$?
  expect_eq "$status $(jq -c '[.broken[].kind]' "$work/report")" '1 ["moved"]'
  kill "$server"
}

test_flows_notice_silence() {
  local status=0
  start "$tool" echo --name halted --tcp 8084 --udp 8084
  local server=$!
  eventually 10 answers 127.0.0.1:8084
  kill -STOP "$server"
  inside "$tool" flows --udp 127.0.0.1:8084 --flows 2 --timeout 0.2 --pause 0.01 --duration 1 >"$work/report" || status=$?
  expect_eq "$status $(jq '.lost >= 2 and .checked == .sent' "$work/report")" "1 true"
  status=0
  inside "$tool" flows --tcp 127.0.0.1:8084 --flows 2 --timeout 0.2 --duration 1 >"$work/report" || status=$?
  expect_eq "$status $(jq -c '[.broken[].kind]' "$work/report")" '1 ["stalled","stalled"]'
  kill -KILL "$server"
}

test_a_terminated_server_serves_until_its_clients_stay_away() {
  start "$tool" echo --name leaving --tcp 8082
  local pid=$!
  eventually 10 answers 127.0.0.1:8082
  kill -TERM "$pid"
  expect_match "$(inside "$tool" ask 127.0.0.1:8082)" '^leaving '
  wait "$pid"
}

test_a_mistake_is_told_in_one_line() {
  local said status=0
  said=$(inside "$tool" ask fd00::1:80 2>&1) || status=$?
  expect_eq "$status" 2
  expect_match "$said" 'write an IPv6 address as \[ADDRESS\]:PORT'
}

run_tests "$@"
