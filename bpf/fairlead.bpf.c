// All programs, one object. Each SEC() calls one function of a header; the agent loads those that
// it attaches.
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/in6.h>

#include "packet_programs.h"
#include "socket_programs.h"

char LICENSE[] SEC("license") = "GPL";
