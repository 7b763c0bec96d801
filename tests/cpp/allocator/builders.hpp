// Pools and requests for tests, from documents as JSON with single quotes.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apportion/allocator/pool.hpp"
#include "support/world.hpp"

namespace apportion {

inline Decimal dec(std::int64_t value) { return Decimal(value); }

/// The error as one line, or "" for success.
template <class T>
std::string error_of(const Result<T>& result) {
  return result.has_error() ? result.error().text() : std::string();
}

/// Applies a document; the test fails on any problem.
inline void apply_document(Pool& pool, std::string_view json) {
  std::vector<Problem> problems;
  const Status status = pool.apply(tree(json), problems);
  for (const Problem& problem : problems) ADD_FAILURE() << problem.place << ": " << problem.message;
  if (status.has_error() && problems.empty()) ADD_FAILURE() << status.error().text();
}

/// The problems of a document as "place: message", and that the pool is unchanged.
inline std::vector<std::string> problems_of(Pool& pool, std::string_view json) {
  const Hash128 hash = pool.hash();
  const Revision revision = pool.revision();
  std::vector<Problem> problems;
  EXPECT_TRUE(pool.apply(tree(json), problems).has_error());
  EXPECT_EQ(pool.hash(), hash);
  EXPECT_EQ(pool.revision(), revision);
  std::vector<std::string> texts;
  for (const Problem& problem : problems) texts.push_back(problem.place + ": " + problem.message);
  return texts;
}

/// A pool whose clock stands at 0 until `tick`.
inline std::shared_ptr<Pool> make_pool(std::string_view json = "{}",
                                       std::size_t journal_bytes = std::size_t{64} << 20) {
  auto pool = std::make_shared<Pool>(PoolOptions{0, journal_bytes, Time{0}});
  apply_document(*pool, json);
  return pool;
}

/// The same with room for an index of `bytes` (0: every choice is a scan), which a shape enters at its so manieth use.
inline std::shared_ptr<Pool> indexing_pool(std::string_view json, std::size_t bytes, std::uint32_t uses = 3) {
  PoolOptions options;
  options.clock = Time{0};
  options.index_bytes = bytes;
  options.index_uses = uses;
  auto pool = std::make_shared<Pool>(options);
  apply_document(*pool, json);
  return pool;
}

inline constexpr std::size_t kEnoughIndex = std::size_t{1} << 28;

/// Every change that is kept, a line each.
inline std::string journal_text(const Pool& pool) {
  std::string text;
  const auto [first, last] = pool.journal_range();
  for (std::uint64_t number = first; number <= last; ++number)
    text += to_json(pool.journal_entry(number).value()) + "\n";
  return text;
}

inline std::int64_t index_stat(const Pool& pool, std::string_view name) {
  const Node stats = pool.index_stats();
  return stats.find(name)->number()->to_int64().value();
}

inline constexpr const char* kDiskType = "{'types': {'disk': {'dimensions': {'gb': {}}}}}";

inline InstanceSpec instance(std::string id, std::string type, NamedDecimals capacity) {
  InstanceSpec spec;
  spec.id = std::move(id);
  spec.type = std::move(type);
  spec.capacity = std::move(capacity);
  return spec;
}

/// Disks d1, d2 ... with these capacities in GB.
inline std::shared_ptr<Pool> disks(const std::vector<int>& capacities, std::string_view json = kDiskType) {
  auto pool = make_pool(json);
  for (std::size_t i = 0; i < capacities.size(); ++i) {
    EXPECT_EQ(error_of(pool->add(instance("d" + std::to_string(i + 1), "disk", {{"gb", dec(capacities[i])}}))), "");
  }
  return pool;
}

inline Request ask(std::string consumer, NamedDecimals amounts, std::uint32_t count = 1) {
  Request request;
  request.type = "disk";
  request.consumer = std::move(consumer);
  request.amounts = std::move(amounts);
  request.count = count;
  return request;
}
inline Request ask_gb(std::string consumer, int gb, std::uint32_t count = 1) {
  return ask(std::move(consumer), {{"gb", dec(gb)}}, count);
}

/// For 1 gb, by a score of its own.
inline Request ask_by(const char* score) {
  Request request = ask_gb("a", 1);
  request.own_policy = PolicyDefinition{};
  request.own_policy->name = "own_one";
  request.own_policy->score = score;
  return request;
}

/// The grant; the test fails on a denial or an error.
inline Grant grant(Pool& pool, const Request& request) {
  const Result<Outcome> outcome = pool.allocate(request);
  if (outcome && std::holds_alternative<Grant>(*outcome)) return std::get<Grant>(*outcome);
  ADD_FAILURE() << (outcome ? std::get<Denial>(*outcome).message : outcome.error().text());
  return {};
}

/// The denial, and that it left the hash; the test fails on a grant or an error.
inline Denial denial(Pool& pool, const Request& request) {
  const Hash128 hash = pool.hash();
  const Result<Outcome> outcome = pool.allocate(request);
  EXPECT_EQ(pool.hash(), hash);
  if (outcome && std::holds_alternative<Denial>(*outcome)) return std::get<Denial>(*outcome);
  ADD_FAILURE() << (outcome ? "granted" : outcome.error().text());
  return {};
}

inline std::vector<std::string> instances_of(const Pool& pool, const Grant& grant) {
  std::vector<std::string> ids;
  for (const Place& place : pool.places_of(grant)) ids.push_back(place.instance);
  return ids;
}
inline std::vector<ClaimId> ids_of(const Grant& grant) {
  std::vector<ClaimId> ids;
  for (const GrantedClaim& claim : grant.claims) ids.push_back(claim.claim);
  return ids;
}
/// The instance that a request for one is given, or "" when it is denied.
inline std::string chosen(Pool& pool, const Request& request) {
  const Result<Outcome> outcome = pool.allocate(request);
  if (!outcome) ADD_FAILURE() << outcome.error().text();
  return outcome && std::holds_alternative<Grant>(*outcome) ? instances_of(pool, std::get<Grant>(*outcome)).front()
                                                            : "";
}

inline std::shared_ptr<Pool> restored(const Pool& pool) {
  Result<std::shared_ptr<Pool>> copy = Pool::restore(pool.snapshot(), {0, std::size_t{64} << 20, pool.now()});
  if (!copy) ADD_FAILURE() << copy.error().text();
  return copy ? *copy : nullptr;
}

/// The column of a table, or nullptr.
inline const TableColumn* column(const Table& table, std::string_view name) {
  for (const TableColumn& held : table.columns) {
    if (held.name == name) return &held;
  }
  return nullptr;
}
template <class Values>
const Values& values(const Table& table, std::string_view name) {
  const TableColumn* held = column(table, name);
  if (held == nullptr) throw std::runtime_error("no column " + std::string(name));
  return std::get<Values>(held->values);
}

}  // namespace apportion
