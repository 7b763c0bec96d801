#include "apportion/allocator/deferral.hpp"

namespace apportion {
namespace {

Node count_node(std::uint64_t count) { return static_cast<std::int64_t>(count); }

Node to_node(const BindingSum& sum) {
  return Node::Map{{"dimension", sum.dimension},
                   {"unit", sum.unit},
                   {"requested", sum.requested},
                   {"largest_free", sum.largest_free},
                   {"total_free", sum.total_free},
                   {"total_used", sum.total_used},
                   {"total_limit", sum.total_limit},
                   {"total_capacity", sum.total_capacity},
                   {"instances", count_node(sum.instances)},
                   {"short", count_node(sum.short_of_it)}};
}

Node to_node(const NearMiss& miss) {
  Node::List lacks;
  for (const Lack& lack : miss.lacks)
    lacks.emplace_back(Node::Map{{"what", lack.what}, {"need", lack.need}, {"have", lack.have}});
  return Node::Map{{"instance", miss.instance}, {"location", miss.location}, {"lacks", std::move(lacks)}};
}

Node to_node(const Constraint& constraint) {
  return Node::Map{
      {"name", constraint.name}, {"detail", constraint.detail}, {"excludes", count_node(constraint.excludes)}};
}

template <class Item>
Node list_node(const std::vector<Item>& items) {
  Node::List list;
  for (const Item& item : items) list.push_back(to_node(item));
  return list;
}

}  // namespace

std::string_view class_name(DenialClass denial_class) {
  switch (denial_class) {
    case DenialClass::kNever:
      return "never";
    case DenialClass::kFragmented:
      return "fragmented";
    case DenialClass::kConflict:
      return "conflict";
    case DenialClass::kSearchBound:
      return "search_bound";
    case DenialClass::kQuota:
      return "quota";
    default:
      return "not_now";
  }
}

std::string_view class_text(DenialClass denial_class) {
  switch (denial_class) {
    case DenialClass::kNever:
      return "an empty pool could not serve it either";
    case DenialClass::kFragmented:
      return "there is enough in sum, but not in one place";
    case DenialClass::kConflict:
      return "alone it would fit, others take its place or rule it out";
    case DenialClass::kSearchBound:
      return "the search was given up";
    case DenialClass::kQuota:
      return "a quota is used up";
    default:
      return "an empty pool could serve it";
  }
}

void Denial::wait_for(std::shared_ptr<const Deferral> why) {
  deferral = std::move(why);
  if (deferral) message += "; " + deferral->message;
}

Node to_node(const Stage& stage) {
  return Node::Map{{"name", stage.name},
                   {"detail", stage.detail},
                   {"before", count_node(stage.before)},
                   {"after", count_node(stage.after)}};
}

Node to_node(const Denial& denial) {
  return Node::Map{{"class", class_name(denial.denial_class)},
                   {"message", denial.message},
                   {"revision", denial.revision.text()},
                   {"type", denial.type},
                   {"consumer", denial.consumer},
                   {"count", count_node(denial.count)},
                   {"member", count_node(denial.member)},
                   {"slot", denial.slot},
                   {"stage", denial.stage},
                   {"dimension", denial.dimension},
                   {"stages", list_node(denial.stages)},
                   {"binding", list_node(denial.binding)},
                   {"core", list_node(denial.core)},
                   {"deferral", denial.deferral ? to_node(*denial.deferral) : Node()},
                   {"closest", list_node(denial.closest)}};
}

}  // namespace apportion
