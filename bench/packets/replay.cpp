// Frames -> BPF_PROG_RUN -> nanoseconds and verdicts.
#include "bench/packets/replay.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "bench/support/measure.hpp"

extern "C" const std::byte fairlead_replay_object_begin[], fairlead_replay_object_end[];

namespace fairlead::bench {
namespace {

template <class T>
T checked(Result<T> result) {
  if (!result) fail(result.error().doing);
  return *std::move(result);
}

BpfObject load_object() {
  BpfObject object = checked(
      BpfObject::open({fairlead_replay_object_begin, fairlead_replay_object_end}, "replay"));
  if (const auto loaded = object.load(); !loaded) fail(loaded.error().doing);
  return object;
}

std::uint32_t last_word(const Ip& ip) {
  std::uint32_t word = 0;
  std::memcpy(&word, &ip.bytes[12], sizeof(word));
  return word;
}

bool is_tc(Hook hook) { return hook == Hook::kTc; }

const char* replaying_program(Hook hook) {
  switch (hook) {
    case Hook::kXdp:
      return "replay_xdp";
    case Hook::kTc:
      return "replay_tc";
    case Hook::kXdpUnwrapped:
      return "replay_unwrapped_xdp";
  }
  fail("no such hook");
}

double thread_cpu_ns() {
  timespec time{};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

}  // namespace

Replay::Replay(int interface) : object_(load_object()), interface_(interface) {
  void* memory = ::mmap(nullptr, REPLAY_VARIANTS * sizeof(variant), PROT_READ | PROT_WRITE,
                        MAP_SHARED, object_.map_fd("variants"), 0);
  if (memory == MAP_FAILED) fail("the variants cannot be mapped");
  variants_ = static_cast<variant*>(memory);
}

int Replay::empty_program(Hook hook) const {
  return object_.program_fd(is_tc(hook) ? "empty_tc" : "empty_xdp");
}

int Replay::wrapping_program() const { return object_.program_fd("wrap_xdp"); }

Run Replay::run(Hook hook, int program, const Frame& frame, std::uint32_t times, Frame* out) const {
  const auto size = static_cast<std::uint32_t>(frame.size());
  xdp_md xdp{};
  xdp.data_end = size;
  xdp.ingress_ifindex = static_cast<std::uint32_t>(interface_);
  __sk_buff skb{};
  skb.ifindex = static_cast<std::uint32_t>(interface_);
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.data_in = frame.data();
  options.data_size_in = size;
  options.ctx_in = is_tc(hook) ? static_cast<void*>(&skb) : &xdp;
  options.ctx_size_in = is_tc(hook) ? sizeof(skb) : sizeof(xdp);
  options.repeat = static_cast<int>(times);
  if (out != nullptr) {
    options.data_out = out->data();
    options.data_size_out = static_cast<std::uint32_t>(out->size());
  }
  const double start = thread_cpu_ns();
  if (const int error = bpf_prog_test_run_opts(program, &options); error != 0)
    fail(fmt::format("BPF_PROG_RUN: {}", std::strerror(-error)));
  const double ns = (thread_cpu_ns() - start) / times;
  if (out != nullptr) out->resize(options.data_size_out);
  return {.ns = ns, .verdict = options.retval};
}

Passed Replay::once(Hook hook, int program, const Frame& frame) const {
  Frame out(frame.size() + 256);
  const Run done = run(hook, program, frame, 1, &out);
  return {done.verdict, std::move(out)};
}

Run Replay::same(Hook hook, int program, const Frame& frame, std::uint32_t times) const {
  return run(hook, program, frame, times, nullptr);
}

Run Replay::in_turn(Hook hook, int program, const std::vector<Tuple>& tuples, std::uint8_t flags,
                    std::uint32_t times) {
  if (tuples.size() > REPLAY_VARIANTS || !std::has_single_bit(tuples.size()))
    fail("as many flows as that cannot be sent in turn");
  for (std::size_t i = 0; i < tuples.size(); ++i)
    variants_[i] = {.source = last_word(tuples[i].source),
                    .destination = last_word(tuples[i].destination),
                    .source_port = htons(tuples[i].source_port.host),
                    .destination_port = htons(tuples[i].destination_port.host),
                    .pad = 0};
  const Frame frame = tcp_frame(tuples[0], flags);
  replay value{};
  value.mask = static_cast<std::uint32_t>(tuples.size() - 1);
  value.length = static_cast<std::uint32_t>(frame.size());
  std::memcpy(value.bytes, frame.data(), frame.size());
  const std::uint32_t zero = 0;
  if (bpf_map_update_elem(object_.map_fd("replay"), &zero, &value, BPF_ANY) != 0 ||
      bpf_map_update_elem(object_.map_fd(is_tc(hook) ? "target_tc" : "target_xdp"), &zero, &program,
                          BPF_ANY) != 0)
    fail(fmt::format("the program cannot be called after another: {}", std::strerror(errno)));
  return run(hook, object_.program_fd(replaying_program(hook)), frame, times, nullptr);
}

}  // namespace fairlead::bench
