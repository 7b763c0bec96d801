#include <algorithm>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <cmath>

#include "pattern.hpp"
#include "reading.hpp"
#include "timestamp.hpp"

// One check per kind of field; each gives the value in normal form.

namespace apportion {
namespace {

Error mismatch(std::string_view expected, const Node& found) {
  return invalid("expected " + std::string(expected) + ", found " + shown(found));
}

std::size_t length_of(const FieldDefinition& field) { return field.max_length == 0 ? kMaxTextBytes : field.max_length; }

Status check_range(const FieldDefinition& field, const Decimal& value) {
  if (!std::isfinite(value.to_double())) return invalid(value.text() + " is beyond the range of numbers (1.8e308)");
  if (field.minimum && value < *field.minimum) {
    return invalid(value.text() + " is below the smallest allowed value, " + field.minimum->text());
  }
  if (field.maximum && value > *field.maximum) {
    return invalid(value.text() + " is above the largest allowed value, " + field.maximum->text());
  }
  return {};
}

Result<Node> check_string(const FieldDefinition& field, const Node& value) {
  if (value.text() == nullptr) return mismatch("text", value);
  if (std::string fault = text_fault(*value.text(), {0, length_of(field), false}); !fault.empty())
    return invalid(fault);
  if (field.pattern.empty()) return value;
  const Result<bool> matching = matches(field.pattern, *value.text());
  if (!matching) return matching.error();
  if (!*matching) return invalid(quoted(*value.text()) + " does not match the pattern " + quoted(field.pattern));
  return value;
}

Result<Node> check_number(const FieldDefinition& field, const Node& value, std::string_view expected) {
  if (value.number() == nullptr) return mismatch(expected, value);
  APPORTION_TRY(check_range(field, *value.number()));
  return value;
}

Result<Node> check_integer(const FieldDefinition& field, const Node& value) {
  if (value.number() != nullptr && !value.number()->to_int64()) return mismatch("a whole number of 64 bits", value);
  return check_number(field, value, "a whole number");
}

Result<Node> check_boolean(const Node& value) {
  if (value.boolean() == nullptr) return mismatch("true or false", value);
  return value;
}

Result<Node> check_guid(const Node& value) {
  constexpr std::string_view kExpected = "a GUID such as 123e4567-e89b-12d3-a456-426614174000";
  if (value.text() == nullptr) return mismatch(kExpected, value);
  try {
    return Node(to_string(boost::uuids::string_generator()(*value.text())));
  } catch (const std::exception&) {
    return mismatch(kExpected, value);
  }
}

Result<Node> check_enum(const FieldDefinition& field, const Node& value) {
  if (value.text() == nullptr) return mismatch(listed(field.values), value);
  if (std::find(field.values.begin(), field.values.end(), *value.text()) != field.values.end()) return value;
  return invalid("expected " + listed(field.values) + ", found " + shown(value) + hint(*value.text(), field.values));
}

Result<Node> check_list(const FieldDefinition& field, const Node& value) {
  if (value.list() == nullptr) return mismatch("a list of texts", value);
  if (value.list()->size() > length_of(field)) {
    return invalid("the list has " + std::to_string(value.list()->size()) + " items; at most " +
                   std::to_string(length_of(field)) + " are allowed");
  }
  for (std::size_t i = 0; i < value.list()->size(); ++i) {
    const Node& item = (*value.list())[i];
    if (item.text() == nullptr) return invalid("expected text, found " + shown(item), join_place({}, i));
    std::string fault = text_fault(*item.text(), {0, kMaxTextBytes, false});
    if (!fault.empty()) return invalid(std::move(fault), join_place({}, i));
  }
  return value;
}

Result<Node> check_timestamp(const FieldDefinition& field, const Node& value) {
  if (value.text() == nullptr) return check_number(field, value, "a time as text or as seconds since 1970");
  const Result<Decimal> seconds = parse_timestamp(*value.text());
  if (!seconds) return seconds.error();
  return Node(*seconds);
}

FieldDefinition predefined(const char* name, const char* description, std::vector<std::string> values) {
  FieldDefinition field;
  field.name = name;
  field.kind = FieldKind::kEnum;
  field.description = description;
  field.default_value = Node(values.front());
  field.allow = {values.front()};
  field.values = std::move(values);
  return field;
}

}  // namespace

Result<Node> check_value(const FieldDefinition& field, const Node& value) {
  switch (field.kind) {
    case FieldKind::kString:
      return check_string(field, value);
    case FieldKind::kInteger:
      return check_integer(field, value);
    case FieldKind::kNumber:
      return check_number(field, value, "a number");
    case FieldKind::kBoolean:
      return check_boolean(value);
    case FieldKind::kGuid:
      return check_guid(value);
    case FieldKind::kEnum:
      return check_enum(field, value);
    case FieldKind::kList:
      return check_list(field, value);
    case FieldKind::kTimestamp:
      return check_timestamp(field, value);
  }
  return invalid("a field of an unknown kind");
}

const std::vector<FieldDefinition>& predefined_states() {
  static const std::vector<FieldDefinition> states = {
      predefined("status", "whether the instance takes new claims", {"online", "offline", "draining"}),
      predefined("security_status", "what is known about the safety of the instance",
                 {"clear", "suspect", "quarantined"}),
  };
  return states;
}

}  // namespace apportion
