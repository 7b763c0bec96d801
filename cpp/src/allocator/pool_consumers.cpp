// Consumers that are described, and what their groups hold.
#include <algorithm>

#include "apportion/expr/diagnostic.hpp"
#include "pool_update.hpp"

namespace apportion {

Status Pool::put_consumer(Update& update, const ConsumerSpec& spec) {
  if (spec.id.empty() || spec.id.size() > kMaxIdBytes || !is_clean_text(spec.id)) {
    return invalid("a consumer's id has 1 to 200 bytes of UTF-8 without control characters", "id");
  }
  const auto* kind = sections_.catalog.find_consumer_kind(spec.kind);
  if (kind == nullptr && !spec.kind.empty()) return unknown("there is no consumer kind '" + spec.kind + "'", "kind");
  const Interner intern = update.interner();
  std::vector<Attribute> attributes;
  const std::vector<FieldDefinition> none;
  const std::vector<FieldDefinition>& fields = kind == nullptr ? none : kind->definition.attributes;
  for (const auto& [name, value] : spec.attributes) {
    if (std::ranges::find(fields, name, &FieldDefinition::name) == fields.end()) {
      std::vector<std::string> names;
      for (const FieldDefinition& field : fields) names.push_back(field.name);
      return unknown("there is no attribute '" + name + "'" + name_hint(name, names), "attributes");
    }
  }
  for (const FieldDefinition& field : fields) {
    const auto found =
        std::ranges::find_if(spec.attributes, [&](const auto& pair) { return pair.first == field.name; });
    const Node& value = found == spec.attributes.end() ? field.default_value : found->second;
    if (value.is_null() && field.required)
      return invalid("the required attribute '" + field.name + "' has no value", "attributes");
    if (value.is_null()) continue;
    const Result<Node> checked = check_value(field, value);
    if (!checked) return invalid(checked.error().message, "attributes." + field.name);
    Attribute attribute{intern.text(field.name), false, 0};
    if (const std::string* text = checked->text()) {
      attribute.symbolic = true;
      attribute.lane = intern.text(*text);
    } else if (const bool* boolean = checked->boolean()) {
      attribute.lane = *boolean ? 1 : 0;
    } else if (const Decimal* number = checked->number()) {
      attribute.lane = number->to_double();
    } else {
      return invalid("lists are not kept for consumers", "attributes." + field.name);
    }
    attributes.push_back(attribute);
  }
  if (attributes.size() > Consumers::kMaxAttributes)
    return invalid("a consumer has at most 64 attributes", "attributes");
  std::vector<Symbol> groups;
  for (const std::string& group : spec.groups) groups.push_back(intern.text(group));
  return update.write(Ledger::kConsumer,
                      Ledger::consumer_payload(spec.id, intern.text(spec.kind), intern.list(groups), attributes));
}

Status Pool::add_consumer(const ConsumerSpec& spec) {
  const std::lock_guard lock(mutex_);
  Update update(*this);
  APPORTION_TRY(put_consumer(update, spec));
  update.commit();
  return {};
}

Status Pool::remove_consumer(std::string_view id) {
  const std::lock_guard lock(mutex_);
  APPORTION_TRY(expire(clock()));
  Update update(*this);
  Writer writer;
  writer.put_text(id);
  APPORTION_TRY(update.write(Ledger::kConsumerGone, writer.bytes()));
  update.commit();
  return {};
}

}  // namespace apportion
