#!/usr/bin/env bash
# Runs suites and adds up what they counted. A suite is a folder tests/SUITE: its GoogleTest programs
# (build/<preset>/bin/tests/SUITE/*) and its scripts (tests/SUITE/*_test.sh, written with tests/lib.sh).
# Programs without the kernel run in parallel; whatever makes namespaces runs alone. `--list` only says which suites would run.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit
all_suites=(unit fuzz house helm bench controlplane bpf netns lab vm)   # what CI runs; `apiserver` (a real kube-apiserver) is run by name
list=
[ "${1:-}" != --list ] || { list=1; shift; }
suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=("${all_suites[@]}")
[ -z "$list" ] || { printf '%s\n' "${suites[@]}"; exit; }

preset=${FAIRLEAD_PRESET:-release}
bin=$PWD/build/$preset/bin
export FAIRLEAD_BIN=$bin
logs=build/test-logs
rm -rf "$logs" && mkdir -p "$logs"

source tests/gtest.sh

passed=0 failed=0 skipped=0

run_program() {
  local suite=$1 program=$2 name status=0
  name=$(basename "$program")
  local report=$PWD/$logs/$suite-$name.json log=$logs/$suite-$name.log
  "$program" --gtest_output="json:$report" --gtest_brief=1 >"$log" 2>&1 || status=$?
  count_gtest "$suite/$name" "$report" "$status" >"$logs/$suite-$name.count"
  [ "$status" -eq 0 ] || { echo "--- $suite/$name"; tail -n 200 "$log"; } >&2
}

run_script() {
  local suite=$1 script=$2 name status=0
  name=$(basename "$script" .sh)
  local log=$logs/$suite-$name.log last
  "$script" >"$log" 2>&1 || status=$?
  last=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1)
  if [ -n "$last" ]; then tr -cd '0-9 \n' <<<"$last" | xargs; else echo "0 1 0"; fi >"$logs/$suite-$name.count"
  if [ "$status" -ne 0 ] && [ "$(cut -d' ' -f2 "$logs/$suite-$name.count")" = 0 ]; then
    awk '{print $1, 1, $3}' "$logs/$suite-$name.count" >"$logs/count.new" && mv "$logs/count.new" "$logs/$suite-$name.count"
  fi
  [ "$status" -eq 0 ] || { echo "--- $suite/$name"; tail -n 200 "$log"; } >&2
  grep -E '^SKIP ' "$log" || true
}

run_suite() {
  local suite=$1 started=$SECONDS program script p=0 f=0 s=0 count found=0
  if [ ! -d "tests/$suite" ]; then
    echo "$suite: no such suite" >&2
    failed=$((failed + 1))
    return
  fi
  for program in "$bin/tests/$suite"/*; do
    [ -x "$program" ] || continue
    found=1
    if [ "$suite" = unit ]; then
      while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
      run_program "$suite" "$program" &
    else
      run_program "$suite" "$program"
    fi
  done
  wait
  for script in tests/"$suite"/*_test.sh; do
    [ -x "$script" ] || continue
    found=1
    run_script "$suite" "$script"
  done
  for count in "$logs/$suite"-*.count; do
    [ -f "$count" ] || continue
    read -r a b c <"$count"
    p=$((p + a)) f=$((f + b)) s=$((s + c))
  done
  # A suite in which nothing ran is a broken suite.
  [ "$found" = 1 ] && [ $((p + f + s)) -gt 0 ] || { echo "$suite: nothing ran" >&2; f=$((f + 1)); }
  printf '%-12s %d passed, %d failed, %d skipped (%d s)\n' "$suite:" "$p" "$f" "$s" $((SECONDS - started))
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

for suite in "${suites[@]}"; do run_suite "$suite"; done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
