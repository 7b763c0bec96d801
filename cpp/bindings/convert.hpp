// Python values to the document tree and back. Every function needs the GIL; results own their data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apportion/base/decimal.hpp"
#include "apportion/base/node.hpp"
#include "python.hpp"

namespace apportion {

/// The tree of a Python value: None, bool, int, float (its shortest decimal), decimal.Decimal (exactly), str, list,
/// tuple, dict with str keys (in order) and NumPy scalars of these kinds. A float of NumPy that is not a double is
/// read as the shortest decimal of its own width, so that float32(0.3) is 0.3.
/// `place` is where the value stands, the start of the places that messages name: "fields.slots", "groups[3]".
/// Throws ErrorException, naming the place, for another kind of value, lone surrogates, NaN, infinity, a number beyond
/// Decimal, more than 100 nested lists and dicts, more than ten million values, a key that stands twice.
[[nodiscard]] Node node_from(py::handle value, std::string_view place = {});

/// The number of an int, a float, a decimal.Decimal or a NumPy scalar; bool is refused. `place` and errors as above.
[[nodiscard]] Decimal decimal_from(py::handle value, std::string_view place = {});

/// The same for a member of what stands at `place`: "amounts.gb".
[[nodiscard]] Decimal decimal_from(py::handle value, std::string_view place, std::string_view member);

/// The numbers of a dict by name; `place` is that of the dict.
[[nodiscard]] std::vector<std::pair<std::string, Decimal>> decimals_from(const py::dict& values,
                                                                         std::string_view place);

/// The text of a str. Errors as above.
[[nodiscard]] std::string text_from(py::handle value, std::string_view place);

/// The same without a copy: the bytes live as long as `value`.
[[nodiscard]] std::string_view view_from(py::handle value, std::string_view place);

/// A whole number from 0 to 2^32 - 1, of any kind that decimal_from takes. Errors as above.
[[nodiscard]] std::uint32_t count_from(py::handle value, std::string_view place);

/// None, bool, int (whole numbers, exactly), float (other numbers, the nearest), str, list or dict.
[[nodiscard]] py::object object_from(const Node& node);

}  // namespace apportion
