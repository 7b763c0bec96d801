#include "apportion/catalog/request_words.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace apportion {
namespace {

TEST(RequestWords, SuggestWhatWasMeant) {
  const std::vector<DimensionDefinition> gb{{"gb", {}, {}, {}, {}}};
  EXPECT_EQ(request_hint("polcy"), "; did you mean 'policy'?");
  EXPECT_EQ(request_hint("were"), "; did you mean 'where'?");
  EXPECT_EQ(request_hint("cout", gb), "; did you mean 'count'?");
  EXPECT_EQ(request_hint("consmer"), "; did you mean 'consumer'?");
  EXPECT_EQ(request_hint("GB", gb), "; did you mean 'gb'?");
  EXPECT_EQ(request_hint("expires", gb), "; a mark expires, a claim has 'ends'");
  EXPECT_EQ(request_hint("count", gb), "; that is an argument of its own");
  EXPECT_EQ(request_hint("bandwidth", gb), "");
}

TEST(RequestWords, AreSorted) { EXPECT_TRUE(std::ranges::is_sorted(request_words())); }

TEST(RequestWords, AnUnknownDimensionIsAnErrorAtTheAmounts) {
  TypeDefinition disk;
  disk.name = "disk";
  disk.dimensions = {{"gb", {}, {}, {}, {}}};
  const Error error = unknown_dimension(disk, "GB");
  EXPECT_EQ(error.code, ErrorCode::kUnknown);
  EXPECT_EQ(error.text(), "amounts: type 'disk' has no dimension 'GB'; did you mean 'gb'?");
}

}  // namespace
}  // namespace apportion
