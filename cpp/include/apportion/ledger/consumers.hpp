// Who receives.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apportion/catalog/symbols.hpp"
#include "apportion/journal/block_heap.hpp"
#include "apportion/journal/chunk_map.hpp"
#include "apportion/journal/codec.hpp"

namespace apportion {

/// The value of an attribute: a number or boolean, or a symbol's number; see FieldColumn::lane.
struct Attribute {
  Symbol name = 0;
  bool symbolic = false;
  double lane = 0;
  friend bool operator==(const Attribute&, const Attribute&) = default;
};

/// Attributes as they stand in records.
void encode(Writer& writer, std::span<const Attribute> attributes);
std::vector<Attribute> decode_attributes(Reader& reader);
/// True when there are not too many and their names and symbolic values are symbols.
bool known(std::span<const Attribute> attributes, const Symbols& symbols);

/// A part of the ledger. A consumer lives in a slot. One that nobody added explicitly ("implicit") goes with its last
/// claim; see docs/decisions/0006-implicit-consumers.md. Thread-compatible.
class Consumers {
 public:
  struct Row {
    std::uint64_t name_hash = 0;
    std::array<std::int64_t, 2> name{};  ///< up to 16 bytes; of a longer one its block
    std::uint32_t name_bytes = 0;        ///< 0: the slot is free
    std::uint32_t kind = 0;              ///< symbol of the consumer kind; 0: none
    std::uint32_t attribute_block = 0;
    std::uint32_t attributes = 0;
    std::uint32_t explicit_ = 0;
    std::uint32_t next_free = 0;  ///< of a free slot the next one + 1
    std::uint32_t claims = 0;
    std::uint32_t groups = 0;  ///< list of symbols
  };

  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::size_t kMaxAttributes = 64;

  /// The slot of a consumer, or kNone.
  [[nodiscard]] std::uint32_t find(std::string_view name) const;
  [[nodiscard]] bool exists(std::uint32_t slot) const { return slot < rows_.size() && rows_[slot].name_bytes > 0; }
  [[nodiscard]] const Row& row(std::uint32_t slot) const { return rows_[slot]; }
  /// Asks for the memory that `find`, or an edit of the slot, will look at.
  void prefetch(std::string_view name) const { index_.prefetch(static_cast<std::uint32_t>(hash_bytes(name))); }
  void prefetch(std::uint32_t slot) const { rows_.prefetch(slot); }
  /// A slot that may have this name, or kNone: what to ask for next.
  [[nodiscard]] std::uint32_t likely(std::string_view name) const;
  Row& edit(Transaction& log, std::uint32_t slot) { return rows_.edit(log, slot); }
  [[nodiscard]] std::uint32_t slots() const { return static_cast<std::uint32_t>(rows_.size()); }
  [[nodiscard]] std::uint64_t count() const { return index_.size(); }
  /// Valid until the next edit.
  [[nodiscard]] std::string_view name(std::uint32_t slot) const { return name_of(rows_[slot]); }
  [[nodiscard]] std::vector<Attribute> attributes(std::uint32_t slot) const;

  /// REQUIRES: there is no consumer of that name; 1 to 200 bytes.
  std::uint32_t add(Transaction& log, std::string_view name);
  /// Makes the consumer explicit and replaces kind, attributes and groups. REQUIRES: at most kMaxAttributes.
  void describe(Transaction& log, std::uint32_t slot, Symbol kind, const std::vector<Attribute>& attributes,
                ListId groups, const Symbols& symbols);
  /// REQUIRES: it has no claims.
  void remove(Transaction& log, std::uint32_t slot, const Symbols& symbols);

  /// All slots in use, then the free list, as one record; and back.
  void encode(Writer& writer) const;
  Status decode(Reader& reader, Transaction& log, const Symbols& symbols);

  /// Sum over explicit consumers; implicit ones show in their claims.
  [[nodiscard]] Hash128 hash() const { return hash_.get(); }
  [[nodiscard]] std::size_t bytes() const { return rows_.bytes() + heap_.bytes() + index_.bytes(); }

 private:
  struct Entry {
    std::uint32_t slot = 0;  // + 1
    std::uint32_t hash32 = 0;
    [[nodiscard]] bool used() const { return slot != 0; }
    [[nodiscard]] std::uint64_t hash() const { return hash32; }
  };

  static constexpr std::size_t kShortName = sizeof(Row::name);
  [[nodiscard]] std::string_view name_of(const Row& row) const;
  std::uint32_t take_slot(Transaction& log);
  void place(Transaction& log, std::uint32_t slot, std::string_view name);
  void drop_attributes(Transaction& log, std::uint32_t slot);
  [[nodiscard]] Hash128 cell(std::uint32_t slot, const Symbols& symbols) const;

  ChunkVector<Row> rows_;
  BlockHeap heap_;
  ChunkMap<Entry> index_;
  Cell<std::uint32_t> free_;  // slot + 1
  Cell<Hash128> hash_;
};

}  // namespace apportion
