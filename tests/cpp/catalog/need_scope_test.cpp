#include "apportion/catalog/need_scope.hpp"

#include <gtest/gtest.h>

#include "json_tree.hpp"
#include "support/world.hpp"

namespace apportion {
namespace {

// Types of a mail service: disks, a store made of two of them, and a mailbox made of a store and a disk.
class NeedScopeTest : public testing::Test {
 protected:
  void SetUp() override {
    define("disk", "{'fields': {'zone': {'kind': 'string'}, 'tags': {'kind': 'list'}}, 'dimensions': {'gb': {}}}");
    define("store",
           "{'dimensions': {'gb': {}}, 'needs': [{'type': 'disk', 'as': 'main', 'gb': 'request.gb'},"
           " {'type': 'disk', 'as': 'copies', 'count': 2, 'require': 'self.zone != main.zone'}]}");
    define("mailbox",
           "{'dimensions': {'gb': {}}, 'needs': [{'type': 'store', 'gb': 'request.gb'},"
           " {'type': 'disk', 'require': 'self.zone == store.main.zone && self.id != store.main.id'}]}");
    define("node",
           "{'outcome': false, 'fields': {'zone': {'kind': 'string'}}, 'needs': [{'type': 'disk', 'require': "
           "'self.zone == parent.zone'}]}");
  }

  void define(std::string_view name, std::string_view json) {
    ASSERT_TRUE(world_.define(Catalog::kDefineType, name, json).has_value());
  }
  Catalog& catalog() { return world_.catalog(); }

  std::vector<std::string> problems_of(std::string_view name, std::string_view json) {
    define(name, json);
    std::vector<Problem> problems;
    check_needs(catalog(), *catalog().find_type(name), problems);
    std::vector<std::string> texts;
    for (const Problem& problem : problems) texts.push_back(problem.place + ": " + problem.message);
    return texts;
  }
  // What is wrong with a rule of the mailbox's second need.
  std::string fault_of(const std::string& rule) {
    const auto problems = problems_of("mailbox",
                                      "{'needs': [{'type': 'store'}, {'type': 'disk', 'as': 'many', 'count': 3},"
                                      " {'type': 'disk', 'require': '" +
                                          rule + "'}, {'type': 'disk', 'as': 'later'}]}");
    return problems.empty() ? "" : problems[0];
  }

  World world_;
};

TEST_F(NeedScopeTest, KnowsEarlierSlotsAndWhatTheyAreMadeOf) {
  for (const char* type : {"store", "mailbox", "node"}) {
    std::vector<Problem> problems;
    check_needs(catalog(), *catalog().find_type(type), problems);
    EXPECT_TRUE(problems.empty()) << type << ": " << problems.front().message;
  }
  EXPECT_EQ(fault_of("self.zone != store.main.zone && store.main.location != self.zone"), "");
}

TEST_F(NeedScopeTest, KnowsNothingElse) {
  const auto unknown = [](const std::string& fault) {
    return fault.find("found the unknown name") != std::string::npos;
  };
  EXPECT_TRUE(unknown(fault_of("later.zone == self.zone"))) << "it is filled afterwards";
  EXPECT_TRUE(unknown(fault_of("many.zone == self.zone"))) << "several instances";
  EXPECT_TRUE(unknown(fault_of("store.copies.zone == self.zone")));
  EXPECT_TRUE(unknown(fault_of("store.zone == self.zone"))) << "an outcome has no fields";
  EXPECT_TRUE(unknown(fault_of("parent.zone == self.zone"))) << "an outcome is no instance";
  EXPECT_TRUE(unknown(fault_of("self.zone in store.main.tags"))) << "no lists";
  EXPECT_NE(fault_of("store.main.zonee == self.zone").find("types.mailbox.needs[2].require: "), std::string::npos);
}

TEST_F(NeedScopeTest, ChecksQuantitiesAndDimensions) {
  EXPECT_EQ(problems_of("x", "{'dimensions': {'gb': {}}, 'needs': [{'type': 'disk', 'gb': 'request.bg'}]}").size(), 1U);
  const auto all = problems_of("y",
                               "{'needs': [{'as': 'a', 'any_of': [{'type': 'disk', 'gb': 'sqrt(2)', 'count': 'now'}]},"
                               " {'type': 'disk', 'mb': 1}, {'type': 'store', 'require': 'true'}]}");
  ASSERT_EQ(all.size(), 4U);
  EXPECT_TRUE(all[0].starts_with("types.y.needs[0].any_of[0].gb: "));
  EXPECT_TRUE(all[1].starts_with("types.y.needs[0].any_of[0].count: "));
  EXPECT_TRUE(all[2].starts_with("types.y.needs[1].mb: the type 'disk' has no dimension 'mb'"));
  EXPECT_TRUE(all[3].starts_with("types.y.needs[2].require: 'store' is an outcome"));
}

TEST_F(NeedScopeTest, ContainmentNamesASlotAndWordsThatMeanSomething) {
  const auto faults = [&](const std::string& need) {
    return problems_of("mailbox",
                       "{'needs': [{'type': 'store'}, {'type': 'disk'}, {'type': 'disk', 'as': 'x', " + need + "}]}");
  };
  for (const char* right : {"'on': 'disk'", "'on': 'store.main'", "'count': 2, 'same': 'zone'",
                            "'count': 2, 'different': ['tags', 'location']",
                            "'count': 2, 'same': ['labels.row', 'groups', 'parent', 'node', 'status']",
                            "'on': 'disk', 'policy': 'together'"})
    EXPECT_EQ(faults(right), std::vector<std::string>()) << right;
  const auto fault = [&](const std::string& need) {
    const std::vector<std::string> all = faults(need);
    return all.empty() ? "" : all.front();
  };
  EXPECT_EQ(
      fault("'on': 'dick'"),
      "types.mailbox.needs[2].on: no earlier need of 'mailbox' fills one slot called 'dick'; did you mean 'disk'?");
  EXPECT_NE(fault("'on': 'store'").find("fills one slot"), std::string::npos) << "an outcome is no instance";
  EXPECT_NE(fault("'on': 'x'").find("fills one slot"), std::string::npos) << "not itself";
  EXPECT_NE(fault("'same': 'zone'").find("no other need of 'mailbox' says 'zone' under 'same'"), std::string::npos);
  EXPECT_NE(fault("'same': 'zonne'").find("did you mean 'zone'?"), std::string::npos);
  EXPECT_NE(fault("'policy': 'together'").find("say in 'on' which"), std::string::npos);
  EXPECT_NE(problems_of("office", "{'needs': [{'type': 'mailbox', 'same': 'zone'}]}")[0].find("is an outcome"),
            std::string::npos);
  EXPECT_EQ(problems_of("node", "{'outcome': false, 'needs': [{'type': 'disk', 'on': 'parent'}]}"),
            std::vector<std::string>());
}

}  // namespace
}  // namespace apportion
