#include "apportion/base/json.hpp"

#include <boost/json/src.hpp>

namespace apportion {
namespace {

namespace json = boost::json;

Result<Node> node_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::bool_:
      return Node(value.get_bool());
    case json::kind::int64:
      return Node(value.get_int64());
    case json::kind::uint64:
      return invalid("the number " + std::to_string(value.get_uint64()) + " does not fit 64 bits with a sign");
    case json::kind::double_: {
      const Result<Decimal> number = Decimal::from_double(value.get_double());
      return number ? Result<Node>(Node(*number)) : Result<Node>(number.error());
    }
    case json::kind::string:
      return Node(std::string_view(value.get_string()));
    case json::kind::array: {
      Node::List list;
      for (const json::value& item : value.get_array()) {
        Result<Node> node = node_of(item);
        if (!node) return node;
        list.push_back(std::move(*node));
      }
      return Node(std::move(list));
    }
    case json::kind::object: {
      Node::Map map;
      for (const json::key_value_pair& member : value.get_object()) {
        Result<Node> node = node_of(member.value());
        if (!node) return node;
        map.emplace_back(std::string(member.key()), std::move(*node));
      }
      return Node(std::move(map));
    }
    default:
      return Node();
  }
}

}  // namespace

Result<Node> from_json(std::string_view text) {
  boost::system::error_code fault;
  json::parse_options options;
  options.max_depth = 100;
  const json::value value = json::parse(text, fault, {}, options);
  if (fault) return invalid("this is no JSON: " + fault.message());
  return node_of(value);
}

}  // namespace apportion
