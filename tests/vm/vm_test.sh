#!/usr/bin/env bash
# The programs and datapaths on kernels that nodes have: Debian's 6.1, where clsact takes the place of tcx, and 6.12. One boot a
# kernel; each test of each GoogleTest program counts once a kernel.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/gtest.sh
source tests/vm/vm.sh
programs=${FAIRLEAD_BIN:-$PWD/build/${FAIRLEAD_PRESET:-release}/bin}/tests
passed=0 failed=0 skipped=0
trap vm_stop EXIT
trap 'exit 130' INT TERM

# result pass|fail|skip NAME [REASON]
result() {
  case $1 in
    pass) passed=$((passed + 1)); echo "PASS $2" ;;
    fail) failed=$((failed + 1)); echo "FAIL $2${3:+: $3}" ;;
    skip) skipped=$((skipped + 1)); echo "SKIP $2${3:+: $3}" ;;
  esac
}

# run KERNEL PROGRAM [FILTER]: a GoogleTest program in the machine that runs, with what it printed.
run() {
  local kernel=$1 program=$2 filter=${3:-*} status=0 p f s log started=$SECONDS
  if [ ! -x "$programs/$program" ]; then
    result fail "$kernel $program" "not built"
    return
  fi
  log=$(mktemp)
  rm -f "$vm_share/report.json"
  vm_run -t 240 "$programs/$program" --gtest_output=json:/vm/report.json "--gtest_filter=$filter" >"$log" 2>&1 || status=$?
  read -r p f s <<<"$(count_gtest "$kernel $program" "${vm_share:-/nonexistent}/report.json" "$status" 2>&1 | tail -n 1)"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  echo "== $kernel $program: $p passed, $f failed, $s skipped ($((SECONDS - started)) s)"
  # A program that left no test to run shows nothing.
  [ $((p + f + s)) -gt 0 ] || result fail "$kernel $program" "no test of it ran ($filter)"
  if [ "$f" -gt 0 ]; then cat "$log"; else grep -vE '^\[|^$|^Running main|^Note: ' "$log"; fi
  [ "$s" = 0 ] || echo "SKIP $kernel $program: $s tests, see the log"
  rm -f "$log"
}

# The kernel itself saw nothing wrong: no oops, no lock held too long, no reference lost.
expect_quiet_kernel() {
  local found
  if found=$(vm_run bash -c "dmesg | grep -E 'WARNING:|BUG:|Oops|Call Trace|rcu:.*stall|unregister_netdevice: waiting' -A 20 | head -60; exit \${PIPESTATUS[0]}") &&
    [ -z "$found" ]; then
    result pass "$1: nothing in the kernel's log"
  else
    echo "$found"
    result fail "$1: nothing in the kernel's log"
  fi
}

run_on() {
  local kernel=$1 folder
  shift
  if ! folder=$(tests/vm/kernel.sh "$kernel" 2>&1 | tail -n 1) || [ ! -d "$folder" ]; then
    result skip "Linux $kernel" "$folder"
    return
  fi
  if ! vm_boot "$folder"; then
    result fail "Linux $kernel" "does not boot"
    return
  fi
  # Loaded, because the types of its functions are read from it.
  vm_run modprobe nf_conntrack
  local program
  for program in "$@"; do run "$kernel" "${program%%=*}" "${program#*=}"; done
  [ -z "$vm_process" ] || expect_quiet_kernel "Linux $kernel"
  vm_stop
}

if command -v qemu-system-x86_64 >/dev/null; then
  run_on 6.1 'bpf/verifier=*' netns/ebpf='*' 'netns/nftables=Kernel.ConnectionsOutliveRestartAndFlushAndChanges'
  run_on 6.12 'bpf/verifier=*' netns/ebpf='*'
else
  result skip vm "qemu-system-x86_64 is not installed (tests/vm/packages.txt)"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
