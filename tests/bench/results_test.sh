#!/usr/bin/env bash
# What people do with results: show, page, compare; and what they are told where a file is not what they think.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/lib.sh
results=("${FAIRLEAD_BIN:-build/release/bin}/fairlead" bench)
work=$(mktemp -d)
cleanup() { rm -rf "$work"; }
tests/bench/fixture.py >"$work/a.json"
# The same machine with another hand of luck; and one on which ebpf takes half as long again.
again() { sed "s/^random.seed(42)/random.seed(7)/; $1" tests/bench/fixture.py | python3 -; }
again '' >"$work/again.json"
again 's/"ebpf": (0.98, 1)/"ebpf": (0.65, 1)/' >"$work/slower.json"

# refused STATUS TEXT COMMAND…: ends with STATUS and says TEXT on standard error.
refused() {
  local status=$1 text=$2 ended=0
  shift 2
  "$@" >/dev/null 2>"$work/error" || ended=$?
  expect_eq "$ended" "$status" "$*"
  expect_eq "$(cat "$work/error")" "$text"
}

test_show_fits_a_terminal() {
  local table
  table=$("${results[@]}" show "$work/a.json")
  expect_eq "$(wc -L <<<"$table" | awk '{print $1 <= 120}')" 1
  expect_match "$table" 'not measured: paths: kube-proxy ipvs: this kernel has no IPVS'
  expect_match "$table" 'A peer is better than ebpf in:'
}

test_a_page_stands_beside_its_results_or_where_it_is_asked_for() {
  expect_eq "$("${results[@]}" page "$work/a.json")" "$work/a.html"
  "${results[@]}" page "$work/a.json" -o "$work/elsewhere.html" >/dev/null
  cmp "$work/a.html" "$work/elsewhere.html"
}

test_two_runs_of_one_commit_do_not_differ() {
  expect_match "$("${results[@]}" compare "$work/a.json" "$work/again.json" --fail-on-worse)" '0 worse, 0 better'
}

test_what_is_slower_is_worse_and_fails_where_that_is_asked_for() {
  "${results[@]}" compare "$work/a.json" "$work/slower.json" -o json >"$work/changes.json"
  expect_eq "$(jq -r '[.changes[] | select(.verdict == "worse") | .way] | unique[]' "$work/changes.json")" ebpf
  expect_eq "$(jq '[.changes[] | select(.way == "ebpf" and .subject.part == "paths" and .verdict == "worse")] | length' "$work/changes.json")" 24
  refused 1 '' "${results[@]}" compare "$work/a.json" "$work/slower.json" --fail-on-worse
}

test_a_file_that_is_not_there_or_damaged_is_named() {
  refused 1 "fairlead bench: $work/none.json: No such file or directory" "${results[@]}" show "$work/none.json"
  head -c 1000 "$work/a.json" >"$work/cut.json"
  refused 1 "fairlead bench: $work/cut.json: not JSON at byte 1000: incomplete JSON" "${results[@]}" compare "$work/a.json" "$work/cut.json"
  jq -c '.series[3].samples[2] = "fast"' "$work/a.json" >"$work/wrong.json"
  refused 1 "fairlead bench: $work/wrong.json: series[3].samples[2]: not a number" "${results[@]}" page "$work/wrong.json"
  [ ! -e "$work/wrong.html" ] || fail "a page was written all the same"
  refused 1 "fairlead bench: write $work/no/a.html: No such file or directory" "${results[@]}" page "$work/a.json" -o "$work/no/a.html"
}

run_tests "$@"
