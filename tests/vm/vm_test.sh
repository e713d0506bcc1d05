#!/usr/bin/env bash
# The programs and datapaths on kernels that nodes have: Debian's 6.1, where clsact takes the place of tcx, and 6.12. One boot a
# kernel; each test of each GoogleTest program counts once a kernel.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/gtest.sh
source tests/vm/vm.sh
programs=${FAIRLEAD_BIN:-$PWD/build/${FAIRLEAD_PRESET:-release}/bin}/tests
# A test that loads the object takes what the verifier takes, ten times as long under TCG. One test in this many runs, a number that
# has no divisor in common with what they are repeated for (families, protocols, hosts and pods); FAIRLEAD_VM_SHARES=1: all.
shares=${FAIRLEAD_VM_SHARES:-23}
passed=0 failed=0 skipped=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'kill $(jobs -p); wait; exit 130' INT TERM

# result pass|fail|skip NAME [REASON]
result() {
  case $1 in
    pass) passed=$((passed + 1)); echo "PASS $2" ;;
    fail) failed=$((failed + 1)); echo "FAIL $2${3:+: $3}" ;;
    skip) skipped=$((skipped + 1)); echo "SKIP $2${3:+: $3}" ;;
  esac
}

# run KERNEL PROGRAM SHARES: a GoogleTest program in the machine that runs, with what it printed.
run() {
  local kernel=$1 program=$2 status=0 p f s log=$work/$1.program started=$SECONDS
  if [ ! -x "$programs/$program" ]; then
    result fail "$kernel $program" "not built"
    return
  fi
  rm -f "$vm_share/report.json"
  vm_run -t 900 env "GTEST_TOTAL_SHARDS=$3" GTEST_SHARD_INDEX=0 "$programs/$program" --gtest_output=json:/vm/report.json >"$log" 2>&1 || status=$?
  count_gtest "$kernel $program" "${vm_share:-/nonexistent}/report.json" "$status" >"$work/$kernel.sums"
  read -r p f s <"$work/$kernel.sums"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  echo "== $kernel $program: $p passed, $f failed, $s skipped ($((SECONDS - started)) s)"
  [ $((p + f + s)) -gt 0 ] || result fail "$kernel $program" "nothing ran"
  if [ "$f" -gt 0 ]; then cat "$log"; else grep -vE '^\[|^$|^Running main|^Note: ' "$log"; fi
  [ "$s" = 0 ] || echo "SKIP $kernel $program: $s tests, for reasons of their own"
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

# Where connection tracking is a module, asking what the kernel can do has it loaded: nobody needs modprobe.
expect_conntrack_after_a_probe() {
  local before after
  before=$(vm_run awk '$1 == "nf_conntrack"' /proc/modules)
  vm_run "$programs/netns/ebpf" --gtest_filter='Object.CountsJiffies*' >/dev/null
  after=$(vm_run awk '$1 == "nf_conntrack"' /proc/modules)
  if [ -z "$before" ] && [ -n "$after" ]; then
    result pass "$1: the kernel loads nf_conntrack when it is asked what it can do"
  else
    result fail "$1: the kernel loads nf_conntrack when it is asked what it can do" "before: '$before', after: '$after'"
  fi
}

# run_on KERNEL PROGRAM=SHARES…
run_on() {
  local kernel=$1 folder program
  shift
  if ! folder=$(tests/vm/kernel.sh "$kernel" 2>&1 | tail -n 1) || [ ! -d "$folder" ]; then
    result skip "Linux $kernel" "$folder"
    return
  fi
  if ! vm_boot "$folder"; then
    result fail "Linux $kernel" "does not boot"
    return
  fi
  expect_conntrack_after_a_probe "Linux $kernel"
  for program in "$@"; do [ -z "$vm_process" ] || run "$kernel" "${program%=*}" "${program#*=}"; done
  [ -z "$vm_process" ] || expect_quiet_kernel "Linux $kernel"
}

# Each kernel by itself, in a machine on a processor of its own; what it says is shown in one piece.
start() {
  (
    trap vm_stop EXIT
    trap 'exit 130' TERM
    run_on "$@"
    echo "$passed $failed $skipped" >"$work/$1.count"
  ) >"$work/$1.log" 2>&1 &
}

# finish KERNEL…
finish() {
  local kernel p f s
  wait
  for kernel in "$@"; do
    cat "$work/$kernel.log"
    read -r p f s 2>/dev/null <"$work/$kernel.count" || { p=0 f=1 s=0; echo "FAIL Linux $kernel: did not end"; }
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  done
}

if command -v qemu-system-x86_64 >/dev/null; then
  start 6.1 bpf/verifier=1 "netns/ebpf=$shares" "netns/datapath=$shares" "netns/nftables=$shares"
  start 6.12 bpf/verifier=1 "netns/ebpf=$shares"
  finish 6.1 6.12
else
  result skip vm "qemu-system-x86_64 is not installed (tests/vm/packages.txt)"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
