# shellcheck shell=bash
# Sourced by the tests of this suite, at the repository's root: builds the fuzzers once and runs one with a fixed number of inputs.
source tests/lib.sh
command -v clang++-19 >/dev/null || { echo "SKIP fuzz: clang-19 is not installed"; echo "0 passed, 0 failed, 1 skipped"; exit; }
logs=$PWD/build/fuzz/logs
grown=$(mktemp -d)
cleanup() { rm -rf "$grown"; }

mkdir -p build
{ [ -f build/fuzz/build.ninja ] || cmake --preset fuzz; } >build/fuzz.configure.log 2>&1 || { cat build/fuzz.configure.log >&2; exit 1; }
ninja -C build/fuzz --quiet fuzzers || exit 1
mkdir -p "$logs"

# fuzz FOLDER/TARGET INPUTS LONGEST: the inputs that failed stay in build/fuzz/logs, and `FOLDER_TARGET FILE` repeats one.
fuzz() {
  local folder=${1%/*} target=${1#*/} inputs=$(($2 * ${FAIRLEAD_FUZZ_TIMES:-1})) longest=$3
  local program=${folder}_$target log=$logs/${folder}_$target.log corpora=("$grown/$1")
  mkdir -p "$grown/$1"
  [ ! -d "tests/fuzz/$folder/corpus/$target" ] || corpora+=("tests/fuzz/$folder/corpus/$target")
  build/fuzz/bin/fuzz/"$program" -runs="$inputs" -seed="${FAIRLEAD_FUZZ_SEED:-1}" -max_len="$longest" -rss_limit_mb=1024 \
    -timeout=60 -print_final_stats=1 -artifact_prefix="$logs/$program-" "${corpora[@]}" \
    >"$log" 2>&1 || { tail -n 60 "$log" >&2; fail "an input breaks $program; see $logs"; }
  local tried
  tried=$(awk '/^stat::number_of_executed_units:/ {print $2}' "$log")
  [ "${tried:-0}" -ge "$inputs" ] || fail "tried ${tried:-no} inputs of $inputs"
  echo "  $program: $tried inputs"
}
