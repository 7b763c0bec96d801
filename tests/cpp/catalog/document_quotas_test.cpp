#include <gtest/gtest.h>

#include "bad_document.hpp"

namespace apportion {
namespace {

std::string with_quotas(const std::string& quotas) {
  return "{'types': {'gpu': {'dimensions': {'cards': {}}}}, 'quotas': {" + quotas + "}}";
}

TEST(QuotaDocuments, WrittenWrongly) {
  expect_refused(
      {Bad{with_quotas("'a': {'maximum': {'gpu': {'cards': -1}}}"), "quotas.a.maximum.gpu.cards", "0 or more"},
       Bad{with_quotas("'a': {'maximum': {'cpu': {'cards': 1}}}"), "quotas.a.maximum.cpu", "there is no type 'cpu'"},
       Bad{with_quotas("'a': {'guaranteed': {'gpu': {'card': 1}}}"), "quotas.a.guaranteed.gpu.card",
           "did you mean 'cards'"},
       Bad{with_quotas("'a': {'maximum': {'gpu': {'cards': 1}}, 'guaranteed': {'gpu': {'cards': 2}}}"),
           "quotas.a.guaranteed.gpu.cards", "2 are guaranteed, but the maximum is 1"},
       Bad{with_quotas("'a': {'parent': 'b'}"), "quotas.a.parent", "there is no quota 'b'"},
       Bad{with_quotas("'a': {'parent': 'b'}, 'b': {'parent': 'a'}"), "quotas.a.parent", "circle"},
       Bad{with_quotas("'a': {'max': {}}"), "quotas.a.max", "unknown key"}});
}

TEST(QuotaDocuments, RoundTrip) {
  for (const char* text : {"{}", "{'parent': 'company', 'description': 'd'}",
                           "{'guaranteed': {'gpu': {'cards': 1, 'gb': 0.5}}, 'maximum': {'disk': {'gb': 3}, 'gpu': "
                           "{'gb': 7}}}"}) {
    const auto read = [&](const Node& node) {
      return read_clean([&](auto& problems) { return read_quota("team-a", node, "", problems); });
    };
    const QuotaDefinition quota = read(tree(text));
    EXPECT_EQ(read(to_node(quota)), quota) << text;
  }
}

}  // namespace
}  // namespace apportion
