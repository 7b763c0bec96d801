#include "apportion/catalog/request_words.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "apportion/expr/diagnostic.hpp"

namespace apportion {
namespace {

// `kind` is what expressions call the consumer's.
constexpr std::string_view kWords[] = {"actor",  "amounts", "consumer", "count", "ends",     "expires",
                                       "key",    "kind",    "labels",   "limit", "patience", "policy",
                                       "starts", "type",    "where",    "whole"};

}  // namespace

std::span<const std::string_view> request_words() { return kWords; }

std::string request_hint(std::string_view word, const std::vector<DimensionDefinition>& dimensions) {
  if (word == "expires") return "; a mark expires, a claim has 'ends'";
  if (std::ranges::find(kWords, word) != std::end(kWords)) return "; that is an argument of its own";
  std::vector<std::string> names;
  for (const DimensionDefinition& dimension : dimensions) names.push_back(dimension.name);
  names.insert(names.end(), std::begin(kWords), std::end(kWords));
  return name_hint(word, names);
}

Error unknown_dimension(const TypeDefinition& type, std::string_view name) {
  return unknown(
      "type '" + type.name + "' has no dimension '" + std::string(name) + "'" + request_hint(name, type.dimensions),
      "amounts");
}

}  // namespace apportion
