#include "arrow.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <utility>
#include <vector>

// Ownership. Every exported struct owns what its private_data points at and nothing of its parent, because a consumer
// may move a child out of its parent and release it later, or first. A parent releases the children that are still
// there. Buffers either lie in the table, which each array holds, or in the array's own private data.

namespace apportion {
namespace {

/// Non-null address for buffers without bytes; some consumers refuse null.
alignas(64) constexpr std::array<std::uint8_t, 64> kNothing{};

using Texts = TableColumn::Texts;
using TextLists = TableColumn::TextLists;

/// The children of an exported struct; whatever the consumer did not move away is released with them.
template <class Struct>
class Children {
 public:
  Children() = default;
  Children(Children&&) = default;
  Children& operator=(Children&&) = delete;
  ~Children() {
    for (const auto& child : owned_) {
      if (child->release != nullptr) child->release(child.get());
    }
  }
  /// An empty struct to be filled.
  Struct* add() {
    owned_.push_back(std::make_unique<Struct>(Struct{}));
    pointers_.push_back(owned_.back().get());
    return pointers_.back();
  }
  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(pointers_.size()); }
  [[nodiscard]] Struct** pointers() { return pointers_.data(); }

 private:
  std::vector<std::unique_ptr<Struct>> owned_;
  std::vector<Struct*> pointers_;
};

// --- schema ---------------------------------------------------------------------------------------------------

/// What a column is called on the wire.
struct ColumnKind {
  std::string format;
  std::string item_format;  // of the items of a list, else empty
  bool wide_offsets = false;
  bool wide_items = false;
};

std::int64_t bytes_of(const Texts& texts) {
  std::int64_t bytes = 0;
  for (const std::string& text : texts) bytes += static_cast<std::int64_t>(text.size());
  return bytes;
}

struct KindOf {
  std::int64_t limit;

  [[nodiscard]] ColumnKind text(std::int64_t bytes) const {
    const bool wide = bytes > limit;
    return {wide ? "U" : "u", {}, wide};
  }

  ColumnKind operator()(const TableColumn::Integers&) const { return {"l", {}}; }
  ColumnKind operator()(const TableColumn::Numbers&) const { return {"g", {}}; }
  ColumnKind operator()(const TableColumn::Booleans&) const { return {"b", {}}; }
  ColumnKind operator()(const TableColumn::Times&) const { return {"tsn:UTC", {}}; }
  ColumnKind operator()(const Texts& texts) const { return text(bytes_of(texts)); }
  ColumnKind operator()(const PackedTexts& texts) const { return text(texts.offsets().back()); }
  ColumnKind operator()(const TextLists& lists) const {
    std::int64_t items = 0;
    std::int64_t bytes = 0;
    for (const Texts& list : lists) {
      items += static_cast<std::int64_t>(list.size());
      bytes += bytes_of(list);
    }
    const bool wide = items > limit;
    const bool wide_items = bytes > limit;
    return {wide ? "+L" : "+l", wide_items ? "U" : "u", wide, wide_items};
  }
};

struct SchemaData {
  std::string format;
  std::string name;
  Children<ArrowSchema> children;
};

void release_schema(ArrowSchema* schema) {
  delete static_cast<SchemaData*>(schema->private_data);
  schema->release = nullptr;
}

void finish_schema(std::unique_ptr<SchemaData> data, std::int64_t flags, ArrowSchema* out) {
  *out = ArrowSchema{.format = data->format.c_str(),
                     .name = data->name.c_str(),
                     .metadata = nullptr,
                     .flags = flags,
                     .n_children = data->children.count(),
                     .children = data->children.pointers(),
                     .dictionary = nullptr,
                     .release = release_schema,
                     .private_data = data.get()};
  static_cast<void>(data.release());
}

void column_schema(const std::string& name, const ColumnKind& kind, ArrowSchema* out) {
  auto data = std::make_unique<SchemaData>(SchemaData{kind.format, name, {}});
  if (!kind.item_format.empty()) column_schema("item", {kind.item_format, {}}, data->children.add());
  finish_schema(std::move(data), ARROW_FLAG_NULLABLE, out);
}

void table_schema(const Table& table, const std::vector<ColumnKind>& kinds, ArrowSchema* out) {
  auto data = std::make_unique<SchemaData>(SchemaData{"+s", "", {}});
  for (std::size_t i = 0; i < kinds.size(); ++i) column_schema(table.columns[i].name, kinds[i], data->children.add());
  finish_schema(std::move(data), 0, out);
}

// --- arrays -----------------------------------------------------------------------------------------------------

struct ArrayData {
  std::shared_ptr<const Table> table;
  std::vector<std::uint8_t> validity;
  std::vector<std::uint8_t> bits;
  std::vector<std::int32_t> offsets;
  std::vector<std::int64_t> wide_offsets;
  std::string text;
  std::vector<const void*> buffers;
  Children<ArrowArray> children;
};

void release_array(ArrowArray* array) {
  delete static_cast<ArrayData*>(array->private_data);
  array->release = nullptr;
}

/// One bit a row, lowest first: set where the flag is not 0.
std::vector<std::uint8_t> bitmap(const std::vector<std::uint8_t>& flags) {
  std::vector<std::uint8_t> bits((flags.size() + 7) / 8);
  for (std::size_t i = 0; i < flags.size(); ++i) {
    bits[i / 8] = static_cast<std::uint8_t>(bits[i / 8] | ((flags[i] != 0 ? 1U : 0U) << (i % 8)));
  }
  return bits;
}

std::int64_t count_nulls(const std::vector<std::uint8_t>& valid) {
  std::int64_t nulls = 0;
  for (const std::uint8_t flag : valid) nulls += flag == 0 ? 1 : 0;
  return nulls;
}

/// Where each of the `rows` sizes starts, then where the last ends.
template <class Offset, class Sizes>
std::vector<Offset> running_sum(std::size_t rows, Sizes size_of) {
  std::vector<Offset> offsets(rows + 1);
  for (std::size_t i = 0; i < rows; ++i)
    offsets[i + 1] = static_cast<Offset>(offsets[i] + static_cast<Offset>(size_of(i)));
  return offsets;
}

/// Builds the buffers of one array in `data`.
class ArrayBuilder {
 public:
  explicit ArrayBuilder(std::shared_ptr<const Table> table) : data_(std::make_unique<ArrayData>()) {
    data_->table = std::move(table);
  }

  void validity(const std::vector<std::uint8_t>& valid) {
    nulls_ = count_nulls(valid);
    if (nulls_ > 0) data_->validity = bitmap(valid);
    data_->buffers.push_back(nulls_ > 0 ? data_->validity.data() : nullptr);
  }
  template <class Value>
  void view(const std::vector<Value>& values) {
    push(values.data());
  }
  void booleans(const TableColumn::Booleans& flags) {
    data_->bits = bitmap(flags);
    push(data_->bits.data());
  }
  template <class Sizes>
  void offsets(std::size_t rows, bool wide, Sizes size_of) {
    if (wide) {
      data_->wide_offsets = running_sum<std::int64_t>(rows, size_of);
      push(data_->wide_offsets.data());
    } else {
      data_->offsets = running_sum<std::int32_t>(rows, size_of);
      push(data_->offsets.data());
    }
  }
  void texts(const std::vector<const std::string*>& texts, bool wide) {
    offsets(texts.size(), wide, [&](std::size_t i) { return texts[i]->size(); });
    data_->text.reserve(wide ? static_cast<std::size_t>(data_->wide_offsets.back())
                             : static_cast<std::size_t>(data_->offsets.back()));
    for (const std::string* text : texts) data_->text += *text;
    push(data_->text.data());
  }
  void packed(const PackedTexts& texts, bool wide) {
    if (wide) {
      view(texts.offsets());
    } else {
      data_->offsets.reserve(texts.offsets().size());
      for (const std::int64_t offset : texts.offsets()) data_->offsets.push_back(static_cast<std::int32_t>(offset));
      push(data_->offsets.data());
    }
    push(texts.bytes().data());
  }
  ArrowArray* child() { return data_->children.add(); }
  /// Hands everything to `out`.
  void finish(std::size_t rows, ArrowArray* out) {
    *out = ArrowArray{.length = static_cast<std::int64_t>(rows),
                      .null_count = nulls_,
                      .offset = 0,
                      .n_buffers = static_cast<std::int64_t>(data_->buffers.size()),
                      .n_children = data_->children.count(),
                      .buffers = data_->buffers.data(),
                      .children = data_->children.pointers(),
                      .dictionary = nullptr,
                      .release = release_array,
                      .private_data = data_.get()};
    static_cast<void>(data_.release());
  }

 private:
  void push(const void* buffer) { data_->buffers.push_back(buffer != nullptr ? buffer : kNothing.data()); }

  std::unique_ptr<ArrayData> data_;
  std::int64_t nulls_ = 0;
};

/// Adds the buffers after the validity, and the children.
class FillColumn {
 public:
  FillColumn(const std::shared_ptr<const Table>& table, const ColumnKind& kind, ArrayBuilder& builder)
      : table_(table), kind_(kind), builder_(builder) {}

  void operator()(const TableColumn::Integers& values) { builder_.view(values); }
  void operator()(const TableColumn::Numbers& values) { builder_.view(values); }
  void operator()(const TableColumn::Booleans& flags) { builder_.booleans(flags); }
  void operator()(const TableColumn::Times& times) { builder_.view(times.values); }
  void operator()(const Texts& texts) {
    std::vector<const std::string*> all;
    all.reserve(texts.size());
    for (const std::string& text : texts) all.push_back(&text);
    builder_.texts(all, kind_.wide_offsets);
  }
  void operator()(const PackedTexts& texts) { builder_.packed(texts, kind_.wide_offsets); }
  void operator()(const TextLists& lists) {
    builder_.offsets(lists.size(), kind_.wide_offsets, [&](std::size_t i) { return lists[i].size(); });
    std::vector<const std::string*> all;
    for (const Texts& list : lists) {
      for (const std::string& text : list) all.push_back(&text);
    }
    ArrayBuilder items(table_);
    items.validity({});
    items.texts(all, kind_.wide_items);
    items.finish(all.size(), builder_.child());
  }

 private:
  const std::shared_ptr<const Table>& table_;
  const ColumnKind& kind_;
  ArrayBuilder& builder_;
};

void table_array(const std::shared_ptr<const Table>& table, const std::vector<ColumnKind>& kinds, ArrowArray* out) {
  ArrayBuilder batch(table);
  batch.validity({});
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    ArrayBuilder column(table);
    column.validity(table->columns[i].valid);
    std::visit(FillColumn(table, kinds[i], column), table->columns[i].values);
    column.finish(table->rows, batch.child());
  }
  batch.finish(table->rows, out);
}

// --- stream -----------------------------------------------------------------------------------------------------

struct StreamData {
  std::shared_ptr<const Table> table;
  std::vector<ColumnKind> kinds;
  bool done = false;
  std::string error;
};

StreamData& data_of(ArrowArrayStream* stream) { return *static_cast<StreamData*>(stream->private_data); }

/// No exception leaves a C function: 0, or an error number and a text for get_last_error.
template <class Action>
int guarded(StreamData& data, Action action) noexcept {
  try {
    action();
    return 0;
  } catch (const std::bad_alloc&) {
    data.error = "no memory";  // short: needs none
    return ENOMEM;
  } catch (const std::exception&) {
    data.error = "export failed";
    return EIO;
  }
}

int get_schema(ArrowArrayStream* stream, ArrowSchema* out) {
  StreamData& data = data_of(stream);
  return guarded(data, [&] { table_schema(*data.table, data.kinds, out); });
}

int get_next(ArrowArrayStream* stream, ArrowArray* out) {
  StreamData& data = data_of(stream);
  *out = ArrowArray{};  // released: the end of the stream
  if (data.done) return 0;
  return guarded(data, [&] {
    table_array(data.table, data.kinds, out);
    data.done = true;
  });
}

const char* get_last_error(ArrowArrayStream* stream) {
  const StreamData& data = data_of(stream);
  return data.error.empty() ? nullptr : data.error.c_str();
}

void release_stream(ArrowArrayStream* stream) {
  delete static_cast<StreamData*>(stream->private_data);
  stream->release = nullptr;
}

void release_capsule(void* pointer) {
  const std::unique_ptr<ArrowArrayStream> stream(static_cast<ArrowArrayStream*>(pointer));
  if (stream->release != nullptr) stream->release(stream.get());  // nobody took it
}

}  // namespace

void export_stream(std::shared_ptr<const Table> table, ArrowArrayStream* out, std::int64_t narrow_limit) {
  auto data = std::make_unique<StreamData>();
  for (const TableColumn& column : table->columns) {
    data->kinds.push_back(std::visit(KindOf{narrow_limit}, column.values));
  }
  data->table = std::move(table);
  *out = ArrowArrayStream{get_schema, get_next, get_last_error, release_stream, data.get()};
  static_cast<void>(data.release());
}

py::capsule stream_capsule(std::shared_ptr<const Table> table, std::int64_t narrow_limit) {
  auto stream = std::make_unique<ArrowArrayStream>();
  {
    const py::gil_scoped_release unlocked;  // sums the sizes of all texts
    export_stream(std::move(table), stream.get(), narrow_limit);
  }
  py::capsule capsule(stream.get(), "arrow_array_stream", release_capsule);
  static_cast<void>(stream.release());
  return capsule;
}

}  // namespace apportion
