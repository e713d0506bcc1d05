// A neighbour's programs: each counts what it sees, and lets it pass.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

__u64 packets_by_tc, packets_by_xdp, connections;

SEC("tc")
int foreign_tc(struct __sk_buff* skb) {
  __sync_fetch_and_add(&packets_by_tc, 1);
  return TC_ACT_UNSPEC;
}

SEC("xdp")
int foreign_xdp(struct xdp_md* context) {
  __sync_fetch_and_add(&packets_by_xdp, 1);
  return XDP_PASS;
}

SEC("cgroup/connect4")
int foreign_connect(struct bpf_sock_addr* context) {
  __sync_fetch_and_add(&connections, 1);
  return 1;
}

char LICENSE[] SEC("license") = "GPL";
