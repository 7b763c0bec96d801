#include "apportion/expr/value_graph.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <span>

#include "apportion/expr/diagnostic.hpp"

namespace apportion {
namespace {

// Operands a, b, c that an operation uses. Calls have theirs in a list.
unsigned operand_count(ExprOp op) {
  if (op == ExprOp::kSelect) return 3;
  if (op >= ExprOp::kAdd || (op >= ExprOp::kTextLess && op <= ExprOp::kContains)) return 2;
  return op >= ExprOp::kTextSize || op == ExprOp::kMember ? 1 : 0;
}

}  // namespace

std::optional<std::uint32_t> fused_first(ExprOp op) {
  switch (op) {
    case ExprOp::kAdd:
      return 0;
    case ExprOp::kSubtract:
      return 1;
    case ExprOp::kMultiply:
      return 2;
    case ExprOp::kDivide:
      return 3;
    default:
      return std::nullopt;
  }
}

std::optional<std::uint32_t> fused_second(ExprOp op, bool first_is_left) {
  switch (op) {
    case ExprOp::kAdd:
      return 0;
    case ExprOp::kMultiply:
      return 1;
    case ExprOp::kSubtract:
      return first_is_left ? 2 : 3;
    case ExprOp::kAddPresent:
      return first_is_left ? std::nullopt : std::optional(4U);
    default:
      return std::nullopt;
  }
}

std::size_t ExprValueGraph::KeyHash::operator()(const Key& key) const noexcept {
  std::uint64_t hash = key.low * 0x9E3779B97F4A7C15U ^ std::rotl(key.high, 29) * 0xBF58476D1CE4E5B9U ^ key.constant;
  hash ^= hash >> 31U;
  return static_cast<std::size_t>(hash * 0x94D049BB133111EBU);
}

ExprValueId ExprValueGraph::add(const ExprValue& value) {
  const std::uint64_t spreading = value.uniform ? 0 : 1;
  const Key key{static_cast<std::uint64_t>(value.op) << 33U | spreading << 32U | value.aux,
                std::uint64_t{value.a} << 40U | std::uint64_t{value.b} << 20U | value.c,
                std::bit_cast<std::uint64_t>(value.constant)};
  const auto [place, fresh] = known_.try_emplace(key, static_cast<ExprValueId>(values_.size()));
  if (!fresh) return place->second;
  if (values_.size() >= kMaxExpressionOperations) {
    throw ExpressionFailure{0, "found more than " + std::to_string(kMaxExpressionOperations) +
                                   " operations (a vector counts once per dimension), expected a shorter expression"};
  }
  values_.push_back(value);
  return place->second;
}

ExprValueId ExprValueGraph::constant(double value) {
  return add(
      {ExprOp::kConstant, true, 0, 0, 0, 0, std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value});
}

ExprValueId ExprValueGraph::literal(std::string_view text) {
  const auto [place, fresh] =
      literal_numbers_.try_emplace(std::string(text), static_cast<std::uint32_t>(literals_.size()));
  if (fresh) literals_.emplace_back(text);
  return add({ExprOp::kLiteral, true, place->second, 0, 0, 0, 0});
}

std::uint32_t ExprValueGraph::ref_number(const Ref& ref) {
  const std::uint64_t key = std::uint64_t{ref.id} << 32U | static_cast<std::uint64_t>(ref.read) << 16U |
                            static_cast<std::uint64_t>(ref.type) << 8U | static_cast<std::uint64_t>(ref.uniform);
  const auto [place, fresh] = ref_numbers_.try_emplace(key, static_cast<std::uint32_t>(refs_.size()));
  if (fresh) refs_.push_back(ref);
  return place->second;
}

ExprValueId ExprValueGraph::read(const Ref& ref) {
  return add({ExprOp::kRead, ref.uniform, ref_number(ref), 0, 0, 0, 0});
}

ExprValueId ExprValueGraph::spread(ExprValueId value) {
  return values_[value].uniform ? add({ExprOp::kSpread, false, 0, value, 0, 0, 0}) : value;
}

ExprValueId ExprValueGraph::call(const Ref& function, std::vector<ExprValueId> arguments) {
  const bool uniform =
      function.uniform && std::ranges::all_of(arguments, [this](ExprValueId id) { return values_[id].uniform; });
  if (!uniform) std::ranges::transform(arguments, arguments.begin(), [this](ExprValueId id) { return spread(id); });
  Call call{ref_number(function), std::move(arguments)};
  const auto [place, fresh] = call_numbers_.try_emplace(call, static_cast<std::uint32_t>(calls_.size()));
  if (fresh) calls_.push_back(std::move(call));
  return add({ExprOp::kCall, uniform, place->second, 0, 0, 0, 0});
}

ExprValueId ExprValueGraph::member(const Ref& list, ExprValueId symbol) {
  const bool uniform = list.uniform && values_[symbol].uniform;
  return add({ExprOp::kMember, uniform, ref_number(list), uniform ? symbol : spread(symbol), 0, 0, 0});
}

ExprValueId ExprValueGraph::apply(ExprOp op, ExprValueId a, ExprValueId b, ExprValueId c, unsigned operands) {
  const ExprValueId ids[] = {a, b, c};
  const auto used = std::span(ids).first(operands);
  if (is_pure(op) && std::ranges::all_of(used, [this](ExprValueId id) { return is_constant(id); })) {
    return constant(fold(op, values_[a].constant, values_[b].constant, values_[c].constant));
  }
  const bool uniform = std::ranges::all_of(used, [this](ExprValueId id) { return values_[id].uniform; });
  return add({op, uniform, 0, a, operands > 1 ? b : 0, operands > 2 ? c : 0, 0});
}

ExprValueId ExprValueGraph::apply(ExprOp op, ExprValueId a) { return apply(op, a, a, a, 1); }

ExprValueId ExprValueGraph::apply(ExprOp op, ExprValueId a, ExprValueId b) {
  const double neutral = op == ExprOp::kAnd ? 1 : 0;
  if (op == ExprOp::kAnd || op == ExprOp::kOr) {
    if (is_constant(a, neutral)) return b;
    if (is_constant(b, neutral)) return a;
    if (is_constant(a, 1 - neutral) || is_constant(b, 1 - neutral)) return constant(1 - neutral);
  }
  return apply(op, a, b, a, 2);
}

ExprValueId ExprValueGraph::select(ExprValueId condition, ExprValueId yes, ExprValueId no) {
  if (is_constant(condition, 1)) return yes;
  if (is_constant(condition, 0)) return no;
  return apply(ExprOp::kSelect, condition, yes, no, 3);
}

/// Code for one result: the needed values in order, uniform ones with a register each, lane registers reused after
/// their last use. A lane operation whose only use is the next arithmetic is fused with it: one pass over the lanes
/// less.
class ExprEmitter {
 public:
  explicit ExprEmitter(const ExprValueGraph& graph)
      : graph_(graph),
        last_use_(graph.values_.size()),
        uses_(last_use_),
        fused_(last_use_),
        places_(last_use_.size()) {}

  ExprCode run(ExprValueId result) {
    code_.literals = graph_.literals_;
    mark(result);
    fuse();
    mark(result);
    place_constants();
    for (ExprValueId id = 0; id <= result; ++id) {
      if (last_use_[id] != 0 && graph_.values_[id].op != ExprOp::kConstant) emit(id);
    }
    code_.result = places_[result];
    require_registers();
    place_registers();
    return std::move(code_);
  }

 private:
  void require_registers() const {
    if (code_.lane_registers <= kMaxExpressionRegisters) return;
    throw ExpressionFailure{0, "found " + std::to_string(code_.lane_registers) +
                                   " intermediate values at once, expected at most " +
                                   std::to_string(kMaxExpressionRegisters)};
  }

  // Uniform registers come after the lanes, so where they begin is only known now.
  void place_registers() {
    const auto place = [this](ExprOperand& operand) { operand.at = code_.place_of(operand); };
    for (auto* instructions : {&code_.uniform, &code_.lanes}) {
      for (ExprInstruction& i : *instructions)
        std::ranges::for_each(std::array{&i.out, &i.a, &i.b, &i.c}, [&](auto* o) { place(*o); });
    }
    for (ExprCall& call : code_.calls) std::ranges::for_each(call.arguments, place);
    place(code_.result);
  }

  // A fused value has the operands of the absorbed one, then its own other operand.
  template <class Visit>
  void visit_operands(ExprValueId id, Visit visit) const {
    const ExprValue& value = graph_.values_[id];
    if (value.op == ExprOp::kCall) {
      for (const ExprValueId argument : graph_.calls_[value.aux].arguments) visit(argument);
    } else if (fused_[id] != 0) {
      const ExprValueId inner = value.a == fused_[id] ? value.a : value.b;
      visit(graph_.values_[inner].a);
      visit(graph_.values_[inner].b);
      visit(value.a == inner ? value.b : value.a);
    } else {
      const ExprValueId ids[] = {value.a, value.b, value.c};
      for (unsigned k = 0; k < operand_count(value.op); ++k) visit(ids[k]);
    }
  }

  // last_use_ is the number of the last value that needs this one, plus one; 0 = not needed. The result is needed to
  // the end.
  void mark(ExprValueId result) {
    std::ranges::fill(last_use_, 0U);
    std::ranges::fill(uses_, 0U);
    last_use_[result] = ~0U;
    for (ExprValueId id = result + 1; id-- > 0;) {
      if (last_use_[id] == 0) continue;
      visit_operands(id, [&](ExprValueId operand) {
        last_use_[operand] = std::max(last_use_[operand], id + 1);
        ++uses_[operand];
      });
    }
  }

  // 0 is never an absorbed value: it has operands, so others come before it.
  void fuse() {
    for (ExprValueId id = 0; id < last_use_.size(); ++id) {
      const ExprValue& value = graph_.values_[id];
      if (last_use_[id] == 0 || value.uniform) continue;
      if (fused_second(value.op, true) && absorbable(value.a)) {
        fused_[id] = value.a;
      } else if (fused_second(value.op, false) && absorbable(value.b)) {
        fused_[id] = value.b;
      }
    }
  }

  [[nodiscard]] bool absorbable(ExprValueId id) const {
    const ExprValue& value = graph_.values_[id];
    return !value.uniform && uses_[id] == 1 && fused_[id] == 0 && fused_first(value.op).has_value();
  }

  [[nodiscard]] std::uint32_t fused_number(ExprValueId id) const {
    const ExprValue& value = graph_.values_[id];
    const std::uint32_t first = fused_first(graph_.values_[fused_[id]].op).value();
    return first * kFusedSeconds + fused_second(value.op, value.a == fused_[id]).value();
  }

  ExprOperand uniform_register() { return {ExprOperand::kUniformBit | code_.uniform_registers++, 0}; }

  void place_constants() {
    for (ExprValueId id = 0; id < last_use_.size(); ++id) {
      if (last_use_[id] == 0 || graph_.values_[id].op != ExprOp::kConstant) continue;
      code_.constants.push_back(graph_.values_[id].constant);
      places_[id] = uniform_register();
    }
  }

  ExprOperand lane_register() {
    if (free_.empty()) return {code_.lane_registers++, 0};
    const std::uint32_t index = free_.back();
    free_.pop_back();
    return {index, 0};
  }

  // Operands that end here give their register back; once, though an operand may stand twice.
  void release(ExprValueId id) {
    visit_operands(id, [&](ExprValueId operand) {
      if (last_use_[operand] != id + 1 || places_[operand].uniform()) return;
      free_.push_back(places_[operand].index());
      last_use_[operand] = 0;
    });
  }

  void emit(ExprValueId id) {
    const ExprValue& value = graph_.values_[id];
    ExprInstruction instruction{fused_[id] != 0 ? ExprOp::kFused : value.op, 0, 0, {}, {}, {}, {}};
    ExprOperand* operands[] = {&instruction.a, &instruction.b, &instruction.c};
    std::size_t next = 0;
    if (value.op != ExprOp::kCall)
      visit_operands(id, [&](ExprValueId operand) { *operands[next++] = places_[operand]; });
    instruction.aux = fused_[id] != 0 ? fused_number(id) : auxiliary(value);
    instruction.loop = static_cast<std::uint16_t>(static_cast<std::uint32_t>(instruction.op) +
                                                  (fused_[id] != 0 ? instruction.aux : 0));
    // Pure loops may write over an operand; the Source must not.
    const bool in_place = is_pure(value.op) && !value.uniform;
    if (in_place) release(id);
    instruction.out = places_[id] = value.uniform ? uniform_register() : lane_register();
    if (!in_place) release(id);
    (value.uniform ? code_.uniform : code_.lanes).push_back(instruction);
  }

  std::uint32_t auxiliary(const ExprValue& value) {
    switch (value.op) {
      case ExprOp::kRead:
      case ExprOp::kMember:
        return live_ref(value.aux);
      case ExprOp::kCall:
        return live_call(graph_.calls_[value.aux]);
      default:
        return value.aux;
    }
  }

  std::uint32_t live_ref(std::uint32_t number) {
    const Ref& ref = graph_.refs_[number];
    code_.reads.kinds |= 1U << static_cast<unsigned>(ref.read);
    const auto found = live_refs_.try_emplace(number, static_cast<std::uint32_t>(code_.refs.size()));
    if (found.second) code_.refs.push_back(ref), code_.reads.refs.push_back(ref);
    return found.first->second;
  }

  std::uint32_t live_call(const ExprValueGraph::Call& call) {
    ExprCall emitted{graph_.refs_[call.ref], {}};
    live_ref(call.ref);
    for (const ExprValueId argument : call.arguments) emitted.arguments.push_back(places_[argument]);
    code_.calls.push_back(std::move(emitted));
    return static_cast<std::uint32_t>(code_.calls.size() - 1);
  }

  const ExprValueGraph& graph_;
  std::vector<std::uint32_t> last_use_;
  std::vector<std::uint32_t> uses_;
  std::vector<ExprValueId> fused_;  ///< the value that this one absorbed; 0 = none
  std::vector<ExprOperand> places_;
  std::vector<std::uint32_t> free_;
  std::unordered_map<std::uint32_t, std::uint32_t> live_refs_;
  ExprCode code_;
};

std::uint32_t ExprCode::place_of(ExprOperand operand) {
  return operand.index() * static_cast<std::uint32_t>(operand.uniform() ? kUniformCopies : kBlockLanes);
}

ExprCode ExprValueGraph::finish(ExprValueId result) const { return ExprEmitter(*this).run(result); }

}  // namespace apportion
