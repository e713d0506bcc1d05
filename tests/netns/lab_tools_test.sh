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
