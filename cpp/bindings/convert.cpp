#include "convert.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apportion/base/status.hpp"

// Reading a value may run Python code (Decimal.__str__, item() of a NumPy scalar), which may change the containers
// around it. So containers are copied, shallowly, before they are walked.

namespace apportion {
namespace {

constexpr int kMaxLevels = 100;                 // as decode_node
constexpr std::size_t kMaxValues = 10'000'000;  // a few shared lists can stand for more values than memory holds
constexpr int kMaxIntegerBits = 1500;  // beyond every Decimal (10^434), and below Python's limit of 4300 digits

/// Where the reader is: a chain on the stack, spelled only when a message needs it.
struct Place {
  const Place* outer = nullptr;
  std::string_view name;   // a key of a dict; the whole place for the outermost
  py::ssize_t index = -1;  // of a list

  [[nodiscard]] std::string text() const {
    if (outer == nullptr) return std::string(name);
    const std::string before = outer->text();
    if (index >= 0) return before + "[" + std::to_string(index) + "]";
    return before.empty() ? std::string(name) : before + "." + std::string(name);
  }
};

[[noreturn]] void fail(const Place& place, const std::string& problem) {
  throw ErrorException(invalid(problem, place.text()));
}

std::string type_name(py::handle value) { return py::cast<std::string>(py::type::handle_of(value).attr("__name__")); }

const py::object& decimal_type() {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> storage;
  return storage.call_once_and_store_result([] { return py::module_::import("decimal").attr("Decimal"); }).get_stored();
}

const py::object& numpy_scalar_type() {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> storage;
  return storage.call_once_and_store_result([] { return py::module_::import("numpy").attr("generic"); }).get_stored();
}

/// The kind letter of a NumPy scalar's dtype, or '\0' for any other value.
char numpy_kind(py::handle value) {
  if (!py::isinstance(value, numpy_scalar_type())) return '\0';
  return py::cast<char>(value.attr("dtype").attr("kind"));
}

Decimal checked(const Result<Decimal>& number, const Place& place) {
  if (!number) fail(place, number.error().text());
  return *number;
}

Decimal integer_from(py::handle value, const Place& place) {
  int overflow = 0;
  const long long small = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
  if (overflow == 0) return Decimal(static_cast<std::int64_t>(small));
  const auto bits = py::cast<std::size_t>(value.attr("bit_length")());
  if (bits > kMaxIntegerBits) fail(place, "an integer of " + std::to_string(bits) + " bits does not fit");
  const auto digits = py::reinterpret_steal<py::str>(PyNumber_ToBase(value.ptr(), 10));
  if (!digits) throw py::error_already_set();
  return checked(Decimal::parse(py::cast<std::string>(digits)), place);
}

/// The number of `value`, or nothing when its kind is not a number.
std::optional<Decimal> number_from(py::handle value, const Place& place) {
  if (PyBool_Check(value.ptr())) return std::nullopt;
  if (PyLong_Check(value.ptr())) return integer_from(value, place);
  if (PyFloat_Check(value.ptr())) return checked(Decimal::from_double(PyFloat_AS_DOUBLE(value.ptr())), place);
  if (py::isinstance(value, decimal_type()))
    return checked(Decimal::parse(py::cast<std::string>(py::str(value))), place);
  const char kind = numpy_kind(value);
  if (kind == 'i' || kind == 'u') return integer_from(value.attr("item")(), place);
  // str of a NumPy float is the shortest decimal of its width; item() would widen it and show the rounding.
  if (kind == 'f') return checked(Decimal::parse(py::cast<std::string>(py::str(value))), place);
  return std::nullopt;
}

/// The bytes live as long as `value`.
std::string_view utf8_of(py::handle value, const Place& place) {
  py::ssize_t size = 0;
  const char* bytes = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
  if (bytes == nullptr) {
    PyErr_Clear();
    fail(place, "text with a lone surrogate is not valid Unicode: " + py::cast<std::string>(py::repr(value)));
  }
  return {bytes, static_cast<std::size_t>(size)};
}

bool has_duplicate(const Node::Map& members) {
  std::vector<std::string_view> keys;
  keys.reserve(members.size());
  for (const auto& member : members) keys.emplace_back(member.first);
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

class Reader {
 public:
  /// `level` counts the lists and dicts around `value`.
  Node read(py::handle value, const Place& place, int level) {
    if (++values_ > kMaxValues) fail(place, "more than " + std::to_string(kMaxValues) + " values");
    if (value.is_none()) return {};
    if (PyBool_Check(value.ptr())) return value.ptr() == Py_True;
    if (PyUnicode_Check(value.ptr())) return utf8_of(value, place);
    if (PyDict_Check(value.ptr())) return read_dict(value, place, deeper(level, place));
    if (PyList_Check(value.ptr()) || PyTuple_Check(value.ptr())) return read_list(value, place, deeper(level, place));
    if (const std::optional<Decimal> number = number_from(value, place)) return *number;
    if (numpy_kind(value) == 'b') return py::cast<bool>(value.attr("item")());
    fail(place, "a value of type " + type_name(value) +
                    " has no place in a document; give None, a boolean, a number, text, a list or a dict" +
                    (py::hasattr(value, "isoformat") ? " (a time is text such as \"2030-01-31T08:00:00Z\")" : ""));
  }

 private:
  static int deeper(int level, const Place& place) {
    if (level == kMaxLevels) {
      throw ErrorException(
          invalid("more than 100 lists and dicts inside each other, at " + place.text().substr(0, 60) + "..."));
    }
    return level + 1;
  }

  Node read_list(py::handle value, const Place& place, int level) {
    const auto items = py::reinterpret_steal<py::tuple>(PySequence_Tuple(value.ptr()));
    if (!items) throw py::error_already_set();
    Node::List list;
    list.reserve(items.size());
    for (py::ssize_t i = 0; i < PyTuple_GET_SIZE(items.ptr()); ++i) {
      list.push_back(read(PyTuple_GET_ITEM(items.ptr(), i), Place{&place, {}, i}, level));
    }
    return list;
  }

  Node read_dict(py::handle value, const Place& place, int level) {
    const auto items = py::reinterpret_steal<py::list>(PyDict_Items(value.ptr()));
    if (!items) throw py::error_already_set();
    Node::Map map;
    map.reserve(items.size());
    bool plain = true;
    for (const py::handle item : items) {
      const py::handle key = PyTuple_GET_ITEM(item.ptr(), 0);
      if (!PyUnicode_Check(key.ptr())) fail(place, "a key of type " + type_name(key) + "; keys are text");
      plain = plain && PyUnicode_CheckExact(key.ptr());
      const std::string_view name = utf8_of(key, place);
      map.emplace_back(name, read(PyTuple_GET_ITEM(item.ptr(), 1), Place{&place, name}, level));
    }
    // Only a subclass of str can be unequal to its own text.
    if (!plain && has_duplicate(map)) fail(place, "a key that stands twice");
    return map;
  }

  std::size_t values_ = 0;
};

py::object number_object(const Decimal& number) {
  if (!number.integer()) return py::float_(number.to_double());
  if (const Result<std::int64_t> small = number.to_int64()) return py::int_(*small);
  // |digits| < 10^34, so both halves fit 64 bits.
  constexpr std::int64_t kHalf = 100'000'000'000'000'000;
  const py::int_ high(static_cast<std::int64_t>(number.digits() / kHalf));
  const py::int_ low(static_cast<std::int64_t>(number.digits() % kHalf));
  return (high * py::int_(kHalf) + low) * py::int_(10).attr("__pow__")(number.exponent());
}

Decimal decimal_at(py::handle value, const Place& place) {
  if (const std::optional<Decimal> number = number_from(value, place)) return *number;
  fail(place, "a value of type " + type_name(value) + " is not a number; give an int, a float or a Decimal");
}

}  // namespace

Node node_from(py::handle value, std::string_view place) { return Reader().read(value, Place{nullptr, place}, 0); }

Decimal decimal_from(py::handle value, std::string_view place) { return decimal_at(value, Place{nullptr, place}); }

Decimal decimal_from(py::handle value, std::string_view place, std::string_view member) {
  const Place outermost{nullptr, place};
  return decimal_at(value, Place{&outermost, member});
}

std::vector<std::pair<std::string, Decimal>> decimals_from(const py::dict& values, std::string_view place) {
  std::vector<std::pair<std::string, Decimal>> decimals;
  decimals.reserve(values.size());
  for (const auto& [key, value] : values) {
    const std::string_view name = view_from(key, place);
    decimals.emplace_back(name, decimal_from(value, place, name));
  }
  return decimals;
}

std::string_view view_from(py::handle value, std::string_view place) {
  const Place outermost{nullptr, place};
  if (PyUnicode_Check(value.ptr())) return utf8_of(value, outermost);
  fail(outermost, "expected text, found " + py::cast<std::string>(py::repr(value)));
}

std::string text_from(py::handle value, std::string_view place) { return std::string(view_from(value, place)); }

std::uint32_t count_from(py::handle value, std::string_view place) {
  const Place outermost{nullptr, place};
  const std::optional<Decimal> number = number_from(value, outermost);
  const Result<std::int64_t> whole = number ? number->to_int64() : Result<std::int64_t>(-1);
  if (whole && *whole >= 0 && *whole <= std::numeric_limits<std::uint32_t>::max()) {
    return static_cast<std::uint32_t>(*whole);
  }
  fail(outermost, "expected a whole number from 1, found " + py::cast<std::string>(py::repr(value)));
}

py::object object_from(const Node& node) {
  if (const bool* truth = node.boolean()) return py::bool_(*truth);
  if (const Decimal* number = node.number()) return number_object(*number);
  if (const std::string* text = node.text()) return py::str(*text);
  if (const Node::List* list = node.list()) {
    py::list items;
    for (const Node& item : *list) items.append(object_from(item));
    return items;
  }
  if (const Node::Map* map = node.map()) {
    py::dict members;
    for (const auto& [key, value] : *map) members[py::str(key)] = object_from(value);
    return members;
  }
  return py::none();
}

}  // namespace apportion
