#include "apportion/expr/functions.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace apportion {
namespace {

// function_info() indexes by the enumerator, so the order of the table is a promise.
TEST(Functions, TableIsSortedAndFollowsTheEnumerators) {
  const auto table = expression_functions();
  EXPECT_TRUE(std::ranges::is_sorted(table, {}, &ExprFunctionInfo::name));
  for (std::size_t i = 0; i < table.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(table[i].function), i) << table[i].name;
    EXPECT_EQ(&function_info(table[i].function), &table[i]);
  }
}

TEST(Functions, AreFoundByNameAlone) {
  for (const ExprFunctionInfo& info : expression_functions()) EXPECT_EQ(find_expression_function(info.name), &info);
  for (const char* name : {"", "Max", "maximum", "group", "sum "}) EXPECT_EQ(find_expression_function(name), nullptr);
}

TEST(Functions, UsageNamesTheFunctionAndCountsFit) {
  for (const ExprFunctionInfo& info : expression_functions()) {
    EXPECT_TRUE(info.usage.starts_with(std::string(info.name) + "(")) << info.usage;
    EXPECT_GE(info.min_arguments, 1U) << info.name;
    EXPECT_LE(info.min_arguments, info.max_arguments) << info.name;
  }
}

}  // namespace
}  // namespace apportion
