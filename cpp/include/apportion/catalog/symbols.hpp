// Strings and lists of strings as numbers: columns hold 4 bytes, equality is a compare.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/journal/chunk_map.hpp"
#include "apportion/journal/codec.hpp"
#include "apportion/journal/section.hpp"

namespace apportion {

/// The number of an interned string, by first use; 0 is "no value".
using Symbol = std::uint32_t;
/// The number of an interned list of symbols; 0 is the empty list.
using ListId = std::uint32_t;

/// A section. Texts and lists are never forgotten: metadata and inventory use them, consumers and keys do not.
/// The texts lie in arenas that forks share. Thread-compatible.
class Symbols : public Section {
 public:
  static constexpr Kind kDefineText = make_kind(1, 1);  ///< payload: count, texts
  static constexpr Kind kDefineList = make_kind(1, 2);  ///< payload: count, symbols

  /// 0 when the text was never interned.
  [[nodiscard]] Symbol find(std::string_view text) const;
  /// 0 for the empty list; none when this list was never interned.
  [[nodiscard]] std::optional<ListId> find_list(std::span<const Symbol> items) const;
  /// The text of a symbol; "" for 0. Valid as long as this object or a fork of it lives.
  [[nodiscard]] std::string_view text(Symbol symbol) const;
  [[nodiscard]] std::span<const Symbol> list(ListId list) const;
  /// Symbols are the numbers below this.
  [[nodiscard]] Symbol count() const { return static_cast<Symbol>(texts_.size()); }
  [[nodiscard]] bool has(Symbol symbol) const { return symbol == 0 || symbol < texts_.size(); }
  [[nodiscard]] bool has_list(ListId list) const { return list == 0 || list < lists_.size(); }

  [[nodiscard]] std::unique_ptr<Section> fork() const override;
  void link(State&) override {}
  Status apply(const Change& change, Transaction& log) override;
  void snapshot(const Emit& emit) const override;
  [[nodiscard]] Hash128 hash() const override { return {}; }
  [[nodiscard]] Node describe(const Change& change) const override;

 private:
  // Bytes that never move; a fork takes a share of every block and both sides go on in new ones.
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
    std::size_t used = 0;
  };
  struct Text {
    const char* data = nullptr;
    std::uint64_t size = 0;
    friend bool operator==(const Text&, const Text&) = default;
  };
  struct List {
    const Symbol* data = nullptr;
    std::uint64_t size = 0;
    friend bool operator==(const List&, const List&) = default;
  };
  struct Entry {
    std::uint32_t id = 0;
    std::uint32_t hash32 = 0;
    [[nodiscard]] bool used() const { return id != 0; }
    [[nodiscard]] std::uint64_t hash() const { return hash32; }
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  Status define_texts(Reader& reader, Transaction& log);
  Status define_list(Reader& reader, Transaction& log);
  char* store(const void* bytes, std::size_t size, std::size_t alignment);

  std::vector<std::shared_ptr<Block>> blocks_;
  mutable bool last_block_shared_ = false;
  ChunkVector<Text> texts_;
  ChunkVector<List> lists_;
  ChunkMap<Entry> text_index_;
  ChunkMap<Entry> list_index_;
};

}  // namespace apportion
