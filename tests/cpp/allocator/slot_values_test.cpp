// What a slot's rule reads of another slot's instance, of whatever version.
#include <gtest/gtest.h>

#include "waiting_pool.hpp"

namespace apportion {
namespace {

// A name that the instance's version knows otherwise, or not, has no value: then nothing passes.
TEST(SlotValues, AreThoseOfTheInstancesOwnVersion) {
  const char* const kTree = R"({'types': {
    'disk': {'dimensions': {'gb': {}}, 'fields': {'zone': {'kind': 'string'}}},
    'pair': {'needs': [{'type': 'disk', 'as': 'one', 'gb': 1},
                       {'type': 'disk', 'as': 'two', 'gb': 1, 'require': 'self.zone == one.zone'}]}}})";
  const auto pool = make_pool(kTree);
  for (const char* id : {"d1", "d2"}) {
    InstanceSpec spec = instance(id, "disk", {{"gb", dec(1)}});
    spec.fields = {{"zone", Node("a")}};
    ASSERT_TRUE(pool->add(spec).has_value());
  }
  Request request;
  request.type = "pair";
  request.consumer = "ada";
  const Grant held = grant(*pool, request);
  EXPECT_EQ(holds(*pool, held), "d1 d2");
  ASSERT_TRUE(pool->release(ids_of(held)).has_value());
  apply_document(*pool,
                 "{'types': {'disk': {'dimensions': {'gb': {}}, 'fields': {'zone': {'kind': 'string'}, 'x': {'kind': "
                 "'number'}}}}}");
  EXPECT_EQ(holds(*pool, grant(*pool, request)), "d1 d2") << "the older version has a zone of the same kind";
}

}  // namespace
}  // namespace apportion
