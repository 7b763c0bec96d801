#include "pattern.hpp"

#include <boost/regex.hpp>
#include <map>
#include <memory>

#include "reading.hpp"
#include "words.hpp"

namespace apportion {
namespace {

// Compiled patterns are kept per thread: rows that are added in bulk share a handful of fields.
constexpr std::size_t kMaxKept = 64;

using Compiled = std::shared_ptr<const boost::regex>;

Result<Compiled> compile(const std::string& pattern) {
  thread_local std::map<std::string, Compiled> kept;
  if (const auto found = kept.find(pattern); found != kept.end()) return found->second;
  try {
    auto compiled = std::make_shared<const boost::regex>(pattern, boost::regex::perl);
    if (kept.size() >= kMaxKept) kept.clear();
    return kept[pattern] = std::move(compiled);
  } catch (const std::exception& fault) {
    return invalid("the pattern " + quoted(pattern) + " is not a regular expression: " + printable(fault.what(), 300));
  }
}

}  // namespace

Status check_pattern(const std::string& pattern) {
  const Result<Compiled> compiled = compile(pattern);
  if (!compiled) return compiled.error();
  return {};
}

Result<bool> matches(const std::string& pattern, std::string_view text) {
  const Result<Compiled> compiled = compile(pattern);
  if (!compiled) return compiled.error();
  try {
    return boost::regex_match(text.begin(), text.end(), **compiled);
  } catch (const std::exception&) {  // Boost.Regex counts its steps and gives up on patterns that explode
    return invalid("the pattern " + quoted(pattern) + " takes too long on " + quoted(text) + "; write a simpler one");
  }
}

}  // namespace apportion
