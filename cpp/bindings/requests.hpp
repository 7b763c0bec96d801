// Requests of Python values. Every function needs the GIL; results own what they hold.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "apportion/allocator/request.hpp"
#include "apportion/allocator/request_columns.hpp"
#include "python.hpp"

namespace apportion {

/// A request of the keyword arguments of Pool.allocate, but its times and its mapping of amounts; names that are none
/// of these are dimensions. Throws ErrorException, naming the argument.
[[nodiscard]] Request request_from(const py::object& type, const py::dict& arguments);

/// A dict of lists and one-dimensional arrays of `rows` values each, as the core reads it. Arrays of int64 and double
/// are read where they lie, and so are texts. Made and destroyed with the GIL; between these, what `get` gives may be
/// read without it.
class HeldColumns {
 public:
  /// Throws ErrorException, naming row and column: "requests[3].gb".
  HeldColumns(const py::dict& columns, std::size_t rows);
  HeldColumns(const HeldColumns&) = delete;
  HeldColumns& operator=(const HeldColumns&) = delete;

  /// Said once for all rows, instead of a column. "" says nothing.
  void say(TextColumn RequestColumns::* column, const py::object& text, const char* name);
  /// RequestColumns::threads.
  void share(std::int64_t threads) { columns_.threads = threads; }
  [[nodiscard]] const RequestColumns& get() const { return columns_; }

 private:
  void read(const std::string& name, const py::object& values);
  [[nodiscard]] TextColumn texts(const std::string& name, const py::object& values);
  [[nodiscard]] std::vector<std::uint32_t> counts(const std::string& name, const py::object& values);
  [[nodiscard]] AmountColumn amounts(const std::string& name, const py::object& values);
  [[nodiscard]] bool read_array(const py::object& values, AmountColumn& column);
  [[nodiscard]] bool read_integers(const py::tuple& cells, AmountColumn& column);
  [[nodiscard]] bool read_doubles(const py::tuple& cells, AmountColumn& column);
  void read_decimals(const std::string& name, const py::tuple& cells, AmountColumn& column);
  void check_rows(std::size_t rows) const;
  /// The cells, held: another thread may change the list that they come from.
  [[nodiscard]] py::tuple cells_of(const py::object& values);

  RequestColumns columns_;
  std::vector<py::object> held_;
  std::deque<py::buffer_info> buffers_;  // while one is held, its array keeps its memory
  std::deque<std::string> said_;
  std::deque<std::vector<std::int64_t>> integers_;
  std::deque<std::vector<double>> doubles_;
  std::deque<std::vector<Decimal>> decimals_;
};

}  // namespace apportion
