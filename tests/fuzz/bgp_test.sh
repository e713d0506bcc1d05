#!/usr/bin/env bash
# The decoders of BGP against a fixed number of generated inputs, under AddressSanitizer and UndefinedBehaviorSanitizer: from the
# committed seeds, with a fixed seed of randomness, so that each run tries the same. FAIRLEAD_FUZZ_TIMES=100 tries a hundred times as
# many, FAIRLEAD_FUZZ_SEED others. Builds the preset `fuzz` (pure code, a minute at first).
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/lib.sh
command -v clang++-19 >/dev/null || { echo "SKIP fuzz/bgp: clang-19 is not installed"; echo "0 passed, 0 failed, 1 skipped"; exit; }
logs=$PWD/build/fuzz/logs
grown=$(mktemp -d)
cleanup() { rm -rf "$grown"; }

mkdir -p build
{ [ -f build/fuzz/build.ninja ] || cmake --preset fuzz; } >build/fuzz.configure.log 2>&1 || { cat build/fuzz.configure.log >&2; exit 1; }
ninja -C build/fuzz --quiet fuzzers || exit 1
mkdir -p "$logs"

# fuzz TARGET INPUTS LONGEST: the inputs that failed stay in build/fuzz/logs, and `bgp_TARGET FILE` repeats one.
fuzz() {
  local target=$1 inputs=$(($2 * ${FAIRLEAD_FUZZ_TIMES:-1})) longest=$3 log=$logs/bgp_$1.log
  mkdir -p "$grown/$target"
  build/fuzz/bin/fuzz/bgp_"$target" -runs="$inputs" -seed="${FAIRLEAD_FUZZ_SEED:-1}" -max_len="$longest" -rss_limit_mb=1024 \
    -timeout=60 -print_final_stats=1 -artifact_prefix="$logs/bgp_$target-" "$grown/$target" "tests/fuzz/bgp/corpus/$target" \
    >"$log" 2>&1 || { tail -n 60 "$log" >&2; fail "an input breaks $target; see $logs"; }
  local tried
  tried=$(awk '/^stat::number_of_executed_units:/ {print $2}' "$log")
  [ "${tried:-0}" -ge "$inputs" ] || fail "tried ${tried:-no} inputs of $inputs"
  echo "  $target: $tried inputs"
}

test_no_body_of_an_open_breaks_the_decoder() { fuzz open 300000 4096; }
test_no_body_of_an_update_breaks_the_decoder() { fuzz update 500000 4096; }
test_no_body_of_a_notification_breaks_the_decoder() { fuzz notification 200000 4096; }
test_no_body_of_a_route_refresh_breaks_the_decoder() { fuzz route_refresh 100000 256; }
test_no_stream_breaks_the_framer() { fuzz stream 120000 8192; }
test_no_order_of_events_breaks_a_session() { fuzz session 100000 4096; }

run_tests "$@"
