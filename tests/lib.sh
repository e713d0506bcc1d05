# For test scripts: every function named test_* is a test, run in order by `run_tests`; a test fails where a command fails
# (set -e inside) or `fail` is called. `skip REASON` ends a test as skipped. `cleanup` (if defined) runs at the end, always.
# Wait with `eventually SECONDS COMMAND…`, never with a bare sleep.
set -uo pipefail

fail() { echo "  failed: $*" >&2; exit 1; }
skip() { echo "$*" >&3; exit 77; }

# Polls until COMMAND succeeds; fails after SECONDS, which is a limit against hanging and no measure of speed.
eventually() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || { echo "  never true: $*" >&2; "$@" >&2 || true; return 1; }
    read -rt 0.1 <> <(:) || true
  done
}

expect_eq() { [ "$1" = "$2" ] || fail "expected '$2', got '$1'${3:+ ($3)}"; }
expect_match() { [[ "$1" =~ $2 ]] || fail "expected a match of '$2', got '$1'${3:+ ($3)}"; }

run_tests() {
  local passed=0 failed=0 skipped=0 name status reason
  reason=$(mktemp)
  if declare -F cleanup >/dev/null; then trap cleanup EXIT; fi
  for name in $(declare -F | awk '{print $3}' | grep '^test_'); do
    [ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
    : >"$reason"
    # A subshell of its own with set -e: not part of an `if` or `||`, where bash would ignore -e.
    (set -e; "$name") 3>"$reason"
    status=$?
    case $status in
      0) passed=$((passed + 1)); echo "PASS $name" ;;
      77) skipped=$((skipped + 1)); echo "SKIP $name: $(cat "$reason")" ;;
      *) failed=$((failed + 1)); echo "FAIL $name (status $status)" ;;
    esac
  done
  rm -f "$reason"
  if declare -F cleanup >/dev/null; then trap - EXIT; cleanup; fi
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
}
