# A virtual machine with a kernel of Debian's, for scripts: one boot, many commands. No root, no KVM, no network card.
#
#   vm_boot [-c CPUS] [-m MB] FOLDER     FOLDER is kernel.sh's; fails with a reason
#   vm_run [-t SECONDS] COMMAND…         as root in the guest, in this directory; its status, 124: too long, 125: the machine died
#   vm_stop
#
# The guest sees the host's files, read-only, below a layer in memory: it may write anywhere and nothing remains. $vm_share is
# its /vm, for both to write. Standard input is /dev/null; output and errors arrive together, while they are written.

vm_scripts=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
vm_share=
vm_process=

vm_boot() {
  local cpus=1 memory=1024 option OPTIND=1
  while getopts c:m: option; do case $option in c) cpus=$OPTARG ;; m) memory=$OPTARG ;; *) return 2 ;; esac; done
  shift $((OPTIND - 1))
  local kernel=$1 ready='' machine
  vm_share=$(mktemp -d /tmp/fairlead-vm.XXXXXX)
  vm_commands=0
  cp "$vm_scripts/guest/serve" "$vm_share/serve"
  : >"$vm_share/output"
  { cat "$kernel/initrd"; (cd "$vm_scripts/guest" && echo init | cpio -o -H newc -R 0:0 --quiet); } >"$vm_share/initrd"
  vm_machine "$kernel" "$cpus" "$memory"
  machine=("${vm_arguments[@]}")
  # The control port is QEMU's standard input and output: when it dies, we read the end of it.
  # And QEMU dies with us, however that happens.
  coproc VM { exec setpriv --pdeathsig KILL qemu-system-x86_64 "${machine[@]}" 2>"$vm_share/qemu.log"; }
  vm_process=$VM_PID
  # Copies, which bash does not close behind our back when QEMU ends.
  exec {vm_answers}<&"${VM[0]}" {vm_requests}>&"${VM[1]}"
  read -rt 120 ready <&"$vm_answers" || true
  [[ $ready == ready* ]] || { vm_autopsy "did not boot"; vm_stop; return 1; }
}

# Sets vm_arguments. Of the clock: microvm has no timer to measure the time stamp counter with, so the kernel is told its frequency
# (without, it hangs on a busy host), and to trust it.
vm_machine() {
  local kernel=$1 cpus=$2 memory=$3 frequency threads=multi
  frequency=$(awk '/^bogomips/ {printf "%d", $3 * 500; exit}' /proc/cpuinfo)
  # Virtual processors on threads of a busy host wait for each other; in turns on one thread they do not.
  [ "$cpus" -eq 1 ] || threads=single
  # shellcheck disable=SC2054   # the commas are QEMU's
  vm_arguments=(-M microvm -accel "tcg,thread=$threads,tb-size=512" -cpu max -smp "$cpus" -m "$memory"
    -global virtio-mmio.force-legacy=false -nodefaults -no-user-config -display none -no-reboot
    -kernel "$kernel/vmlinux" -initrd "$vm_share/initrd"
    -append "console=ttyS0 quiet panic=-1 reboot=t mitigations=off nokaslr audit=0 selinux=0 apparmor=0 random.trust_cpu=on tsc_early_khz=$frequency tsc=reliable"
    -serial "file:$vm_share/console" -device virtio-serial-device
    -chardev "file,id=output,path=$vm_share/output" -device virtserialport,chardev=output
    -chardev stdio,id=control,signal=off -device virtserialport,chardev=control)
  local share path access
  for share in root:/:,readonly=on modules:"$kernel/lib/modules":,readonly=on vm:"$vm_share":; do
    IFS=: read -r share path access <<<"$share"
    vm_arguments+=(-fsdev "local,id=$share,path=$path,security_model=none,multidevs=remap$access"
      -device "virtio-9p-device,fsdev=$share,mount_tag=$share")
  done
}

vm_run() {
  local limit=600 option OPTIND=1 number answer='' status printer shown
  while getopts t: option; do case $option in t) limit=$OPTARG ;; *) return 2 ;; esac; done
  shift $((OPTIND - 1))
  [ -n "$vm_process" ] || { echo "no virtual machine is running" >&2; return 125; }
  number=$((vm_commands += 1))
  printf 'cd %q || exit\n' "$PWD" >"$vm_share/command.$number"
  { printf '%q ' "$@"; echo; } >>"$vm_share/command.$number"
  shown=$(stat -c %s "$vm_share/output")
  # Output is copied out of the file until `flag`, a process that does nothing else, is ended.
  sleep infinity &
  local flag=$!
  tail -q -s 0.05 -c "+$((shown + 1))" -f "--pid=$flag" "$vm_share/output" 2>/dev/null &
  printer=$!
  # In a shell of its own, which SIGPIPE may end, where QEMU is gone.
  (echo "$number" >&"$vm_requests") 2>/dev/null || true
  read -rt "$limit" answer <&"$vm_answers"
  status=$?
  kill "$flag" 2>/dev/null
  wait "$flag" "$printer" 2>/dev/null
  if [[ $answer == "$number "* ]]; then return "${answer#* }"; fi
  if [ "$status" -gt 128 ]; then
    vm_autopsy "not done after $limit s: $*"
    status=124
  else
    vm_autopsy "died in: $*"
    status=125
  fi
  vm_stop
  return "$status"
}

# Says on standard error what happened, and how the console and QEMU's own messages end.
vm_autopsy() {
  echo "virtual machine: $1" >&2
  tail -n 20 "$vm_share/qemu.log" >&2
  tail -n 40 "$vm_share/console" 2>/dev/null | tr -d '\r' | sed 's/^/  console: /' >&2
}

# Ends it, whatever it does: there is nothing in it that would be missed.
vm_stop() {
  [ -z "$vm_process" ] || { kill -KILL "$vm_process" && wait "$vm_process"; } 2>/dev/null
  [ -z "$vm_share" ] || rm -rf "$vm_share"
  exec {vm_answers}<&- {vm_requests}>&-
  vm_process='' vm_share=''
  return 0
}
