# shellcheck disable=SC2154 # tool and scratch are fixture.sh's
# Sourced by the lab's tests: traffic from everywhere, of which everything is counted. The clients are the pods client (node1) and
# client-2 (node2), node1 itself, and ext.
#
#   begin_traffic            1,000 TCP flows, UDP flows from fixed ports, and connections one after another
#   every_flow_goes_on       waits until each TCP flow has had three more answers
#   end_traffic              ends all of it and prints what was counted
#   expect_nothing_lost      of all that was counted, nothing is missing and nothing was moved

# start_one NAME FROM PROGRAM ARGS…: its report is $scratch/traffic/NAME
start_one() {
  local name=$1 from=$2 program=$3
  shift 3
  inside "$from" "$tool" "$program" "$@" --until-file "$scratch/stop" --duration 900 >"$scratch/traffic/$name" &
  started_traffic+=($!)
}
flows() {
  local name=$1
  start_one "$1" "$2" flows "${@:3}" --ready-file "$scratch/traffic/$name.ready"
}
begin_traffic() {
  local vip=$1
  rm -rf "$scratch/stop" "$scratch/traffic"
  mkdir "$scratch/traffic"
  started_traffic=()
  flows flows-tcp-client client --tcp "$vip:80" --flows 300
  flows flows-tcp-client-2 client-2 --tcp "$vip:80" --flows 300
  flows flows-tcp-ext-1 ext --tcp 198.18.0.1:30080 --flows 200
  flows flows-tcp-ext-2 ext --tcp 198.18.0.2:30080 --flows 200
  flows flows-udp-client client --udp "$vip:53" --flows 20 --first-port 20000
  flows flows-udp-client-2 client-2 --udp "$vip:53" --flows 20 --first-port 20000
  flows flows-udp-ext-1 ext --udp 198.18.0.1:30053 --flows 20 --first-port 20000
  flows flows-udp-ext-2 ext --udp 198.18.0.2:30053 --flows 20 --first-port 20100
  start_one load-client client load --tcp "$vip:80" --rate 50
  start_one load-client-2 client-2 load --tcp "$vip:80" --rate 50
  start_one load-node1 node1 load --tcp "$vip:80" --rate 20
  start_one load-ext-1 ext load --tcp 198.18.0.1:30080 --rate 50
  start_one load-ext-2 ext load --tcp 198.18.0.2:30080 --rate 50
  eventually 60 all_flows_are_ready
}
all_flows_are_ready() { [ "$(find "$scratch/traffic" -name '*.ready' | wc -l)" = 8 ]; }

# "FROM LOCALPORT BYTES" of the established connections of the flows' sources.
bytes_received() {
  local from
  for from in client client-2 ext; do
    inside "$from" ss -HtinO state established | awk -v from="$from" '
      { split($3, local, ":"); if (match($0, /bytes_received:[0-9]+/)) print from, local[length(local)], substr($0, RSTART + 15, RLENGTH - 15) }'
  done
}
every_flow_goes_on() {
  eventually 30 all_flows_are_seen
  eventually 60 have_all_gone_on
}
all_flows_are_seen() {
  bytes_received | awk '$3 > 1536' >"$scratch/before" # a short connection never has so much
  [ "$(wc -l <"$scratch/before")" = 1000 ]
}
have_all_gone_on() {
  bytes_received >"$scratch/now"
  [ "$(awk 'NR == FNR { now[$1 " " $2] = $3; next } now[$1 " " $2] < $3 + 1536' "$scratch/now" "$scratch/before" | wc -l)" = 0 ]
}

end_traffic() {
  local report
  touch "$scratch/stop"
  wait "${started_traffic[@]}" || true
  for report in "$scratch"/traffic/flows-*[^y]; do
    jq -c --arg of "$(basename "$report")" '{$of, flows, opened, sent, checked, lost, answers, broken: (.broken | length), why: (.broken[:5] + .lostList[:5])}' "$report"
  done
  for report in "$scratch"/traffic/load-*; do
    jq -c --arg of "$(basename "$report")" '{$of, attempts, failures, failuresByKind, slowestMs, answers, when: [.failureList[] | "\(.atMs) \(.kind) \(.backend)"]}' "$report"
  done
}
expect_nothing_lost() {
  local report
  for report in "$scratch"/traffic/flows-*[^y]; do
    expect_eq "$(jq -c '[.opened == .flows, .sent == .checked, .sent > 0, .lost, .broken]' "$report")" '[true,true,true,0,[]]' \
      "$(basename "$report")"
  done
  for report in "$scratch"/traffic/load-*; do
    expect_eq "$(jq -c '[.attempts == .successes, .successes > 0, .failures]' "$report")" '[true,true,0]' "$(basename "$report")"
  done
}
