// The names of an expression, supplied by the caller of compile(): expr itself knows none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/expr/ref.hpp"

namespace apportion {

/// Resolves paths at compile time. Only used inside compile(); a Program keeps no pointer to it. Thread-compatible: the
/// members are const and called from the compiling thread alone.
class Scope {
 public:
  virtual ~Scope() = default;

  /// `path` is dotted, as written: "self.labels.tier", "used.gb", "used", "now". `self.labels["a-b"]` arrives as
  /// "self.labels.a-b". Nothing for a path that does not exist.
  [[nodiscard]] virtual std::optional<Ref> resolve(std::string_view path) const = 0;

  /// `root(...).path`, for example ("group", "used.gb"); `path` is empty for a plain call. Never asked for the
  /// functions of the language itself. Nothing for what does not exist.
  [[nodiscard]] virtual std::optional<HostFunction> resolve_function(std::string_view root,
                                                                     std::string_view path) const {
    static_cast<void>(root);
    static_cast<void>(path);
    return std::nullopt;
  }

  /// Components of every vector, 0 to 64.
  [[nodiscard]] virtual std::uint32_t dimensions() const = 0;

  /// Known paths, for "did you mean"; members of host functions as "group().load". Asked only when a name is unknown.
  [[nodiscard]] virtual std::vector<std::string> names() const = 0;
};

}  // namespace apportion
