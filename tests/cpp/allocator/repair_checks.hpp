// What a repair promises, found out without it: each is done by the calls that everybody has.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "allocator/builders.hpp"

namespace apportion {

inline std::vector<Repair> repairs_of(Pool& pool, const Request& request) {
  const Result<Repairs> found = pool.repairs(request);
  if (!found) ADD_FAILURE() << found.error().text();
  return found ? found->list : std::vector<Repair>();
}

/// "kind: text", a line each, in their order.
inline std::vector<std::string> texts_of(const std::vector<Repair>& repairs) {
  std::vector<std::string> texts;
  for (const Repair& repair : repairs) texts.push_back(std::string(kind_name(repair.kind)) + ": " + repair.text);
  return texts;
}

/// Those of one kind.
inline std::vector<Repair> of_kind(const std::vector<Repair>& repairs, RepairKind kind) {
  std::vector<Repair> found;
  for (const Repair& repair : repairs) {
    if (repair.kind == kind) found.push_back(repair);
  }
  return found;
}

inline bool granted(Pool& pool, const Request& request) {
  const Result<Outcome> outcome = pool.allocate(request);
  return outcome && std::holds_alternative<Grant>(*outcome);
}

/// Does what the repair says, step by step.
inline void do_by_hand(Pool& pool, const Repair& repair) {
  std::vector<ClaimId> claims;
  for (const RepairedClaim& claim : repair.claims) claims.push_back(claim.claim);
  switch (repair.kind) {
    case RepairKind::kRelease:
      EXPECT_EQ(error_of(pool.release(claims)), "");
      break;
    case RepairKind::kMove:
      for (const RepairedClaim& claim : repair.claims) {
        const Result<std::optional<Denial>> outcome = pool.move(claim.claim, claim.to);
        EXPECT_TRUE(outcome && !*outcome) << repair.text;
      }
      break;
    case RepairKind::kWait:
      EXPECT_EQ(error_of(pool.tick(repair.until)), "");
      break;
    case RepairKind::kOnline:
      EXPECT_EQ(error_of(pool.change(repair.instances)), "");
      break;
    case RepairKind::kAdd:
      EXPECT_EQ(error_of(pool.add_many(repair.instances)), "");
      break;
    case RepairKind::kRelax: {
      if (!repair.type) break;
      std::vector<Problem> problems;
      const Node types(Node::Map{{repair.type->name, to_node(*repair.type)}});
      EXPECT_EQ(error_of(pool.apply(Node(Node::Map{{"types", types}}), problems)), "");
      break;
    }
    default:
      break;
  }
}

/// Law L6: every repair, once applied, turns the denial into a grant. Counts the kinds.
inline void check_repairs(Pool& pool, const Request& request, std::map<RepairKind, int>& kinds) {
  const Hash128 hash = pool.hash();
  const Revision revision = pool.revision();
  const Result<Repairs> repairs = pool.repairs(request);
  ASSERT_TRUE(repairs) << error_of(repairs);
  ASSERT_EQ(pool.hash(), hash) << "trials are taken back";
  ASSERT_EQ(pool.revision(), revision);
  ASSERT_EQ(repairs->revision, revision);
  ASSERT_LE(repairs->list.size(), Repairs::kMost);
  double cost = 0;
  for (const Repair& repair : repairs->list) {
    ASSERT_GE(repair.cost, cost) << "the cheapest first";
    cost = repair.cost;
    ++kinds[repair.kind];
    const auto by_hand = pool.fork();
    do_by_hand(*by_hand, repair);
    ASSERT_TRUE(granted(*by_hand, repaired(request, repair))) << kind_name(repair.kind) << ": " << repair.text;
    const auto at_once = pool.fork();
    const Result<Outcome> outcome = at_once->repair(request, repair);
    ASSERT_TRUE(outcome) << error_of(outcome) << " " << repair.text;
    ASSERT_TRUE(std::holds_alternative<Grant>(*outcome)) << std::get<Denial>(*outcome).message << " " << repair.text;
    ASSERT_EQ(at_once->hash(), by_hand->hash()) << repair.text;
  }
}

}  // namespace apportion
