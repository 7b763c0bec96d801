// What expressions read while a request is decided: rows of one table, the request, its consumer, groups.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apportion/base/time.hpp"
#include "apportion/catalog/scope.hpp"
#include "apportion/inventory/group_members.hpp"
#include "apportion/inventory/inventory.hpp"
#include "apportion/inventory/row_block.hpp"

namespace apportion {

/// A named attribute of a consumer as a lane: a number, or a symbol's number.
using AttributeLane = std::pair<std::string_view, double>;

/// The part of a request that expressions see.
struct RequestValues {
  std::vector<Steps> amounts;  ///< steps of the table's version
  std::uint32_t count = 1;
  std::string_view consumer;
  std::string_view consumer_kind;
  std::vector<AttributeLane> attributes;
  std::vector<AttributeLane> slots;  ///< values of other slots, by path
  Time now = 0;
};

/// What state a row shows.
enum class View {
  kPresent,
  kEmpty,  ///< as if nothing were claimed and every state field permitted: what `never` is decided by
};

/// Limits and what is free of them as floats that are exact, for rows that have a position. Of position p and dimension
/// d, free[p / 32 x width + d x 32 + p % 32] is free and limits[p x dimensions + d] the limit.
struct Room {
  static constexpr std::uint32_t kBlock = 32;
  const float* free = nullptr;  ///< none: exact numbers are read from the table
  const float* limits = nullptr;
  std::size_t width = 0;
  std::span<const std::uint32_t> positions;  ///< one per row
};

/// Says of rows what other instances and claims tell: references that read Read::kInside.
class InsideSource {
 public:
  InsideSource() = default;
  InsideSource(const InsideSource&) = delete;
  InsideSource& operator=(const InsideSource&) = delete;
  virtual ~InsideSource() = default;
  /// Of the first n rows of a block.
  virtual void read(const Binding& binding, const RowBlock& rows, std::uint32_t n, double* out) = 0;
};

/// A Source over one table. Thread-compatible; the table must not change between begin and evaluate.
class RowSource : public Source {
 public:
  RowSource(const Inventory& inventory, const Symbols& symbols, const Catalog& catalog, const InstanceTable& table,
            const RequestValues& request, View view = View::kPresent);

  /// What the references of the next program mean. REQUIRES: `bindings` outlives its evaluation.
  void use(const std::vector<Binding>& bindings) { bindings_ = &bindings; }
  /// The rows of the next block, in any order; rising ones are fastest, and successive ones faster still. With a room
  /// there need be no rows for those who read nothing else. REQUIRES: they outlive its evaluation; at most kBlockLanes.
  void set(std::span<const std::uint32_t> rows, const Room& room = {}) { rows_.set(rows), room_ = room, found_ = 0; }
  /// The same for first, first + 1, ... REQUIRES: as many rows as are evaluated, free ones included, exist from there.
  void set_run(std::uint32_t first) { rows_.set_run(first), room_ = {}, found_ = 0; }

  /// Where to find the members of groups, instead of by a look at every row. REQUIRES: it outlives this and has caught
  /// up whenever a group is read.
  void use_members(const GroupMembers* members) { members_ = members; }
  /// Who says what lies inside of rows; nobody: it has no value. REQUIRES: it outlives this.
  void use_inside(InsideSource* inside) { inside_ = inside; }
  /// Memory for where the rows of a block lie, which sources that are never used at the same time may share. REQUIRES:
  /// it outlives this.
  using Records = std::array<const std::byte*, kBlockLanes>;
  void use_records(Records& records) { records_ = &records; }
  /// The totals of a group are summed up anew when they are read next; else they are kept.
  void forget(Symbol group) { totals_.erase(group); }
  /// Of the totals that are kept.
  [[nodiscard]] std::size_t bytes() const;

  void read(const Ref& ref, std::uint32_t n, double* out) override;
  void call(const Ref& function, std::span<const double* const> arguments, std::uint32_t n, double* out) override;
  void contains(const Ref& list, const double* symbols, std::uint32_t n, double* out) override;
  double symbol(std::string_view text) override;
  std::string_view text(double symbol) override;

 private:
  struct Totals {
    double members = 0;
    double claims = 0;
    std::vector<double> used;  // by dimension of the table's type, in units
    std::vector<double> limit;
    std::vector<double> capacity;
  };

  bool read_room(const Binding& binding, std::uint32_t n, double* out);
  void read_exact(const Binding& binding, std::uint32_t n, double* out);
  void read_floats(const Binding& binding, std::uint32_t n, double* out);
  void find_records(std::uint32_t n);
  void read_column(const Binding& binding, std::uint32_t n, double* out) const;
  void read_quantity(const Binding& binding, std::uint32_t n, double* out) const;
  void read_field(const FieldColumn& column, std::uint32_t n, double* out) const;
  void read_state(std::uint32_t index, std::uint32_t n, double* out) const;
  void read_label(const Binding& binding, std::uint32_t n, double* out) const;
  [[nodiscard]] double request_value(const Binding& binding);
  /// The column of a list; nullptr when no instance has the relationship.
  [[nodiscard]] const ChunkVector<ListId>* list_column(const Binding& binding) const;
  [[nodiscard]] double local_symbol(std::string_view text);
  const Totals& totals(Symbol group);
  void pair(const std::string& name, std::span<const double* const> arguments, std::uint32_t n, double* out);
  void add_member(Totals& totals, const InstanceTable& table, std::uint32_t row) const;

  const Inventory& inventory_;
  const Symbols& symbols_;
  const Catalog& catalog_;
  const InstanceTable& table_;
  const TypeDefinition& type_;
  const RequestValues& request_;
  const View view_;
  const std::vector<Binding>* bindings_ = nullptr;
  RowBlock rows_;
  Room room_;
  std::uint32_t found_ = 0;  // the first so many of *records_ are those of the block: in `room`, or what is free
  Records* records_ = nullptr;
  std::unique_ptr<Records> own_records_;  // when nobody lent any
  const GroupMembers* members_ = nullptr;
  InsideSource* inside_ = nullptr;
  std::map<Symbol, Totals> totals_;
  std::map<std::string, std::map<std::pair<Symbol, Symbol>, double>> pairs_;  // by pair table, of what was asked for
  std::vector<std::string> local_texts_;                                      // of the request, not interned
};

/// The lanes with which allocation is permitted, per state field of the table; an empty list permits every value.
class StateRules {
 public:
  StateRules(const TypeDefinition& type, const Symbols& symbols);

  /// Every state field does, and the instance is in service.
  [[nodiscard]] bool permits(const InstanceTable& table, std::uint32_t row) const;
  [[nodiscard]] bool permits(const InstanceTable& table, std::size_t state, std::uint32_t row) const;

 private:
  std::vector<std::vector<double>> allowed_;
};

}  // namespace apportion
