// The operations of an expression before they get registers: each distinct one once. Internal to expr.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apportion/expr/bytecode.hpp"

namespace apportion {

/// Number of a value; operands have lower numbers than what uses them.
using ExprValueId = std::uint32_t;

struct ExprValue {
  ExprOp op = ExprOp::kConstant;
  bool uniform = true;
  std::uint32_t aux = 0;
  ExprValueId a = 0, b = 0, c = 0;
  double constant = 0;
};

/// Builds values with constant folding and without repetition, then turns those that a result needs into code.
class ExprValueGraph {
 public:
  ExprValueId constant(double value);
  ExprValueId literal(std::string_view text);
  ExprValueId read(const Ref& ref);
  ExprValueId call(const Ref& function, std::vector<ExprValueId> arguments);
  ExprValueId member(const Ref& list, ExprValueId symbol);
  ExprValueId apply(ExprOp op, ExprValueId a);
  ExprValueId apply(ExprOp op, ExprValueId a, ExprValueId b);
  ExprValueId select(ExprValueId condition, ExprValueId yes, ExprValueId no);

  /// Throws ExpressionFailure when too many registers are needed.
  [[nodiscard]] ExprCode finish(ExprValueId result) const;

 private:
  friend class ExprEmitter;
  struct Call {
    std::uint32_t ref;
    std::vector<ExprValueId> arguments;
    friend auto operator<=>(const Call&, const Call&) = default;
  };
  struct Key {
    std::uint64_t low, high, constant;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };

  ExprValueId add(const ExprValue& value);
  ExprValueId spread(ExprValueId value);
  ExprValueId apply(ExprOp op, ExprValueId a, ExprValueId b, ExprValueId c, unsigned operands);
  std::uint32_t ref_number(const Ref& ref);
  [[nodiscard]] bool is_constant(ExprValueId value) const { return values_[value].op == ExprOp::kConstant; }
  [[nodiscard]] bool is_constant(ExprValueId value, double expected) const {
    return is_constant(value) && values_[value].constant == expected;
  }

  std::vector<ExprValue> values_;
  std::unordered_map<Key, ExprValueId, KeyHash> known_;
  std::vector<Ref> refs_;
  std::unordered_map<std::uint64_t, std::uint32_t> ref_numbers_;
  std::vector<std::string> literals_;
  std::map<std::string, std::uint32_t, std::less<>> literal_numbers_;
  std::vector<Call> calls_;
  std::map<Call, std::uint32_t> call_numbers_;
};

}  // namespace apportion
