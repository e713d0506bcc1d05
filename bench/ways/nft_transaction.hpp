// Text for `nft -f -`, one command a line, all of one table: as kube-proxy's library writes it.
#pragma once

#include <fmt/format.h>

#include <compare>
#include <iterator>
#include <string>
#include <string_view>

#include "model/ip.hpp"

namespace fairlead::bench {

/// Of a set (`value` empty) or map.
struct NftElement {
  std::string container, key, value, comment;
  auto operator<=>(const NftElement&) const = default;
};

class NftTransaction {
 public:
  explicit NftTransaction(Family family)
      : table_(family == Family::kIpv4 ? "ip kube-proxy" : "ip6 kube-proxy") {}

  void table(std::string_view comment) {
    line("add table {} {{ comment \"{}\" ; }}", table_, comment);
  }
  void base_chain(std::string_view name, std::string_view type, std::string_view hook,
                  int priority) {
    line("add chain {} {} {{ type {} hook {} priority {} ; }}", table_, name, type, hook, priority);
    line("flush chain {} {}", table_, name);
  }
  void chain(std::string_view name, std::string_view comment = "") {
    line("add chain {} {}{}", table_, name,
         comment.empty() ? "" : fmt::format(" {{ comment \"{}\" ; }}", comment));
    flush_chain(name);
  }
  void flush_chain(std::string_view name) { line("flush chain {} {}", table_, name); }
  void delete_chain(std::string_view name) { line("delete chain {} {}", table_, name); }
  void rule(std::string_view chain, std::string_view rule, std::string_view comment = "") {
    line("add rule {} {} {}{}", table_, chain, rule,
         comment.empty() ? "" : fmt::format(" comment \"{}\"", comment));
  }
  /// `kind`: "set" or "map".
  void container(std::string_view kind, std::string_view name, std::string_view type,
                 std::string_view comment) {
    line("add {} {} {} {{ type {} ; comment \"{}\" ; }}", kind, table_, name, type, comment);
    line("flush {} {} {}", kind, table_, name);
  }
  void affinity_set(std::string_view name, std::string_view type, long long seconds) {
    line("add set {} {} {{ type {} ; flags dynamic,timeout ; timeout {}s ; }}", table_, name, type,
         seconds);
  }
  void delete_set(std::string_view name) { line("delete set {} {}", table_, name); }
  void add(const NftElement& element) {
    line("add element {} {} {{ {}{}{} }}", table_, element.container, element.key,
         element.comment.empty() ? "" : fmt::format(" comment \"{}\"", element.comment),
         element.value.empty() ? "" : " : " + element.value);
  }
  void remove(const NftElement& element) {
    line("delete element {} {} {{ {} }}", table_, element.container, element.key);
  }

  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  template <class... Parts>
  void line(fmt::format_string<Parts...> format, Parts&&... parts) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Parts>(parts)...);
    text_ += '\n';
  }
  std::string table_, text_;
};

}  // namespace fairlead::bench
