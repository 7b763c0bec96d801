// Documents with exactly one fault: a table of them is a test. The builders hold the parts that most rows share.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/catalog/document.hpp"
#include "json_tree.hpp"

namespace apportion {

/// A pool that knows the type `rack` in versions 1 and 2, the instance `r1` and the policies `first` and
/// `closest_capacity`.
inline KnownNames known_names() {
  static const TypeDefinition rack = [] {
    std::vector<Problem> problems;
    return read_type("rack", tree("{'dimensions': {'units': {}}}"), "", problems);
  }();
  KnownNames names;
  names.type = [](std::string_view type, std::uint32_t version) {
    return type == "rack" && version <= 2 ? &rack : nullptr;
  };
  names.policy = [](std::string_view policy) { return policy == "first" || policy == "closest_capacity"; };
  names.instance = [](std::string_view id) { return id == "r1" ? &rack : nullptr; };
  names.type_names = {"rack"};
  names.policy_names = {"first", "closest_capacity"};
  return names;
}

inline std::vector<Problem> problems_of(std::string_view text) {
  std::vector<Problem> problems;
  read_document(tree(text), known_names(), problems);
  return problems;
}

struct Bad {
  std::string text;
  std::string place;
  const char* message;  ///< a regular expression
};

/// Each document has the one problem that its row says.
inline void expect_refused(std::initializer_list<Bad> table) {
  for (const Bad& bad : table) {
    SCOPED_TRACE(bad.text.substr(0, 200));
    const auto problems = problems_of(bad.text);
    EXPECT_EQ(problems.size(), 1U);
    for (const Problem& problem : problems) {
      EXPECT_EQ(problem.place, bad.place);
      EXPECT_TRUE(std::regex_search(problem.message, std::regex(bad.message))) << problem.message;
    }
  }
}

inline std::string with_instances(const std::string& all) {
  return "{'types': {'disk': {'dimensions': {'gb': {'step': 0.001}}, 'fields': {'name': {'kind': 'string'}}}}, "
         "'relationships': {'in_rack': {'from': 'disk', 'to': 'rack'}}, 'instances': [" +
         all + "]}";
}
inline std::string with_instance(const std::string& rest) {
  return with_instances("{'id': 'd1', 'type': 'disk', " + rest + "}");
}
inline std::string with_type(const std::string& rest) { return "{'types': {'disk': {" + rest + "}}}"; }
inline std::string with_field(const std::string& rest) { return with_type("'fields': {'x': {" + rest + "}}"); }
inline std::string with_policy(const std::string& rest) { return "{'policies': {'p': {" + rest + "}}}"; }
inline std::string with_consumers(const std::string& all) {
  return "{'consumer_kinds': {'user': {'attributes': {'speed': {'kind': 'number', 'required': true}}}}, 'consumers': "
         "[" +
         all + "]}";
}

/// What `read` gives; the test fails when it reports a problem.
template <class Read>
auto read_clean(Read read) {
  std::vector<Problem> problems;
  auto definition = read(problems);
  for (const Problem& problem : problems) ADD_FAILURE() << problem.place << ": " << problem.message;
  return definition;
}

inline TypeDefinition disk_type(const Node& node) {
  return read_clean([&](auto& problems) { return read_type("disk", node, "types.disk", problems); });
}

}  // namespace apportion
