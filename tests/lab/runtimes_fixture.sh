# Sourced by runtimes_test.sh: container runtimes as they come from Debian, with all their files below $scratch, in node1 of a
# lab. What they start is ended by their own words, and what then still has its files open is ended by its process id.
#
#   podman …        in node1's network, with the conflist of node1's agent
#   make_libcni, make_network and libcni  the same, without a runtime
#   with_containerd and ctr, cri      in node1's network and a mount namespace of its own, where /etc/cni/net.d and /opt/cni/bin are ours
source tests/lab/fixture.sh
export FAIRLEAD_LAB_PREFIX=flrun
node=/run/netns/$FAIRLEAD_LAB_PREFIX-node1
conflists=$FAIRLEAD_LAB_DIR/node1/cni
pods_cgroup=/fairlead-lab/$FAIRLEAD_LAB_PREFIX/node1/pods

in_node() { nsenter --net="$node" -- "$@"; }
podman() { in_node podman "$@"; }
needs() {
  local command
  for command in "$@"; do command -v "$command" >/dev/null || skip "no $command here"; done
}

# The agent asks podman as well, so this must be set before the lab comes up.
configure_podman() {
  mkdir -p "$scratch/podman"
  cat >"$scratch/podman/containers.conf" <<EOT
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[network]
network_backend = "cni"
cni_plugin_dirs = ["$FAIRLEAD_BIN"]
network_config_dir = "$conflists"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
static_dir = "$scratch/podman/static"
tmp_dir = "$scratch/podman/tmp"
volume_path = "$scratch/podman/volumes"
EOT
  cat >"$scratch/podman/storage.conf" <<EOT
[storage]
driver = "vfs"
graphroot = "$scratch/podman/root"
runroot = "$scratch/podman/run"
EOT
  export CONTAINERS_CONF=$scratch/podman/containers.conf CONTAINERS_STORAGE_CONF=$scratch/podman/storage.conf
  [ -e /var/lib/cni ] || made_cni_cache=yes # libcni's, whatever the runtimes are told
}

# busybox alone, which serves HTTP, in podman and as an OCI archive
make_image() {
  local applet
  mkdir -p "$scratch/rootfs/bin" "$scratch/rootfs/www"
  cp "$(command -v busybox)" "$scratch/rootfs/bin/busybox"
  for applet in sh ip ping; do ln -s busybox "$scratch/rootfs/bin/$applet"; done
  echo it is me >"$scratch/rootfs/www/index.html"
  tar -C "$scratch/rootfs" -c . | podman import -q --change "CMD /bin/busybox httpd -f -p 8080 -h /www" - local/tiny:latest >/dev/null
  podman save -q --format oci-archive -o "$scratch/tiny.tar" local/tiny:latest
}

# run_container NAME [OPTION…]: serves HTTP at port 8080
run_container() {
  local name=$1
  shift
  podman run -d --name "$name" --network fairlead --cgroup-parent="$pods_cgroup" "$@" local/tiny:latest >/dev/null
}
address_of() { podman exec "$1" ip -4 -o addr show eth0 | sed 's/.*inet \([0-9.]*\).*/\1/'; }

make_libcni() { GOPATH=/usr/share/gocode GO111MODULE=off GOCACHE=$scratch/go go build -o "$scratch/libcni" tests/lab/libcni/main.go; }
# make_network VERSION: the agent's, of that version, with tuning behind it
make_network() {
  mkdir -p "$scratch/networks"
  jq --arg version "$1" '.cniVersion = $version | .plugins += [{type: "tuning", sysctl: {"net.core.somaxconn": "501"}}]' \
    "$conflists/05-fairlead.conflist" >"$scratch/networks/10-test.conflist"
}
# libcni VERB NETNS [CAPABILITIES]
libcni() {
  local verb=$1 pod=$2
  shift 2
  in_node "$scratch/libcni" "$verb" "$scratch/networks" fairlead "/run/netns/$pod" "$pod" "$FAIRLEAD_BIN:/usr/lib/cni" "$@"
}

with_containerd() {
  cat >"$scratch/containerd.toml" <<EOT
version = 2
root = "$scratch/containerd/root"
state = "$scratch/containerd/state"
[grpc]
  address = "$scratch/containerd.sock"
[ttrpc]
  address = "$scratch/containerd.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/local/tiny:latest"
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
EOT
  mkdir -p "$scratch/plugins"
  ln -sf "$FAIRLEAD_BIN/fairlead-cni" "$scratch/plugins/"
  [ ! -x /usr/lib/cni/loopback ] || ln -sf /usr/lib/cni/loopback "$scratch/plugins/" # containerd wants it for each sandbox
  # `ctr run --cni` knows these two directories and no others.
  [ -d /etc/cni/net.d ] || { mkdir -p /etc/cni/net.d && made_cni_directory=yes; }
  nsenter --net="$node" -- unshare --mount bash -c '
    set -e
    mount --bind "$2" /etc/cni/net.d
    mount -t tmpfs tmpfs /opt
    mkdir -p /opt/cni/bin
    mount --bind "$1/plugins" /opt/cni/bin
    mount -t tmpfs tmpfs /run/netns
    exec containerd -c "$1/containerd.toml"' bash "$scratch" "$conflists" >"$scratch/containerd.log" 2>&1 &
  echo $! >"$scratch/containerd.pid"
  eventually 30 ctr version || { tail "$scratch/containerd.log" >&2; return 1; }
  ctr image import --snapshotter native "$scratch/tiny.tar" >/dev/null && ctr -n k8s.io image import --snapshotter native "$scratch/tiny.tar" >/dev/null
}
in_containerd() { nsenter --mount="/proc/$(cat "$scratch/containerd.pid")/ns/mnt" --net="$node" -- "$@"; }
ctr() { in_containerd ctr -a "$scratch/containerd.sock" "$@"; }
cri() { tests/lab/cri.py "$scratch/containerd.sock" "$@"; }

has_ended() { [ -z "$(tr -d '\0' <"/proc/$1/cmdline")" ]; } # an empty one is a zombie's
# Ends what runs and takes away what lies outside of $scratch; cleanup of the lab's tests does the rest.
remove_runtimes() {
  local pid name
  [ -z "${CONTAINERS_CONF:-}" ] || podman rm -fa -t 0 >/dev/null 2>&1
  for name in $(ip netns list | grep -o '^flrun-libcni-[^ ]*'); do ip netns del "$name"; done
  if pid=$(cat "$scratch/containerd.pid"); then kill "$pid" && eventually 10 has_ended "$pid"; fi
  # Shims and containers outlive containerd: they are those with our directory in their command line, and their children.
  for pid in $(pgrep -f -- "$scratch/containerd.sock"); do kill -KILL $(pgrep -P "$pid") "$pid"; done
  # Of cgroup v1, where the machine has it beside v2, whose directories the lab itself removes.
  find /sys/fs/cgroup/*/fairlead-lab/"$FAIRLEAD_LAB_PREFIX" -depth -type d -exec rmdir {} +
  rmdir /sys/fs/cgroup/*/fairlead-lab
  [ -z "${made_cni_cache:-}" ] || rm -rf /var/lib/cni
  [ -z "${made_cni_directory:-}" ] || rmdir -p --ignore-fail-on-non-empty /etc/cni/net.d
  grep -o " $scratch/[^ ]*" /proc/self/mountinfo | sort -r | xargs -r umount -l
} 2>/dev/null
