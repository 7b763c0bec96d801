#include "requests.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "apportion/catalog/document.hpp"
#include "apportion/catalog/request_words.hpp"
#include "convert.hpp"

namespace apportion {
namespace {

using TextMember = TextColumn RequestColumns::*;

constexpr std::string_view kLabel = "labels.";

constexpr std::pair<std::string_view, TextMember> kTextColumns[] = {{"consumer", &RequestColumns::consumer},
                                                                    {"policy", &RequestColumns::policy},
                                                                    {"where", &RequestColumns::where},
                                                                    {"key", &RequestColumns::key},
                                                                    {"type", &RequestColumns::type}};

std::string place_of(std::size_t row, const std::string& name) {
  return "requests[" + std::to_string(row) + "]." + name;
}

bool is_whole(const py::object& values) {
  if (!py::isinstance<py::array>(values)) return false;
  const char kind = py::reinterpret_borrow<py::array>(values).dtype().kind();
  return kind == 'i' || kind == 'u';
}

void set_policy(Request& request, py::handle policy) {
  if (policy.is_none()) return;
  if (PyUnicode_Check(policy.ptr()) || !py::hasattr(policy, "keys")) {
    request.policy = text_from(policy, "policy");
    return;
  }
  std::vector<Problem> problems;
  request.own_policy =
      read_policy("own", node_from(py::dict(py::reinterpret_borrow<py::object>(policy)), "policy"), "policy", problems);
  if (!problems.empty()) throw ErrorException(invalid(problems.front().message, problems.front().place));
}

// Sorted by key.
NamedText labels_from(py::handle value) {
  NamedText labels;
  if (value.is_none()) return labels;
  if (!py::hasattr(value, "keys")) throw ErrorException(invalid("expected a mapping of keys to texts", "labels"));
  for (const auto& [key, text] : py::dict(py::reinterpret_borrow<py::object>(value))) {
    const std::string name = text_from(key, "labels");
    labels.emplace_back(name, text_from(text, "labels." + name));
  }
  std::ranges::sort(labels);
  return labels;
}

bool flag_from(py::handle value, std::string_view name) {
  if (value.ptr() == Py_True || value.ptr() == Py_False) return value.ptr() == Py_True;
  throw ErrorException(invalid("expected True or False, found " + std::string(py::repr(value)), std::string(name)));
}

// What is no number was hardly meant for a dimension.
Decimal amount_from(py::handle value, std::string_view place, std::string_view name) {
  try {
    return decimal_from(value, place, name);
  } catch (const ErrorException& failure) {
    const Error& error = failure.error();
    throw ErrorException({error.code, error.message + request_hint(name), error.place});
  }
}

}  // namespace

Request request_from(const py::object& type, const py::dict& arguments) {
  constexpr std::string_view kAmounts = "amounts";
  Request request;
  request.type = text_from(type, "type");
  request.amounts.reserve(arguments.size());
  for (const auto& [key, value] : arguments) {
    const std::string_view name = view_from(key, kAmounts);
    if (name == "consumer") {
      request.consumer = view_from(value, name);
    } else if (name == "count") {
      request.count = count_from(value, name);
    } else if (name == "policy") {
      set_policy(request, value);
    } else if (name == "where") {
      request.where = view_from(value, name);
    } else if (name == "labels") {
      request.labels = labels_from(value);
    } else if (name == "key") {
      request.key = view_from(value, name);
    } else if (name == "actor") {
      request.actor = view_from(value, name);
    } else if (name == "whole") {
      request.whole = flag_from(value, name);
    } else {
      request.amounts.emplace_back(name, amount_from(value, kAmounts, name));
    }
  }
  return request;
}

HeldColumns::HeldColumns(const py::dict& columns, std::size_t rows) {
  columns_.rows = rows;
  for (const auto& [name, values] : columns) {
    read(text_from(name, "columns"), py::reinterpret_borrow<py::object>(values));
  }
}

void HeldColumns::say(TextColumn RequestColumns::* column, const py::object& text, const char* name) {
  said_.push_back(text_from(text, name));
  if (!said_.back().empty()) columns_.*column = TextColumn(std::string_view(said_.back()));
}

void HeldColumns::read(const std::string& name, const py::object& values) {
  const auto text = std::ranges::find(kTextColumns, name, &std::pair<std::string_view, TextMember>::first);
  if (text != std::end(kTextColumns)) {
    columns_.*text->second = texts(name, values);
  } else if (name.starts_with(kLabel)) {
    columns_.labels.emplace_back(name.substr(kLabel.size()), texts(name, values));
    std::ranges::sort(columns_.labels, {}, [](const auto& label) -> const std::string& { return label.first; });
  } else if (name == "count") {
    columns_.count = counts(name, values);
  } else {
    columns_.amounts.push_back(amounts(name, values));
  }
}

py::tuple HeldColumns::cells_of(const py::object& values) {
  const bool whole = is_whole(values);
  auto cells = py::reinterpret_steal<py::tuple>(PySequence_Tuple((whole ? values.attr("tolist")() : values).ptr()));
  if (!cells) throw py::error_already_set();
  check_rows(cells.size());
  held_.push_back(cells);
  return cells;
}

// The caller compared the lengths; another thread may have changed a list since.
void HeldColumns::check_rows(std::size_t rows) const {
  if (rows == columns_.rows) return;
  throw ErrorException(invalid(
      "a column has " + std::to_string(rows) + " rows, the first has " + std::to_string(columns_.rows), "requests"));
}

// A cell without value leaves what the argument's default is.
TextColumn HeldColumns::texts(const std::string& name, const py::object& values) {
  const py::tuple cells = cells_of(values);
  std::vector<std::string_view> rows(cells.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    PyObject* cell = PyTuple_GET_ITEM(cells.ptr(), static_cast<py::ssize_t>(row));
    if (cell == Py_None) continue;
    py::ssize_t size = 0;
    const char* bytes = PyUnicode_Check(cell) ? PyUnicode_AsUTF8AndSize(cell, &size) : nullptr;
    if (bytes == nullptr) {
      PyErr_Clear();
      static_cast<void>(text_from(cell, place_of(row, name)));  // says what is wrong
    }
    rows[row] = {bytes, static_cast<std::size_t>(size)};
  }
  return TextColumn(std::move(rows));
}

std::vector<std::uint32_t> HeldColumns::counts(const std::string& name, const py::object& values) {
  std::vector<std::uint32_t> counts;
  for (const py::handle cell : cells_of(values)) counts.push_back(count_from(cell, place_of(counts.size(), name)));
  return counts;
}

AmountColumn HeldColumns::amounts(const std::string& name, const py::object& values) {
  AmountColumn column{name, {}};
  if (py::isinstance<py::array>(values) && read_array(values, column)) return column;
  const py::tuple cells = cells_of(values);
  if (!read_integers(cells, column) && !read_doubles(cells, column)) read_decimals(name, cells, column);
  return column;
}

// Arrays of other numbers than int64 and double are copied to one of these where that is exact.
bool HeldColumns::read_array(const py::object& values, AmountColumn& column) {
  const auto array = py::reinterpret_borrow<py::array>(values);
  const char kind = array.dtype().kind();
  const bool whole = kind == 'i' || (kind == 'u' && array.itemsize() < static_cast<py::ssize_t>(sizeof(std::int64_t)));
  if (!whole && kind != 'f') return false;
  py::array plain = whole ? py::array(py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>(array))
                          : py::array(py::array_t<double, py::array::c_style | py::array::forcecast>(array));
  buffers_.push_back(plain.request());
  const auto rows = static_cast<std::size_t>(plain.size());
  check_rows(rows);
  if (whole) {
    column.values = std::span(static_cast<const std::int64_t*>(buffers_.back().ptr), rows);
  } else {
    column.values = std::span(static_cast<const double*>(buffers_.back().ptr), rows);
  }
  return true;
}

bool HeldColumns::read_integers(const py::tuple& cells, AmountColumn& column) {
  std::vector<std::int64_t>& numbers = integers_.emplace_back();
  for (const py::handle cell : cells) {
    int overflow = 0;
    if (!PyLong_CheckExact(cell.ptr())) return false;
    numbers.push_back(PyLong_AsLongLongAndOverflow(cell.ptr(), &overflow));
    if (overflow != 0) return false;
  }
  column.values = std::span<const std::int64_t>(numbers);
  return true;
}

bool HeldColumns::read_doubles(const py::tuple& cells, AmountColumn& column) {
  std::vector<double>& numbers = doubles_.emplace_back();
  for (const py::handle cell : cells) {
    if (!PyFloat_CheckExact(cell.ptr())) return false;
    numbers.push_back(PyFloat_AS_DOUBLE(cell.ptr()));
  }
  column.values = std::span<const double>(numbers);
  return true;
}

void HeldColumns::read_decimals(const std::string& name, const py::tuple& cells, AmountColumn& column) {
  std::vector<Decimal>& numbers = decimals_.emplace_back();
  for (const py::handle cell : cells) {
    numbers.push_back(amount_from(cell, "requests[" + std::to_string(numbers.size()) + "]", name));
  }
  column.values = std::span<const Decimal>(numbers);
}

}  // namespace apportion
