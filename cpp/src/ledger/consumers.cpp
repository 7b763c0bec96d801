#include "apportion/ledger/consumers.hpp"

#include <algorithm>
#include <bit>

#include "apportion/catalog/definitions.hpp"

namespace apportion {
namespace {

constexpr std::size_t cells_of(std::size_t bytes) { return (bytes + 7) / 8; }

std::vector<std::int64_t> pack(std::string_view text) {
  std::vector<std::int64_t> cells(cells_of(text.size()));
  std::memcpy(cells.data(), text.data(), std::min(text.size(), cells.size() * 8));
  return cells;
}

}  // namespace

std::vector<Attribute> decode_attributes(Reader& reader) {
  std::vector<Attribute> attributes(reader.get_count(13));
  for (Attribute& attribute : attributes) {
    attribute.name = reader.get<Symbol>();
    attribute.symbolic = reader.get<std::uint8_t>() != 0;
    attribute.lane = reader.get<double>();
  }
  return attributes;
}

void encode(Writer& writer, std::span<const Attribute> attributes) {
  writer.put(static_cast<std::uint32_t>(attributes.size()));
  for (const Attribute& a : attributes) {
    writer.put(a.name).put(static_cast<std::uint8_t>(a.symbolic ? 1 : 0)).put(a.lane);
  }
}

bool known(std::span<const Attribute> attributes, const Symbols& symbols) {
  if (attributes.size() > Consumers::kMaxAttributes) return false;
  return std::ranges::all_of(attributes, [&](const Attribute& a) {
    const bool symbol = a.lane >= 0 && a.lane < 4294967296.0 && symbols.has(static_cast<Symbol>(a.lane));
    return symbols.has(a.name) && (!a.symbolic || symbol);
  });
}

std::string_view Consumers::name_of(const Row& row) const {
  const std::int64_t* cells = row.name.data();
  if (row.name_bytes > kShortName)
    cells = heap_.read(static_cast<std::uint32_t>(row.name[0]), cells_of(row.name_bytes)).data();
  return {reinterpret_cast<const char*>(cells), row.name_bytes};
}

std::uint32_t Consumers::find(std::string_view name) const {
  const std::uint64_t hash = hash_bytes(name);
  const auto same = [&](const Entry& entry) {
    if (entry.hash32 != static_cast<std::uint32_t>(hash)) return false;  // the row is elsewhere in memory
    const Row& row = rows_[entry.slot - 1];
    return row.name_hash == hash && name_of(row) == name;
  };
  const Entry* entry = index_.find(static_cast<std::uint32_t>(hash), same);
  return entry == nullptr ? kNone : entry->slot - 1;
}

std::uint32_t Consumers::likely(std::string_view name) const {
  const auto hash = static_cast<std::uint32_t>(hash_bytes(name));
  const Entry* entry = index_.find(hash, [hash](const Entry& each) { return each.hash32 == hash; });
  return entry == nullptr ? kNone : entry->slot - 1;
}

std::vector<Attribute> Consumers::attributes(std::uint32_t slot) const {
  const Row& row = rows_[slot];
  std::vector<Attribute> attributes(row.attributes);
  if (attributes.empty()) return attributes;
  const std::span<const std::int64_t> cells = heap_.read(row.attribute_block, attributes.size() * 2);
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    const auto head = static_cast<std::uint64_t>(cells[2 * i]);
    attributes[i] = {static_cast<Symbol>(head >> 1), (head & 1) != 0, std::bit_cast<double>(cells[2 * i + 1])};
  }
  return attributes;
}

std::uint32_t Consumers::take_slot(Transaction& log) {
  const std::uint32_t head = free_.get();
  if (head != 0) {
    free_.edit(log) = rows_[head - 1].next_free;
    return head - 1;
  }
  rows_.resize(log, rows_.size() + 1);
  return static_cast<std::uint32_t>(rows_.size() - 1);
}

void Consumers::place(Transaction& log, std::uint32_t slot, std::string_view name) {
  Row row;
  row.name_hash = hash_bytes(name);
  row.name_bytes = static_cast<std::uint32_t>(name.size());
  if (name.size() <= kShortName) {
    std::memcpy(row.name.data(), name.data(), name.size());
  } else {
    row.name[0] = heap_.put(log, pack(name));
  }
  rows_.edit(log, slot) = row;
  index_.insert(log, {slot + 1, static_cast<std::uint32_t>(row.name_hash)});
}

std::uint32_t Consumers::add(Transaction& log, std::string_view name) {
  const std::uint32_t slot = take_slot(log);
  place(log, slot, name);
  return slot;
}

void Consumers::drop_attributes(Transaction& log, std::uint32_t slot) {
  const Row row = rows_[slot];
  if (row.attributes == 0) return;
  heap_.release(log, row.attribute_block, std::size_t{row.attributes} * 2);
  rows_.edit(log, slot).attributes = 0;
}

void Consumers::describe(Transaction& log, std::uint32_t slot, Symbol kind, const std::vector<Attribute>& attributes,
                         ListId groups, const Symbols& symbols) {
  if (rows_[slot].explicit_ != 0) hash_.edit(log) -= cell(slot, symbols);
  drop_attributes(log, slot);
  std::vector<std::int64_t> cells;
  for (const Attribute& attribute : attributes) {
    cells.push_back(static_cast<std::int64_t>(std::uint64_t{attribute.name} << 1 | (attribute.symbolic ? 1U : 0U)));
    cells.push_back(std::bit_cast<std::int64_t>(attribute.lane));
  }
  const std::uint32_t block = heap_.put(log, cells);
  Row& row = rows_.edit(log, slot);
  row.kind = kind;
  row.attribute_block = block;
  row.attributes = static_cast<std::uint32_t>(attributes.size());
  row.groups = groups;
  row.explicit_ = 1;
  hash_.edit(log) += cell(slot, symbols);
}

void Consumers::remove(Transaction& log, std::uint32_t slot, const Symbols& symbols) {
  if (rows_[slot].explicit_ != 0) hash_.edit(log) -= cell(slot, symbols);
  drop_attributes(log, slot);
  const Row row = rows_[slot];
  index_.erase(log, static_cast<std::uint32_t>(row.name_hash),
               [&](const Entry& entry) { return entry.slot == slot + 1; });
  if (row.name_bytes > kShortName)
    heap_.release(log, static_cast<std::uint32_t>(row.name[0]), cells_of(row.name_bytes));
  Row blank;
  blank.next_free = free_.get();
  rows_.edit(log, slot) = blank;
  free_.edit(log) = slot + 1;
}

Hash128 Consumers::cell(std::uint32_t slot, const Symbols& symbols) const {
  const Row& row = rows_[slot];
  CellHash hash(40);
  hash.add(row.name_hash).add(symbols.text(row.kind));
  for (const Attribute& attribute : attributes(slot)) {
    hash.add(symbols.text(attribute.name));
    attribute.symbolic ? hash.add(symbols.text(static_cast<Symbol>(attribute.lane))) : hash.add(attribute.lane);
  }
  for (const Symbol group : symbols.list(row.groups)) hash.add(symbols.text(group));
  return hash.value();
}

void Consumers::encode(Writer& writer) const {
  std::vector<std::uint32_t> free;
  for (std::uint32_t link = free_.get(); link != 0; link = rows_[link - 1].next_free) free.push_back(link - 1);
  writer.put(slots()).put(static_cast<std::uint32_t>(free.size()));
  for (const std::uint32_t slot : free) writer.put(slot);
  for (std::uint32_t slot = 0; slot < slots(); ++slot) {
    if (!exists(slot)) continue;
    writer.put(slot).put_text(name(slot)).put(rows_[slot].explicit_).put(rows_[slot].kind).put(rows_[slot].groups);
    apportion::encode(writer, attributes(slot));
  }
}

Status Consumers::decode(Reader& reader, Transaction& log, const Symbols& symbols) {
  const auto slots = reader.get<std::uint32_t>();
  std::vector<std::uint32_t> free(reader.get_count(4));
  for (std::uint32_t& slot : free) slot = reader.get<std::uint32_t>();
  // Every slot is free or takes at least 16 bytes here, so a damaged count cannot ask for more memory than the record
  // has.
  if (reader.failed() || rows_.size() != 0 || slots > free.size() + reader.left() / 16 || !distinct_below(free, slots))
    return corrupt("the consumers' record is damaged");
  rows_.resize(log, slots);
  for (std::uint32_t i = static_cast<std::uint32_t>(free.size()); i < slots; ++i) {
    const auto slot = reader.get<std::uint32_t>();
    const std::string_view text = reader.get_text();
    const auto is_explicit = reader.get<std::uint32_t>();
    const auto kind = reader.get<Symbol>();
    const auto groups = reader.get<ListId>();
    const std::vector<Attribute> attributes = decode_attributes(reader);
    const bool bad = reader.failed() || !known(attributes, symbols) || slot >= slots || exists(slot) || text.empty() ||
                     text.size() > kMaxIdBytes || find(text) != kNone || !symbols.has(kind) ||
                     !symbols.has_list(groups);
    if (bad) return corrupt("a consumer's record is damaged");
    place(log, slot, text);
    if (is_explicit != 0) describe(log, slot, kind, attributes, groups, symbols);
  }
  std::uint32_t link = 0;
  for (auto slot = free.rbegin(); slot != free.rend(); ++slot) {
    if (exists(*slot)) return corrupt("a consumer's slot is free and taken");
    rows_.edit(log, *slot).next_free = link;
    link = *slot + 1;
  }
  free_.edit(log) = link;
  return {};
}

}  // namespace apportion
