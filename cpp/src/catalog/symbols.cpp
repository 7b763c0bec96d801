#include "apportion/catalog/symbols.hpp"

#include <algorithm>

namespace apportion {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxSymbolBytes = std::size_t{1} << 20;

std::uint32_t hash_text(std::string_view text) { return static_cast<std::uint32_t>(hash_bytes(text)); }

std::string_view bytes_of(std::span<const Symbol> items) {
  return {reinterpret_cast<const char*>(items.data()), items.size_bytes()};
}

}  // namespace

Symbol Symbols::find(std::string_view text) const {
  if (text.empty()) return 0;
  const Entry* entry = text_index_.find(hash_text(text), [&](const Entry& e) { return this->text(e.id) == text; });
  return entry == nullptr ? 0 : entry->id;
}

std::optional<ListId> Symbols::find_list(std::span<const Symbol> items) const {
  if (items.empty()) return 0;
  const auto same = [&](const Entry& e) { return std::ranges::equal(list(e.id), items); };
  const Entry* entry = list_index_.find(hash_text(bytes_of(items)), same);
  return entry == nullptr ? std::optional<ListId>() : entry->id;
}

std::string_view Symbols::text(Symbol symbol) const {
  if (symbol == 0 || symbol >= texts_.size()) return {};
  return {texts_[symbol].data, texts_[symbol].size};
}

std::span<const Symbol> Symbols::list(ListId list) const {
  if (list == 0 || list >= lists_.size()) return {};
  return {lists_[list].data, lists_[list].size};
}

std::unique_ptr<Section> Symbols::fork() const {
  if (!last_block_shared_) last_block_shared_ = true;  // a state that nobody writes is forked by several threads
  return std::make_unique<Symbols>(*this);
}

char* Symbols::store(const void* bytes, std::size_t size, std::size_t alignment) {
  std::size_t at = blocks_.empty() ? 0 : (blocks_.back()->used + alignment - 1) / alignment * alignment;
  if (blocks_.empty() || last_block_shared_ || at + size > blocks_.back()->size) {
    const std::size_t block_size = std::max(kBlockBytes, size);
    blocks_.push_back(std::make_shared<Block>(Block{std::make_unique<char[]>(block_size), block_size, 0}));
    last_block_shared_ = false;
    at = 0;
  }
  Block& block = *blocks_.back();
  std::memcpy(block.bytes.get() + at, bytes, size);
  block.used = at + size;
  return block.bytes.get() + at;
}

Status Symbols::apply(const Change& change, Transaction& log) {
  Reader reader(change.payload);
  if (change.kind == kDefineText) return define_texts(reader, log);
  if (change.kind == kDefineList) return define_list(reader, log);
  return corrupt("unknown kind of symbols change");
}

Status Symbols::define_texts(Reader& reader, Transaction& log) {
  const std::uint32_t count = reader.get_count(4);
  if (texts_.empty()) texts_.resize(log, 1);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string_view text = reader.get_text();
    if (reader.failed() || text.empty() || text.size() > kMaxSymbolBytes || find(text) != 0) {
      return corrupt("a symbol is empty, too long or defined twice");
    }
    const auto id = static_cast<Symbol>(texts_.size());
    texts_.push_back(log, {store(text.data(), text.size(), 1), text.size()});
    text_index_.insert(log, {id, hash_text(text)});
  }
  return reader.complete() ? Status{} : Status{corrupt("a symbols change does not end where it should")};
}

Status Symbols::define_list(Reader& reader, Transaction& log) {
  const std::uint32_t count = reader.get_count(4);
  std::vector<Symbol> items(count);
  for (Symbol& item : items) {
    item = reader.get<Symbol>();
    if (!has(item)) return corrupt("a list holds a symbol that is not defined");
  }
  if (!reader.complete() || count == 0 || find_list(items)) return corrupt("a list is empty, damaged or defined twice");
  if (lists_.empty()) lists_.resize(log, 1);
  const auto id = static_cast<ListId>(lists_.size());
  const char* data = store(items.data(), count * sizeof(Symbol), alignof(Symbol));
  lists_.push_back(log, {reinterpret_cast<const Symbol*>(data), count});
  list_index_.insert(log, {id, hash_text(bytes_of(items))});
  return {};
}

void Symbols::snapshot(const Emit& emit) const {
  constexpr std::size_t kBatch = 1024;
  for (std::size_t first = 1; first < texts_.size(); first += kBatch) {
    const std::size_t count = std::min(kBatch, texts_.size() - first);
    Writer writer;
    writer.put(static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < count; ++i) writer.put_text(text(static_cast<Symbol>(first + i)));
    emit(kDefineText, writer.bytes());
  }
  for (std::size_t id = 1; id < lists_.size(); ++id) {
    const std::span<const Symbol> items = list(static_cast<ListId>(id));
    Writer writer;
    writer.put(static_cast<std::uint32_t>(items.size()));
    for (const Symbol item : items) writer.put(item);
    emit(kDefineList, writer.bytes());
  }
}

Node Symbols::describe(const Change& change) const {
  Reader reader(change.payload);
  Node::List items;
  const std::uint32_t count = reader.get_count(4);
  for (std::uint32_t i = 0; i < count; ++i) {
    items.emplace_back(change.kind == kDefineText ? reader.get_text() : text(reader.get<Symbol>()));
  }
  return Node::Map{{change.kind == kDefineText ? "texts" : "list", std::move(items)}};
}

}  // namespace apportion
