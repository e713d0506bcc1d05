# shellcheck shell=bash
# The wire and the nodes: a bridge in $prefix-net, one veth to each namespace that is on the wire, and the way between the
# nodes' pods. Nothing is made in, or changed of, the machine's own network namespace.
#
#   fl-node1 eth0 198.18.0.1 ─┐                    198.18.0.0/24, fd18::/64
#   fl-node2 eth0 198.18.0.2 ─┤ br0 in fl-net (198.18.0.253)
#   fl-ext   eth0 198.18.0.250┤
#   fl-cp    eth0 198.18.0.254┘

router_octet=253 ext_octet=250 cp_octet=254
service_cidr4=10.96.0.0/16 service_cidr6=fd00:96::/112

wire4() { echo "198.18.0.$1"; }
wire6() { echo "fd18::$1"; }
pods4() { echo "10.244.$1.0/24"; }
pods6() { echo "fd00:244:$1::/64"; }
# Of two words the one for IPv4 and the one for IPv6, or whichever the lab has: one a line.
by_family() {
  ! has_ipv4 || echo "$1"
  ! has_ipv6 || echo "$2"
}
lines_to_json() { jq -Rn '[inputs]'; }

make_wire() {
  ensure_namespace "$prefix-net"
  if ! ip -n "$prefix-net" link show br0 >/dev/null 2>&1; then
    ip -n "$prefix-net" link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
    quiet_ipv6 "$prefix-net"
    add_wire_addresses "$prefix-net" br0 "$router_octet"
  fi
  join_wire ext "$ext_octet"
  join_wire cp "$cp_octet"
}

# Addresses are usable at once: no duplicate address detection, and no router advertisement is believed.
quiet_ipv6() {
  [ -d /proc/sys/net/ipv6 ] || return 0
  set_sysctls "$1" net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
    net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.default.accept_ra=0
}

add_wire_addresses() {
  local ns=$1 link=$2 octet=$3
  ip -n "$ns" address replace "$(wire4 "$octet")/24" dev "$link"
  ! has_ipv6 || ip -n "$ns" address replace "$(wire6 "$octet")/64" dev "$link" nodad
  ip -n "$ns" link set "$link" up
}

# join_wire NAME OCTET: makes the namespace and puts its eth0 on the bridge.
join_wire() {
  local name=$1 octet=$2 ns=$prefix-$1
  ensure_namespace "$ns"
  ip -n "$ns" link show eth0 >/dev/null 2>&1 && return
  quiet_ipv6 "$ns"
  ip link add eth0 netns "$ns" type veth peer name "$name" netns "$prefix-net"
  ip -n "$prefix-net" link set "$name" master br0 up
  add_wire_addresses "$ns" eth0 "$octet"
}

make_node() {
  local n=$1 ns=$prefix-node$1
  join_wire "node$n" "$n"
  set_sysctls "$ns" net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
    net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0
  [ ! -d /proc/sys/net/ipv6 ] || set_sysctls "$ns" net.ipv6.conf.all.forwarding=1
  # As on any real node. Without one the node itself could not even begin a connection to a ClusterIP.
  ip -n "$ns" route replace default via "$(wire4 "$router_octet")"
  ! has_ipv6 || ip -n "$ns" -6 route replace default via "$(wire6 "$router_octet")"
}

## Between the nodes: the agents' matter (podNetwork.mode is --network).

say_how_nodes_are_connected() {
  if [ "$network" = vxlan ]; then
    echo "VXLAN (flvx0), also though they share a link"
  else
    echo "BGP, with each other and with the router (BIRD in $prefix-net)"
  fi
}
