// Requests in columns, read row by row, and the answers to them, written row by row.
#pragma once

#include <array>
#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "apportion/allocator/denial.hpp"
#include "apportion/allocator/request.hpp"
#include "apportion/allocator/request_columns.hpp"
#include "apportion/base/hash.hpp"
#include "apportion/base/table.hpp"
#include "apportion/inventory/inventory.hpp"

namespace apportion {

inline Status check_threads(const RequestColumns& requests) {
  constexpr std::int64_t kMost = 256;
  if (requests.threads >= 1 && requests.threads <= kMost) return {};
  return invalid("give 1 to " + std::to_string(kMost) + " threads, found " + std::to_string(requests.threads),
                 "threads");
}

/// The shortest decimals of doubles. Columns hold few different ones, and each takes a while to find.
class Decimals {
 public:
  Result<Decimal> operator()(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    Entry& entry = entries_[mix64(bits) % entries_.size()];
    if (!entry.set || entry.bits != bits) {
      const Result<Decimal> decimal = Decimal::from_double(value);
      if (!decimal) return decimal.error();
      entry = {true, bits, *decimal};
    }
    return entry.decimal;
  }
  Result<Decimal> operator()(std::int64_t value) { return Decimal(value); }
  Result<Decimal> operator()(const Decimal& value) { return value; }

 private:
  struct Entry {
    bool set = false;
    std::uint64_t bits = 0;
    Decimal decimal;
  };
  std::array<Entry, 128> entries_;
};

/// Rows as requests. One request serves all rows, so that its texts keep their memory.
class RowReader {
 public:
  explicit RowReader(const RequestColumns& columns) : columns_(columns) {
    for (const AmountColumn& amount : columns.amounts) request_.amounts.emplace_back(amount.name, Decimal());
  }

  /// Fails, naming the dimension, where a double is no number. Valid until the next call.
  Result<const Request*> read(std::size_t row) {
    request_.type = columns_.type[row];
    request_.consumer = columns_.consumer[row];
    request_.policy = columns_.policy[row];
    request_.where = columns_.where[row];
    request_.key = columns_.key[row];
    request_.labels.clear();
    for (const auto& [key, values] : columns_.labels) {
      if (!values[row].empty()) request_.labels.emplace_back(key, values[row]);
    }
    request_.count = columns_.count.empty() ? 1 : columns_.count[row];
    for (std::size_t d = 0; d < columns_.amounts.size(); ++d) APPORTION_TRY(read_amount(d, row));
    return &request_;
  }

 private:
  Status read_amount(std::size_t d, std::size_t row) {
    const AmountColumn& column = columns_.amounts[d];
    const Result<Decimal> value = std::visit([&](const auto& values) { return decimals_(values[row]); }, column.values);
    if (!value) return Error{value.error().code, value.error().message, column.name};
    request_.amounts[d].second = *value;
    return {};
  }

  const RequestColumns& columns_;
  Request request_;
  Decimals decimals_;
};

inline std::string row_place(std::size_t row) { return "requests[" + std::to_string(row) + "]"; }
inline Error in_row(std::size_t row, const Error& error) {
  return {error.code, error.message, row_place(row) + "." + error.place};
}

/// The answers, a row per request, in any order.
class Answers {
 public:
  explicit Answers(std::size_t rows) : rows_(rows) {}

  void grant(std::size_t row, ClaimId claim, InstanceRef instance) { rows_[row] = {true, {}, claim, instance}; }
  void deny(std::size_t row, DenialClass denial) { rows_[row] = {false, denial, {}, {}}; }
  [[nodiscard]] bool granted(std::size_t row) const { return rows_[row].granted; }
  [[nodiscard]] ClaimId claim(std::size_t row) const { return rows_[row].claim; }

  /// REQUIRES: the instances are still there.
  [[nodiscard]] Table table(const Inventory& inventory, const Revision& revision) const {
    TableColumn::Booleans granted;
    TableColumn::Integers slots;
    TableColumn::Integers generations;
    PackedTexts instances;
    PackedTexts denials;
    const auto reserve = [this](auto&... columns) { (columns.reserve(rows_.size()), ...); };
    reserve(granted, slots, generations, instances, denials);
    for (const Row& row : rows_) {
      granted.push_back(row.granted ? 1 : 0);
      slots.push_back(row.claim.slot);
      generations.push_back(row.claim.generation);
      instances.push_back(row.instance.valid() ? inventory.id_of(row.instance) : std::string_view());
      denials.push_back(row.granted ? std::string_view() : class_name(row.denial));
    }
    const std::vector<std::uint8_t> valid = granted;
    Table table;
    table.rows = rows_.size();
    table.revision = revision.text();
    table.columns.push_back({"granted", std::move(granted), {}});
    table.columns.push_back({"instance", std::move(instances), valid});
    table.columns.push_back({"slot", std::move(slots), valid});
    table.columns.push_back({"generation", std::move(generations), valid});
    table.columns.push_back({"denial", std::move(denials), {}});
    return table;
  }

 private:
  struct Row {
    bool granted = false;
    DenialClass denial = DenialClass::kNotNow;
    ClaimId claim;
    InstanceRef instance;
  };
  std::vector<Row> rows_;
};

}  // namespace apportion
