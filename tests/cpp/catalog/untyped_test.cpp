#include "apportion/catalog/untyped.hpp"

#include <gtest/gtest.h>

#include "apportion/catalog/named_policies.hpp"

namespace apportion {
namespace {

std::string fault(std::string where, std::string score) {
  PolicyDefinition policy;
  policy.name = "p";
  policy.where = std::move(where);
  policy.score = std::move(score);
  const Status status = check_untyped(policy);
  return status.has_error() ? status.error().text() : "";
}
std::string of_score(std::string score) { return fault("", std::move(score)); }
std::string of_where(std::string where) { return fault(std::move(where), "0"); }

TEST(Untyped, NamedPoliciesAreRight) {
  for (const PolicyDefinition& policy : named_policies())
    EXPECT_FALSE(check_untyped(policy).has_error()) << policy.name;
}

TEST(Untyped, WhatSomeTypeCouldMakeSenseOfIsRight) {
  for (const char* score :
       {"self.heat", "-self.heat * 2", "used.gb / limit.gb", "sum(request) + ratio.gb", "group(self.location).used.gb",
        "self.media == 'ssd' ? 1 : 0", "self.rented ? self.heat : 0", "size(self.tags)", "number('a' in self.tags)",
        "consumer.speed - self.heat", "self.labels.any == 'x' ? now : request.count", "size(self.groups)"}) {
    EXPECT_EQ(of_score(score), "") << score;
  }
  for (const char* where :
       {"self.rented", "self.media == self.kind", "self.tier in ['a', 'b']", "self.x in self.y", "has(self.x)",
        "self.a == 'x' && self.b > 2 && self.c && 'z' in self.d", "consumer.kind == 'user' && consumer.gold"}) {
    EXPECT_EQ(of_where(where), "") << where;
  }
}

TEST(Untyped, WhatNoTypeCanCureIsSaidWithItsPlace) {
  struct Row {
    std::string found;
    const char* says;
  };
  const Row rows[] = {
      {of_score("self.media == 'ssd'"), "policies.p.score: line 1, column 1: found a boolean"},
      {of_score("'text'"), "policies.p.score: line 1, column 1: found a string"},
      {of_score("used"), "found a vector"},
      {of_score("nope(self.heat) + 1"), "found the unknown function 'nope()'"},
      {of_score("self.media == 'ssd' ? nope(1) : 0"), "found the unknown function 'nope()'"},
      {of_score("heat"), "found the unknown name 'heat'"},
      {of_score("usd.gb"), "found the unknown name 'usd.gb'"},
      {of_score("group(self.location).heat"), "found the unknown function"},
      {of_score("1 +"), "line 1, column 4"},
      {of_where("used.gb"), "policies.p.where: line 1, column 1: found a number"},
      {of_where("self.a + 1"), "policies.p.where: line 1, column 1: found a number"},
      {of_where("self.a && self.a > 2"), "policies.p.where: line 1, column"},
  };
  for (const Row& row : rows) EXPECT_NE(row.found.find(row.says), std::string::npos) << row.found << " / " << row.says;
}

TEST(Untyped, ManyNamesEndTheSearch) {
  std::string where = "nope(self.a0)";
  for (int i = 1; i < 40; ++i) where += " && self.a" + std::to_string(i) + " == self.b" + std::to_string(i);
  EXPECT_NE(of_where(where).find("found the unknown function 'nope()'"), std::string::npos);
  std::string chain = "self.z0 == 'x'";
  for (int i = 1; i < 40; ++i) chain += " && self.z" + std::to_string(i) + " == 'x'";
  EXPECT_EQ(of_where(chain), "");
}

}  // namespace
}  // namespace apportion
