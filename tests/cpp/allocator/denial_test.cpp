#include "apportion/allocator/denial.hpp"

#include <gtest/gtest.h>

namespace apportion {
namespace {

TEST(Denial, NamesItsClasses) {
  EXPECT_EQ(class_name(DenialClass::kNever), "never");
  EXPECT_EQ(class_name(DenialClass::kNotNow), "not_now");
  EXPECT_EQ(class_name(DenialClass::kFragmented), "fragmented");
  EXPECT_EQ(class_name(DenialClass::kConflict), "conflict");
}

TEST(Denial, HasThePublishedForm) {
  Denial denial;
  denial.denial_class = DenialClass::kFragmented;
  denial.message = "why";
  denial.revision = {1, 2, 3};
  denial.type = "disk";
  denial.consumer = "alice";
  denial.count = 2;
  denial.member = 1;
  denial.stages = {{"type", "disk", 5, 4}};
  denial.binding = {{"gb", "GB", "10", "8", "12", "3", "15", "16", 2, 1}};
  denial.stage = "capacity";
  denial.dimension = "gb";
  denial.core = {{"capacity", "gb 10 GB", 5}};
  denial.closest = {{"d1", "zone", {{"gb", "10", "8"}}}};
  EXPECT_EQ(
      to_json(to_node(denial)),
      R"({"class": "fragmented", "message": "why", "revision": "1.2.3", "type": "disk", "consumer": "alice", )"
      R"("count": 2, "member": 1, "slot": "", "stage": "capacity", "dimension": "gb", )"
      R"("stages": [{"name": "type", "detail": "disk", "before": 5, "after": 4}], )"
      R"("binding": [{"dimension": "gb", "unit": "GB", "requested": "10", "largest_free": "8", "total_free": "12", )"
      R"("total_used": "3", "total_limit": "15", "total_capacity": "16", "instances": 2, "short": 1}], )"
      R"("core": [{"name": "capacity", "detail": "gb 10 GB", "excludes": 5}], "deferral": null, )"
      R"("closest": [{"instance": "d1", "location": "zone", "lacks": [{"what": "gb", "need": "10", "have": "8"}]}]})");
}

}  // namespace
}  // namespace apportion
