// Compiled expressions: from text to something that scores 256 candidates at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apportion/base/status.hpp"
#include "apportion/expr/diagnostic.hpp"
#include "apportion/expr/ref.hpp"
#include "apportion/expr/scope.hpp"
#include "apportion/expr/source.hpp"

namespace apportion {

/// Candidates of one call of Program::evaluate at most.
inline constexpr std::uint32_t kBlockLanes = 256;
/// Limits of compile(); beyond them an expression is refused with an error.
inline constexpr std::size_t kMaxExpressionBytes = 16 * 1024;
inline constexpr std::size_t kMaxExpressionNodes = 4096;
inline constexpr std::uint32_t kMaxExpressionDepth = 64;
inline constexpr std::size_t kMaxExpressionOperations = 16 * 1024;
inline constexpr std::size_t kMaxExpressionRegisters = 1024;

/// Working memory of one Program in one thread: it belongs to a Program from begin() until the last evaluate(). Grows
/// to the largest Program it has met and stays there, so a warm Scratch allocates nothing. A Scratch that no other
/// Program uses stays begun for as long as what begin() reads is the same: evaluate() then needs no begin() before it,
/// however often it is called and whatever the rows and the Source. What is the same for all candidates it keeps for
/// itself; the rest is nobody's between two calls, so that copies of a Scratch, which share it, may take turns.
class Scratch {
 public:
  Scratch() = default;

  /// Of what it keeps for itself.
  [[nodiscard]] std::size_t bytes() const { return uniform_.capacity() * sizeof(double); }

 private:
  friend class Program;
  /// Memory that vector units can load from in one piece.
  template <class T>
  struct Aligned {
    using value_type = T;  // NOLINT(readability-identifier-naming): the name that containers ask for
    static constexpr std::align_val_t kAlignment{32};
    Aligned() = default;
    template <class U>
    explicit Aligned(const Aligned<U>&) {}
    T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kAlignment)); }
    void deallocate(T* memory, std::size_t) { ::operator delete(memory, kAlignment); }
    friend bool operator==(const Aligned&, const Aligned&) { return true; }
  };
  using Registers = std::vector<double, Aligned<double>>;

  Registers uniform_;
  std::shared_ptr<Registers> lanes_ = std::make_shared<Registers>();
};

/// What a Program reads when it is evaluated (names that constant folding removed are not read).
struct ReadSet {
  std::uint32_t kinds = 0;  ///< bit k is set for Read k
  std::vector<Ref> refs;    ///< each once; vectors as their components; host functions as their result

  [[nodiscard]] bool has(Read read) const { return (kinds >> static_cast<unsigned>(read) & 1U) != 0; }
};

struct ProgramPart;
struct ProgramData;

/// An immutable expression, checked and compiled. Cheap to copy (shared); any number of threads may evaluate it at
/// once, each with its own Source and Scratch. Never fails in evaluation.
///
///     program.begin(source, scratch);                  // once per request: uniform values, literals
///     for (each block) { source.set(rows); program.evaluate(source, n, out, scratch); }
class Program {
 public:
  explicit Program(std::shared_ptr<const ProgramData> data) : data_(std::move(data)) {}

  /// kNumber, kBoolean or kString: what was wanted.
  [[nodiscard]] ValueType type() const;
  /// The source text of this program; of a part, its slice.
  [[nodiscard]] std::string_view text() const;
  [[nodiscard]] const ReadSet& reads() const;
  /// Instructions, uniform ones and loads included.
  [[nodiscard]] std::size_t operation_count() const;
  /// True when one value holds for every candidate; evaluate() then fills `out` with it.
  [[nodiscard]] bool uniform() const;

  /// Computes everything that is the same for all candidates: what evaluate() keeps reading until the next begin() of
  /// any Program with this Scratch. Call it again when the request, the consumer, the time, what `scale` reads or the
  /// symbols change.
  void begin(Source& source, Scratch& scratch) const;
  /// Writes out[0, n). REQUIRES: n <= kBlockLanes and begin(source, scratch) came before, with this Program.
  void evaluate(Source& source, std::uint32_t n, double* out, Scratch& scratch) const;
  /// begin() and a block of one lane.
  [[nodiscard]] double evaluate_one(Source& source, Scratch& scratch) const;

  /// The text behind a value of a kString program, which may be one of its own literals. REQUIRES: symbol is not NaN.
  [[nodiscard]] std::string_view text_of(Source& source, double symbol) const;

  /// The terms of the outermost sum, for explanations; one part for an expression that is no sum. Compiles them anew:
  /// not for hot paths. The signed sum of the parts is the value up to rounding.
  [[nodiscard]] std::vector<ProgramPart> parts() const;
  /// What the host functions that read this are called with, each call's arguments compiled anew.
  [[nodiscard]] std::vector<Program> arguments(Read read) const;

 private:
  std::shared_ptr<const ProgramData> data_;
};

/// A term: `program` gives its value without the sign.
struct ProgramPart {
  bool negative = false;  ///< it is subtracted
  Program program;
  /// When the term is sum, mean, min or max of a vector: the vector's components, one per dimension.
  std::vector<Program> components;
};

/// Parses, checks and compiles. `wanted` is kNumber, kBoolean or kString. Errors are kInvalid with a message such as
/// "line 1, column 9: found '*', expected a value"; `failed_at`, if given, receives the position (for caret()).
Result<Program> compile(std::string_view text, ValueType wanted, const Scope& scope, TextPosition* failed_at = nullptr);

/// Parses only: what can be said of an expression before it is known what its names stand for. Errors as above.
Status check_syntax(std::string_view text);

/// The operands of the outermost `&&`, in order, each as it is written with the parentheses that it needs; the whole
/// text when there is no `&&`. The text holds exactly where all of them do. REQUIRES: its syntax is right.
std::vector<std::string> conjuncts(std::string_view text);

}  // namespace apportion
