// The four sections of a pool under one state, and the changes that its writer would make: for tests below the pool.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apportion/journal/state.hpp"
#include "apportion/ledger/ledger.hpp"
#include "catalog/json_tree.hpp"

namespace apportion {

inline Decimal dec(std::string_view text) { return Decimal::parse(text).value(); }

inline std::unique_ptr<State> four_sections(std::uint32_t origin = 0) {
  auto state = std::make_unique<State>(origin);
  state->add(kSymbolsArea, std::make_unique<Symbols>());
  state->add(kCatalogArea, std::make_unique<Catalog>());
  state->add(kInventoryArea, std::make_unique<Inventory>());
  state->add(kLedgerArea, std::make_unique<Ledger>());
  state->link_all();
  return state;
}

/// The ids that the next `count` claims will get.
inline std::vector<ClaimId> next_claims(const Ledger& ledger, std::size_t count) {
  std::vector<ClaimEffect> effects(count);
  ledger.number(effects);
  std::vector<ClaimId> ids;
  for (const ClaimEffect& effect : effects) ids.push_back(effect.claim);
  return ids;
}

class World {
 public:
  World() : state_(four_sections()) {}
  explicit World(std::unique_ptr<State> state) : state_(std::move(state)) {}

  [[nodiscard]] State& state() const { return *state_; }
  [[nodiscard]] Symbols& symbols() const { return state_->section<Symbols>(kSymbolsArea); }
  [[nodiscard]] Catalog& catalog() const { return state_->section<Catalog>(kCatalogArea); }
  [[nodiscard]] Inventory& inventory() const { return state_->section<Inventory>(kInventoryArea); }
  [[nodiscard]] Ledger& ledger() const { return state_->section<Ledger>(kLedgerArea); }
  [[nodiscard]] Hash128 hash() const { return state_->hash(); }

  /// The change that comes next; `payload` stays the caller's.
  [[nodiscard]] Change change(Kind kind, std::string_view payload) const {
    Revision revision = state_->revision();
    ++revision.number;
    return {kind, 1, revision, std::max(now, state_->time()), payload};
  }
  Status write(Kind kind, std::string_view payload) { return state_->apply(change(kind, payload)); }
  /// The same, undone: what the change answers, and that nothing of it stays.
  Status try_write(Kind kind, std::string_view payload) {
    const Hash128 before = hash();
    Transaction log;
    Status status = state_->apply(change(kind, payload), log);
    log.rollback();
    EXPECT_EQ(hash(), before) << "a rollback gives the hash back";
    return status;
  }

  Symbol text(std::string_view text) {
    if (const Symbol known = symbols().find(text); known != 0 || text.empty()) return known;
    Writer writer;
    writer.put(std::uint32_t{1}).put_text(text);
    EXPECT_TRUE(write(Symbols::kDefineText, writer.bytes()).has_value());
    return symbols().find(text);
  }
  ListId list(std::span<const Symbol> items) {
    if (const auto known = symbols().find_list(items)) return *known;
    Writer writer;
    writer.put(static_cast<std::uint32_t>(items.size()));
    for (const Symbol item : items) writer.put(item);
    EXPECT_TRUE(write(Symbols::kDefineList, writer.bytes()).has_value());
    return symbols().find_list(items).value_or(0);
  }
  Interner interner() {
    return {[this](std::string_view t) { return text(t); },
            [this](std::span<const Symbol> items) { return list(items); }};
  }

  /// A definition from JSON with single quotes.
  Status define(Kind kind, std::string_view name, std::string_view json) {
    return write(kind, Catalog::payload(name, tree(json)));
  }
  Result<std::string> encode(const InstanceSpec& spec) { return inventory().encode(spec, interner()); }
  Status put(const InstanceSpec& spec) {
    const Result<std::string> payload = encode(spec);
    return payload ? write(Inventory::kPut, *payload) : Status(payload.error());
  }
  InstanceRef put_tree(std::string_view json) {
    std::vector<Problem> problems;
    const InstanceSpec spec = read_instance(tree(json), "", problems);
    for (const Problem& problem : problems) ADD_FAILURE() << problem.place << ": " << problem.message;
    const Status status = put(spec);
    if (status.has_error()) ADD_FAILURE() << status.error().text();
    return inventory().find(spec.id);
  }
  Status remove(std::string_view id) {
    Writer writer;
    writer.put(symbols().find(id));
    return write(Inventory::kRemove, writer.bytes());
  }

  /// The effects of a grant of `steps` on each of `instances`, with the ids that come next.
  GrantRecord grant(std::string consumer, const std::vector<InstanceRef>& instances, std::vector<Steps> steps) const {
    GrantRecord record;
    record.request.consumer = std::move(consumer);
    record.request.amounts.assign(steps.begin(), steps.end());
    record.request.count = static_cast<std::uint32_t>(instances.size());
    for (const InstanceRef instance : instances) record.claims.push_back({instance, {}, record.request.amounts});
    ledger().number(record.claims);
    return record;
  }
  Status write(const GrantRecord& record) { return write(Ledger::kGrant, Ledger::payload(std::span(&record, 1))); }
  /// Grants and gives the first claim.
  ClaimId claim(std::string consumer, InstanceRef instance, std::vector<Steps> steps) {
    const GrantRecord record = grant(std::move(consumer), {instance}, std::move(steps));
    const Status status = write(record);
    if (status.has_error()) ADD_FAILURE() << status.error().text();
    return record.claims.front().claim;
  }
  Status release(const std::vector<ClaimId>& claims) { return write(Ledger::kRelease, Ledger::payload(claims)); }

  /// A copy by way of a snapshot; fails the test when it is another state.
  World restored() const {
    World copy;
    const Status status = copy.state().restore(state_->snapshot());
    if (status.has_error()) ADD_FAILURE() << status.error().text();
    EXPECT_EQ(copy.hash(), hash());
    return copy;
  }

  Time now = 0;

 private:
  std::unique_ptr<State> state_;
};

/// The error's message, or "" for success.
template <class T>
std::string message_of(const Result<T>& result) {
  return result.has_error() ? result.error().message : std::string();
}

}  // namespace apportion
