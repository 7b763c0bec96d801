#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apportion/base/table.hpp"
#include "arrow.hpp"
#include "python.hpp"

namespace apportion {
namespace {

using TablePtr = std::shared_ptr<const Table>;

const TableColumn& column_named(const Table& table, const std::string& name) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                  [&](const TableColumn& column) { return column.name == name; });
  if (found != table.columns.end()) return *found;
  std::string known;
  for (const TableColumn& column : table.columns) known += (known.empty() ? "" : ", ") + column.name;
  throw py::key_error("no column '" + name + "'; there are: " + (known.empty() ? "none" : known));
}

bool has_value(const TableColumn& column, std::size_t row) { return column.valid.empty() || column.valid[row] != 0; }

bool has_nulls(const TableColumn& column) {
  return std::find(column.valid.begin(), column.valid.end(), 0) != column.valid.end();
}

// --- one value as a Python object ---------------------------------------------------------------------------------

py::object plain(std::int64_t value) { return py::int_(value); }
py::object plain(double value) { return py::float_(value); }
py::object plain(std::uint8_t value) { return py::bool_(value != 0); }
py::object plain(std::string_view value) { return py::str(value.data(), value.size()); }
py::object plain(const std::vector<std::string>& value) { return py::cast(value); }

/// Times are numbers of nanoseconds here; Python's datetime has microseconds, so to_dict() rounds down.
struct Clock {
  py::object epoch;
  py::object timedelta;

  Clock() {
    const py::module_ datetime = py::module_::import("datetime");
    timedelta = datetime.attr("timedelta");
    epoch = datetime.attr("datetime")(1970, 1, 1, py::arg("tzinfo") = datetime.attr("timezone").attr("utc"));
  }
  [[nodiscard]] py::object operator()(std::int64_t nanoseconds) const {
    constexpr std::int64_t kMicrosecond = 1000;
    const std::int64_t down = nanoseconds % kMicrosecond < 0 ? 1 : 0;
    return epoch + timedelta(0, 0, nanoseconds / kMicrosecond - down);
  }
};

/// The rows [start, stop) of a column as Python objects, None where there is no value.
struct PlainValues {
  const TableColumn& column;
  std::size_t start;
  std::size_t stop;

  template <class Values, class Convert>
  [[nodiscard]] py::list listed(const Values& values, Convert convert) const {
    py::list items(stop - start);
    for (std::size_t row = start; row < stop; ++row) {
      items[row - start] = has_value(column, row) ? convert(values[row]) : py::object(py::none());
    }
    return items;
  }
  template <class Values>
  py::list operator()(const Values& values) const {
    return listed(values, [](const auto& value) { return plain(value); });
  }
  py::list operator()(const TableColumn::Times& times) const { return listed(times.values, Clock()); }
};

// --- a column as an array -------------------------------------------------------------------------------------------

/// A read-only array over memory of the table, which `owner` keeps alive.
py::array view(const py::dtype& type, const void* data, std::size_t rows, py::handle owner) {
  py::array array(type, {static_cast<py::ssize_t>(rows)}, {}, data, owner);
  array.attr("setflags")(py::arg("write") = false);
  return array;
}

/// A fresh read-only array; rows without value become `missing`.
template <class Value, class Values>
py::array_t<Value> filled(const TableColumn& column, const Values& values, Value missing) {
  py::array_t<Value> array(static_cast<py::ssize_t>(values.size()));
  Value* out = array.mutable_data();
  {
    const py::gil_scoped_release unlocked;  // a loop over all rows, on plain memory
    for (std::size_t row = 0; row < values.size(); ++row) {
      out[row] = has_value(column, row) ? static_cast<Value>(values[row]) : missing;
    }
  }
  array.attr("setflags")(py::arg("write") = false);
  return array;
}

struct ColumnArray {
  const TableColumn& column;
  py::object owner;

  py::object operator()(const TableColumn::Numbers& values) const {
    if (has_nulls(column)) return filled<double>(column, values, std::nan(""));
    return view(py::dtype::of<double>(), values.data(), values.size(), owner);
  }
  py::object operator()(const TableColumn::Integers& values) const {
    if (has_nulls(column)) return filled<double>(column, values, std::nan(""));
    return view(py::dtype::of<std::int64_t>(), values.data(), values.size(), owner);
  }
  py::object operator()(const TableColumn::Booleans& values) const {
    if (has_nulls(column)) return PlainValues{column, 0, column.size()}(values);
    return view(py::dtype::of<bool>(), values.data(), values.size(), owner);
  }
  py::object operator()(const TableColumn::Times& times) const {
    constexpr std::int64_t kNotATime = std::numeric_limits<std::int64_t>::min();  // NumPy's NaT
    const py::dtype type("datetime64[ns]");
    if (has_nulls(column)) return filled<std::int64_t>(column, times.values, kNotATime).attr("view")(type);
    return view(type, times.values.data(), times.values.size(), owner);
  }
  py::object operator()(const TableColumn::Texts& values) const {
    return PlainValues{column, 0, column.size()}(values);
  }
  py::object operator()(const PackedTexts& values) const { return PlainValues{column, 0, column.size()}(values); }
  py::object operator()(const TableColumn::TextLists& values) const {
    return PlainValues{column, 0, column.size()}(values);
  }
};

py::object column_array(const TablePtr& table, const std::string& name) {
  const TableColumn& column = column_named(*table, name);
  // The owner of a view is a capsule and not the Python object, so that a view never keeps more than the table alive.
  const py::capsule owner(new TablePtr(table), [](void* held) { delete static_cast<TablePtr*>(held); });
  return std::visit(ColumnArray{column, owner}, column.values);
}

py::dict to_dict(const Table& table, std::size_t start, std::optional<std::size_t> stop) {
  const std::size_t end = std::min(stop.value_or(table.rows), table.rows);
  py::dict columns;
  for (const TableColumn& column : table.columns) {
    columns[py::str(column.name)] = std::visit(PlainValues{column, std::min(start, end), end}, column.values);
  }
  return columns;
}

// --- a table of every kind, for tests of consumers ------------------------------------------------------------------

/// Row i holds what its number says; `some_*` have no value in every third row, starting with the first.
Table example_table(std::size_t rows) {
  TableColumn::Integers integers;
  TableColumn::Numbers numbers;
  TableColumn::Booleans booleans;
  TableColumn::Texts texts;
  PackedTexts packed;
  TableColumn::TextLists lists;
  TableColumn::Times times;
  std::vector<std::uint8_t> valid;
  for (std::size_t row = 0; row < rows; ++row) {
    integers.push_back(static_cast<std::int64_t>(row));
    numbers.push_back(static_cast<double>(row) / 2);
    booleans.push_back(row % 2 == 1);
    texts.push_back(row % 5 == 4 ? "" : "zo\xc3\xab-" + std::to_string(row));  // "zoë-3"
    packed.push_back(texts.back());
    lists.emplace_back(row % 3, "a\xe2\x82\xac" + std::to_string(row));  // 0 to 2 times "a€3"
    times.values.push_back(static_cast<std::int64_t>(row) * 1'000'000'000 + 1);
    valid.push_back(row % 3 != 0);
  }
  Table table;
  table.rows = rows;
  table.columns = {{"integer", integers, {}},
                   {"number", numbers, {}},
                   {"boolean", booleans, {}},
                   {"text", texts, {}},
                   {"texts", lists, {}},
                   {"time", times, {}},
                   {"packed", packed, {}},
                   {"some_integer", integers, valid},
                   {"some_number", numbers, valid},
                   {"some_boolean", booleans, valid},
                   {"some_text", texts, valid},
                   {"some_texts", lists, valid},
                   {"some_time", times, valid},
                   {"some_packed", packed, valid}};
  return table;
}

}  // namespace

void bind_table(py::module_& m) {
  py::classh<Table>(m, "Table", "Named columns of equal length; immutable.")
      .def(py::init<>(), "No columns, no rows.")
      .def_property_readonly("column_names",
                             [](const Table& self) {
                               py::list names;
                               for (const TableColumn& column : self.columns) names.append(column.name);
                               return names;
                             })
      .def_property_readonly("num_rows", [](const Table& self) { return self.rows; })
      .def_property_readonly("revision", [](const Table& self) { return self.revision; })
      .def("__len__", [](const Table& self) { return self.rows; })
      .def("column", &column_array, py::arg("name"),
           "A read-only array (numbers, times, booleans without nulls) or a list of Python objects.")
      .def("to_dict", &to_dict, py::arg("start") = 0, py::arg("stop") = py::none(),
           "The rows [start, stop) of each column as a list of Python objects, None where there is no value.")
      .def(
          "__arrow_c_stream__",
          // A requested schema is a wish; the stream says what it holds and the consumer casts.
          [](const TablePtr& self, const py::object&) { return stream_capsule(self); },
          py::arg("requested_schema") = py::none(), "A capsule with a stream of one batch, which shares the columns.");
  m.def(
      "_example_table", [](std::size_t rows) { return std::make_shared<const Table>(example_table(rows)); },
      py::arg("rows"), "A table with columns of every kind: for tests of consumers.");
  m.def(
      "_example_stream",
      [](std::size_t rows, std::int64_t narrow_limit) {
        return stream_capsule(std::make_shared<const Table>(example_table(rows)), narrow_limit);
      },
      py::arg("rows"), py::arg("narrow_limit"),
      "Its stream with the large kinds beyond a limit: for tests of consumers.");
}

}  // namespace apportion
