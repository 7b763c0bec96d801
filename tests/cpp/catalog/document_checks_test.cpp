#include <gtest/gtest.h>

#include "bad_document.hpp"

namespace apportion {
namespace {

TEST(InstanceChecks, AgainstTheType) {
  expect_refused(
      {Bad{with_instance("'capacity': {'gb': 1e30}"), "instances[0].capacity.gb", "more than 2\\^53 - 1 steps"},
       Bad{with_instance("'capacity': {'bg': 1}"), "instances[0].capacity.bg",
           "'disk' has no dimension 'bg'; did you mean 'gb'"},
       Bad{with_instance("'ratio': {'gb': 4001}"), "instances[0].ratio.gb", "at most 4000"},
       Bad{with_instance("'fields': {'nmae': 'x'}"), "instances[0].fields.nmae",
           "no field 'nmae'; did you mean 'name'"},
       Bad{with_instance("'fields': {'name': 5}"), "instances[0].fields.name", "expected text, found the number 5"},
       Bad{with_instance("'state': {'status': 'onlin'}"), "instances[0].state.status", "did you mean 'online'"},
       Bad{with_instance("'state': {'helth': 'ok'}"), "instances[0].state.helth", "no state field 'helth'"},
       Bad{"{'types': {'t': {'fields': {'f': {'kind': 'guid', 'required': true}}}}, 'instances': [{'id': 'a', 'type': "
           "'t'}]}",
           "instances[0].fields", "'t' requires the field 'f'"}});
}

TEST(ConsumerChecks, AgainstTheKind) {
  expect_refused(
      {Bad{with_consumers("{'id': 'a', 'kind': 'user'}"), "consumers[0].attributes", "requires the attribute 'speed'"},
       Bad{with_consumers("{'id': 'a', 'kind': 'user', 'attributes': {'speed': 'x'}}"), "consumers[0].attributes.speed",
           "expected a number"},
       Bad{with_consumers("{'id': 'a', 'attributes': {'speed': 1}}"), "consumers[0].attributes", "need a kind"}});
}

TEST(InstanceChecks, ChangesMayLeaveRequiredFieldsOut) {
  std::vector<Problem> problems;
  const TypeDefinition type = read_type(
      "t", tree("{'fields': {'f': {'kind': 'guid', 'required': true}, 'g': {'kind': 'string'}}}"), "", problems);
  check_instance(read_instance(tree("{'id': 'a', 'fields': {'g': null}}"), "", problems), type, false, "", problems);
  EXPECT_TRUE(problems.empty());
  check_instance(read_instance(tree("{'id': 'a', 'fields': {'f': null}}"), "", problems), type, false, "", problems);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].place, "fields.f");
}

}  // namespace
}  // namespace apportion
