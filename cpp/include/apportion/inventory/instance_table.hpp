// The instances of one type version, in columns.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include "apportion/base/quantity.hpp"
#include "apportion/base/time.hpp"
#include "apportion/catalog/catalog.hpp"
#include "apportion/catalog/symbols.hpp"
#include "apportion/inventory/touch_log.hpp"
#include "apportion/journal/chunk_vector.hpp"
#include "apportion/journal/record_vector.hpp"

namespace apportion {

/// Where an instance is kept: the table of its type version and its row there. Rows are used again after a removal;
/// ordinals never are.
struct InstanceRef {
  std::uint32_t version = kNone;
  std::uint32_t row = 0;

  static constexpr std::uint32_t kNone = 0xffffffff;
  [[nodiscard]] bool valid() const { return version != kNone; }
  friend bool operator==(const InstanceRef&, const InstanceRef&) = default;
};

/// A double of which NaN, "no value", is the default: a column nobody wrote takes no memory.
struct Number {
  double value = std::numeric_limits<double>::quiet_NaN();
  friend bool operator==(const Number& a, const Number& b) {
    return std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value);
  }
};

/// A ratio of which 1 is the default.
struct Ratio {
  Ppm ppm = kOne;
  friend bool operator==(const Ratio&, const Ratio&) = default;
};

/// The rule of an instance's own for one dimension, as ClaimSteps; all 0: that of its type holds.
struct ClaimCell {
  Steps minimum = 0;
  Steps maximum = 0;
  Steps step = 0;
  Steps standard = 0;
  ListId amounts = 0;  ///< texts of rising numbers of steps
  std::uint32_t flags = 0;

  static constexpr std::uint32_t kGiven = 1;
  static constexpr std::uint32_t kRoundUp = 2;
  [[nodiscard]] bool given() const { return flags != 0; }
  /// REQUIRES: the cell was checked when it was written.
  [[nodiscard]] ClaimSteps steps(const Symbols& symbols) const;
  friend bool operator==(const ClaimCell&, const ClaimCell&) = default;
};

/// What is said of few instances.
struct RareRow {
  std::uint32_t flags = 0;
  std::uint32_t parts = 0;       ///< so many children have to be there before it, or what lies in it, is offered
  Symbol needs = 0;              ///< JSON of the named instances that whoever is given this one needs too
  std::uint32_t generation = 0;  ///< how often it was said anew

  static constexpr std::uint32_t kWhole = 1;   ///< whoever takes of it takes all of it
  static constexpr std::uint32_t kClosed = 2;  ///< derived: parts of it, or of what it lies in, are missing
  [[nodiscard]] bool whole() const { return (flags & kWhole) != 0; }
  [[nodiscard]] bool closed() const { return (flags & kClosed) != 0; }
  friend bool operator==(const RareRow&, const RareRow&) = default;
};

/// The columns of one dimension, in steps; `usage` and `predicted` in units.
struct DimensionColumns {
  ChunkVector<Steps> capacity;
  ChunkVector<Steps> reserved;
  ChunkVector<Ratio> ratio;
  RecordColumn<Steps> limit;  ///< floor((capacity - reserved) x ratio)
  RecordColumn<Steps> used;   ///< claims and marks
  ChunkVector<Number> usage;
  ChunkVector<Number> predicted;
  ChunkVector<ClaimCell> claim;
  ChunkVector<ListId> layers;  ///< of a ratio that is a product: name, factor, name, factor ...

  /// The largest capacity and how many rows have it.
  struct Largest {
    Steps steps = 0;
    std::uint64_t rows = 0;
  };
  Cell<Largest> largest;
};

/// A field or state field: numbers and booleans in one column, symbols and list numbers in the other; one is empty.
struct FieldColumn {
  FieldKind kind = FieldKind::kNumber;
  ChunkVector<Number> numbers;
  ChunkVector<std::uint32_t> symbols;  ///< 0: no value

  [[nodiscard]] bool numeric() const;
  /// As expressions see it: the number, or the symbol's number; NaN without value.
  [[nodiscard]] double lane(std::size_t row) const;
  void set_lane(Transaction& log, std::size_t row, double lane);
};

/// What maintenance means for an instance, as of the last change that said so.
struct Service {
  Time closes = 0;           ///< it goes out of service then, or its type's lead before; 0: not that anybody knows
  std::uint64_t closed = 0;  ///< 1: it is out of service
  friend bool operator==(const Service&, const Service&) = default;
};

/// What is said of the instances of one type version. What every claim changes stands in two records per row, which the
/// RecordColumns look into: `room`, limits and what is used of them, and `tally`, the rest.
struct InstanceColumns {
  explicit InstanceColumns(const TypeVersion& version);

  VersionId version;
  ChunkVector<Symbol> address;
  ChunkVector<Symbol> location;
  ChunkVector<Symbol> parent;  ///< the parent's id
  ChunkVector<std::uint32_t> children;
  ChunkVector<ListId> labels;  ///< key, value, key, value ... by key
  ChunkVector<ListId> groups;
  std::vector<FieldColumn> states;
  std::vector<FieldColumn> fields;
  std::vector<DimensionColumns> dimensions;
  ChunkVector<Service> service;
  ChunkVector<RareRow> rare;
  Cell<std::uint32_t> ruled;    ///< rows that have a rule of their own, or can only be taken whole
  Cell<std::uint32_t> needing;  ///< rows that need named instances
  Cell<std::uint32_t> closed;   ///< rows that are not offered, as parts are missing
  std::map<Symbol, ChunkVector<ListId>> relationships;  ///< by the relationship's name; ids
  RecordVector room;
  RecordVector tally;
  RecordColumn<std::uint64_t> ordinal;
  RecordColumn<std::uint64_t> granted;  ///< how often it was chosen
  RecordColumn<std::uint32_t> claims;
  RecordColumn<std::uint32_t> consumers;  ///< distinct ones
  RecordColumn<Symbol> id;                ///< 0: the row is free
  RecordColumn<Symbol> policy;            ///< 0: the type's
  RecordColumn<std::uint32_t> next_free;  ///< in the place of `policy`: of a free row the next one + 1
  Cell<std::uint32_t> free_rows;          ///< head of the list of free rows, row + 1
  TouchLog touched;
};

/// A row exists where `id` is not 0, and so is `ordinal`. The ledger maintains used, consumers, claims and granted;
/// everything else is written by Inventory. Whoever writes what an expression, a limit or a state field shows of a row
/// adds the row to `touched`. Thread-compatible.
struct InstanceTable : InstanceColumns {
  explicit InstanceTable(const TypeVersion& version) : InstanceColumns(version) { bind(); }
  InstanceTable(const InstanceTable& other) : InstanceColumns(other) { bind(); }
  InstanceTable& operator=(const InstanceTable&) = delete;

  /// Rows, free ones included.
  [[nodiscard]] std::size_t rows() const { return tally.size(); }
  [[nodiscard]] bool exists(std::size_t row) const { return row < tally.size() && id[row] != 0; }
  /// Sets the number of rows in every column; new rows hold defaults.
  void resize(Transaction& log, std::size_t size);

  /// Takes or gives back (negative) steps per dimension. REQUIRES: the result is >= 0 and within kMaxSteps.
  void add_used(Transaction& log, std::uint32_t row, std::span<const Steps> steps, int sign) {
    Steps* const used = reinterpret_cast<Steps*>(room.edit(log, row)) + dimensions.size();
    for (std::size_t d = 0; d < steps.size(); ++d) used[d] += sign * steps[d];
  }
  /// By dimension, in a record of `room`.
  [[nodiscard]] const Steps* limits(const std::byte* record) const { return reinterpret_cast<const Steps*>(record); }
  [[nodiscard]] const Steps* used(const std::byte* record) const { return limits(record) + dimensions.size(); }
  /// True unless it is out of service, or goes out of it before `ends`.
  [[nodiscard]] bool in_service(std::uint32_t row, Time ends = kForever) const {
    const Service& held = service[row];
    return held.closed == 0 && (held.closes == 0 || ends == kForever || ends <= held.closes);
  }
  /// True when used is above the limit in some dimension: the limit was lowered under the claims.
  [[nodiscard]] bool over(std::uint32_t row) const;
  /// True when `steps` fit below the limit in every dimension that is asked for (steps > 0). An instance that is over
  /// takes nothing, in no dimension.
  [[nodiscard]] bool fits(std::uint32_t row, std::span<const Steps> steps) const;

 private:
  void bind();
};

}  // namespace apportion
