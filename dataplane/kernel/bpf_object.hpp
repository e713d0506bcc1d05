// A BPF object file in memory -> programs and maps in the kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.hpp"

struct bpf_object;

namespace fairlead {

/// A program that was loaded. `fd` belongs to the object.
struct BpfProgram {
  std::string name;     // of the C function
  std::string section;  // "tc", "cgroup/connect4"
  int fd = -1;
  std::uint32_t id = 0;                     // the kernel's
  std::uint32_t verified_instructions = 0;  // what the verifier walked; 0: Linux < 5.16
  std::uint32_t translated_bytes = 0;       // what it made of the program; 0: not known
};

/// Open, set sizes, constants and which programs, adopt maps, load: in this order, load() once.
/// Every name is that of the C source; an unknown one is an error. Programs and maps live as long
/// as this object, a pin, a link, or another file descriptor names them.
class BpfObject {
 public:
  /// `elf` need not outlive the call. `name` is for error messages.
  static Result<BpfObject> open(std::span<const std::byte> elf, const std::string& name);

  Result<> set_max_entries(const std::string& map, std::uint32_t entries);
  /// All constants of the source (section .rodata): `bytes` is as long as they are.
  Result<> set_constants(std::span<const std::byte> bytes);
  /// The map is one that exists. Another type or size than the source's is an error.
  Result<> adopt_map(const std::string& map, int fd);
  /// Programs are loaded unless this says no.
  Result<> skip_program(const std::string& program);

  /// The error ends with the last lines of what the verifier said.
  Result<> load();

  /// Names of all programs of the source, loaded or not; of all maps that have a name of their own.
  [[nodiscard]] std::vector<std::string> program_names() const;
  [[nodiscard]] std::vector<std::string> map_names() const;
  /// Loaded ones.
  [[nodiscard]] std::vector<BpfProgram> programs() const;
  /// -1: there is none, or it was not loaded. They belong to the object.
  [[nodiscard]] int program_fd(const std::string& program) const;
  [[nodiscard]] int map_fd(const std::string& map) const;

 private:
  struct Close {
    void operator()(bpf_object* object) const;
  };
  BpfObject(bpf_object* object, std::string name) : object_(object), name_(std::move(name)) {}
  std::unique_ptr<bpf_object, Close> object_;
  std::string name_;
};

}  // namespace fairlead
