# shellcheck shell=bash
# What all parts of the lab share: where things are, what is said, and how a process is started and ended.

root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/..")
preset=${FAIRLEAD_PRESET:-release}
bin=${FAIRLEAD_BIN:-$root/build/$preset/bin}
prefix=${FAIRLEAD_LAB_PREFIX:-fl}            # of every namespace; a second lab beside the first needs another one
lab=${FAIRLEAD_LAB_DIR:-$root/build/lab}     # all state that is a file
run_dir=/run/fairlead-lab/$prefix            # sockets and bpffs: short paths, and off the build tree
caller_dir=${FAIRLEAD_CALLER_DIR:-$PWD}

# What one `lab up` was asked for; kept in $lab/settings for the verbs after it.
nodes=2 datapath='' network=vxlan family=ipv4

say() { echo "lab: $*" >&2; }
die() { echo "lab: $*" >&2; exit 1; }
usage_error() { echo "lab: $*" >&2; echo "see ./run lab --help" >&2; exit 2; }

# A step is what a failure is attributed to, with the log that may explain it.
current_step='' current_log=''
step() {
  current_step=$1 current_log=${2:-}
  say "$1"
}
explain_failure() {
  local status=$?
  [ "$status" -ne 0 ] && [ -n "$current_step" ] || return 0
  echo "lab: FAILED: $current_step" >&2
  if [ -s "$current_log" ]; then
    echo "lab: the end of $current_log:" >&2
    tail -n 20 "$current_log" | sed 's/^/    /' >&2
  fi
}
trap explain_failure EXIT

load_settings() { [ ! -f "$lab/settings" ] || source "$lab/settings"; }
save_settings() {
  mkdir -p "$lab"
  printf '%s=%q\n' nodes "$nodes" datapath "$datapath" network "$network" family "$family" bin "$bin" >"$lab/settings"
}
require_lab() { [ -f "$lab/settings" ] || die "no lab is up here; start one with: ./run lab up"; }

# The locks are files that no verb removes: `up` and `down` have the lab alone, all other verbs share it.
lock_lab() {
  mkdir -p "$root/build"
  exec 9>"$root/build/.lab-$prefix.lock"
  flock "--$1" -w 300 9 || die "another ./run lab has been busy for five minutes"
}
lock_one() {
  mkdir -p "$lab/locks"
  exec 8>"$lab/locks/$1"
  flock -w 300 8 || die "$1: another ./run lab has been busy with it for five minutes"
}

has_ipv4() { [ "$family" != ipv6 ]; }
has_ipv6() { [ "$family" != ipv4 ]; }
node_numbers() { seq 1 "$nodes"; }

## Namespaces

namespace_exists() { [ -e "/run/netns/$1" ]; }
ensure_namespace() {
  namespace_exists "$1" || ip netns add "$1"
  ip -n "$1" link set lo up
}
# `ip netns exec` would hide bpffs and cgroups behind a new /sys; this shares the file system.
inside() {
  local ns=$1
  shift
  nsenter --net="/run/netns/$ns" -- "$@"
}
set_sysctls() {
  local ns=$1
  shift
  inside "$ns" sysctl -qw "$@"
}
# Ours: $prefix-node1, $prefix-ext, $prefix-pod-NAME, … and nothing else that happens to begin alike.
our_namespaces() {
  local path
  for path in /run/netns/"$prefix"-*; do
    [[ ${path##*/} =~ ^$prefix-(net|ext|cp|node[0-9]+|pod-.+)$ ]] && echo "${path##*/}"
  done
  return 0
}

# The namespace that a name on the command line means: node1, ext, cp, net, or a pod.
namespace_of() {
  local name=$1 ns
  case $name in
    net | ext | cp) ns=$prefix-$name ;;
    node[0-9] | node[0-9][0-9] | node[0-9][0-9][0-9]) ns=$prefix-$name ;;
    *) ns=$prefix-pod-$name ;;
  esac
  namespace_exists "$ns" || die "$name: no such pod or node (have: $(our_namespaces | sed "s/^$prefix-//; s/^pod-//" | sort -u | xargs))"
  echo "$ns"
}

## cgroups: $prefix/nodeN/host for the agent and the node's own programs, $prefix/nodeN/pods/NAME for each pod

cgroup_root() {
  local mount
  mount=$(findmnt -nt cgroup2 -o TARGET | head -n 1)
  [ -n "$mount" ] && [ -w "$mount/cgroup.procs" ] || return 1
  echo "$mount/fairlead-lab/$prefix"
}
# Prints the directory; nothing where the machine has no cgroup v2 that we may write.
ensure_cgroup() {
  local base
  base=$(cgroup_root) || return 0
  ! mkdir -p "$base/$1" 2>/dev/null || echo "$base/$1"
}
remove_cgroups() {
  local base
  base=$(cgroup_root) || return 0
  [ -d "${base%/*}" ] || return 0
  # A killed process leaves its cgroup a moment after it is gone from /proc.
  wait_for 5 remove_cgroup_tree "$base" || say "note: $base could not be removed: $(cat "$base"/cgroup.events | xargs)"
  rmdir "${base%/*}" 2>/dev/null || true
}
remove_cgroup_tree() { [ ! -d "$1" ] || find "$1" -depth -type d -exec rmdir {} + 2>/dev/null; }

# Replaces this process by COMMAND inside a namespace and, if there is one, a cgroup.
enter() {
  local ns=$1 cgroup=$2
  shift 2
  [ -z "$cgroup" ] || echo "$BASHPID" >"$cgroup/cgroup.procs"
  exec nsenter --net="/run/netns/$ns" -- "$@"
}

## Processes: each has a pid file; a pid counts only while the process is in the namespace it was started in

# start_process PIDFILE LOG NAMESPACE CGROUP COMMAND…
start_process() {
  local pidfile=$1 log=$2 ns=$3 cgroup=$4
  shift 4
  (
    trap - EXIT
    [ -z "$cgroup" ] || echo "$BASHPID" >"$cgroup/cgroup.procs"
    exec setsid nsenter --net="/run/netns/$ns" -- "$@" </dev/null >>"$log" 2>&1 8>&- 9>&-
  ) &
  echo $! >"$pidfile"
  wait_for 10 has_entered_or_ended $! "$ns"
}
has_entered_or_ended() { process_is_over "$1" || [ "/proc/$1/ns/net" -ef "/run/netns/$2" ]; }
process_is_over() { [ ! -d "/proc/$1" ] || [ "$(state_of "$1")" = Z ]; }
is_running() {
  local pidfile=$1 ns=$2 pid
  pid=$(cat "$pidfile" 2>/dev/null) && [ -n "$pid" ] || return 1
  [ "/proc/$pid/ns/net" -ef "/run/netns/$ns" ] && ! process_is_over "$pid"
}
state_of() { sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null; }
is_gone() { ! is_running "$@"; }
# end_process PIDFILE NAMESPACE SIGNAL [SECONDS]: fails if it is still there then.
end_process() {
  local pidfile=$1 ns=$2 signal=$3 seconds=${4:-10}
  if is_running "$pidfile" "$ns"; then
    kill "-$signal" "$(cat "$pidfile")" 2>/dev/null || true
    wait_for "$seconds" is_gone "$pidfile" "$ns" || return 1
  fi
  rm -f "$pidfile"
}

# wait_for SECONDS COMMAND…: polls; false if it never came true.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -le "$deadline" ] || return 1
    read -rt 0.03 <> <(:) || true
  done
}

# The tool that servers, load and questions are made of.
tool() { echo "$bin/fairlead-lab"; }
