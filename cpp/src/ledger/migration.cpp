// Instances and all that is claimed of them move to another version of their type. Law L1 is kept here: no dimension of
// an instance becomes over by it; one that was over may stay so.
#include "apportion/inventory/migration.hpp"

#include <algorithm>
#include <optional>

#include "apportion/ledger/ledger.hpp"

namespace apportion {
namespace {

using Dimensions = std::vector<DimensionDefinition>;

// Where each dimension of the new version stands in the old one.
std::vector<std::optional<std::size_t>> sources(const Dimensions& from, const Dimensions& to) {
  std::vector<std::optional<std::size_t>> found;
  for (const DimensionDefinition& dimension : to) {
    const auto old = std::ranges::find(from, dimension.name, &DimensionDefinition::name);
    if (old == from.end()) {
      found.emplace_back();
    } else {
      found.emplace_back(static_cast<std::size_t>(old - from.begin()));
    }
  }
  return found;
}

/// What one dimension of an instance holds, before or after.
struct Measure {
  Steps capacity = 0;
  Steps limit = 0;
  Steps used = 0;
  Step step;
  [[nodiscard]] bool over() const { return used > limit; }
  [[nodiscard]] std::string text() const { return units_text(used, step) + " of " + units_text(limit, step); }
};

std::vector<Measure> measure(const InstanceTable& table, std::uint32_t row, const Dimensions& dimensions) {
  std::vector<Measure> found;
  for (std::size_t d = 0; d < dimensions.size(); ++d) {
    const DimensionColumns& columns = table.dimensions[d];
    found.push_back({columns.capacity[row], columns.limit[row], columns.used[row], dimensions[d].step});
  }
  return found;
}

// A dimension goes only when it counts nothing any more.
Status check_gone(const std::string& id, const std::vector<Measure>& held, const Dimensions& from,
                  const Dimensions& to) {
  for (std::size_t d = 0; d < from.size(); ++d) {
    const bool stays = std::ranges::find(to, from[d].name, &DimensionDefinition::name) != to.end();
    if (stays || (held[d].capacity == 0 && held[d].used == 0)) continue;
    return conflict("'" + id + "' has a capacity of " + units_text(held[d].capacity, from[d].step) + " in '" +
                    from[d].name + "', of which " + units_text(held[d].used, from[d].step) +
                    " are used, and the new version has no such dimension: release the claims and set the capacity to "
                    "0 first");
  }
  return {};
}

Status check_fits(const std::string& id, const std::vector<Measure>& before, const std::vector<Measure>& after,
                  const Dimensions& from, const Dimensions& to) {
  const auto origin = sources(from, to);
  for (std::size_t d = 0; d < to.size(); ++d) {
    if (!origin[d] && after[d].used > 0) return corrupt("a moved claim takes what it did not have");
    if (!after[d].over() || before[*origin[d]].over()) continue;
    return conflict("'" + id + "' would be over in '" + to[d].name + "': " + after[d].text() + " in steps of " +
                    to[d].step.text() + " (claims rounded up, capacity down), " + before[*origin[d]].text() +
                    " in steps of " + from[*origin[d]].step.text() +
                    " before; release claims, raise the capacity, or choose a finer step");
  }
  return {};
}

}  // namespace

Result<std::string> Ledger::migration_payload(std::span<const InstanceRef> instances, VersionId to,
                                              const MigrationValues& values, const Interner& intern,
                                              Dropped& dropped) const {
  Writer writer;
  writer.put(to).put(static_cast<std::uint32_t>(instances.size()));
  const std::vector<std::vector<ClaimId>> claims = claims_on(instances);
  for (std::size_t i = 0; i < instances.size(); ++i) {
    const InstanceRef instance = instances[i];
    const std::string id(inventory_->id_of(instance));
    const auto named = [&](const Error& error) {
      return Error{error.code, "'" + id + "': " + error.message, error.place};
    };
    const Result<std::string> row = inventory_->encode_migrated(instance, to, values, intern, dropped);
    if (!row) return named(row.error());
    writer.put(symbols_->find(id)).put_text(*row);
    const Status moved = encode_moved_claims(instance, claims[i], to, writer);
    if (moved.has_error()) return named(moved.error());
  }
  return writer.take();
}

// Claims are rounded up, as requests are.
Status Ledger::encode_moved_claims(InstanceRef instance, std::span<const ClaimId> claims, VersionId to,
                                   Writer& writer) const {
  const Dimensions& old = catalog_->version(instance.version).definition.dimensions;
  const Dimensions& dimensions = catalog_->version(to).definition.dimensions;
  const auto origin = sources(old, dimensions);
  writer.put(static_cast<std::uint32_t>(claims.size()));
  for (const ClaimId claim : claims) {
    const std::span<const Steps> held = amounts(claims_[claim.slot]);
    writer.put(claim.slot).put(claim.generation);
    for (std::size_t d = 0; d < dimensions.size(); ++d) {
      const Result<Steps> steps =
          origin[d] ? rescale(held[*origin[d]], old[*origin[d]].step, dimensions[d].step, Rounding::kUp) : Steps{0};
      if (!steps) return Error{steps.error().code, steps.error().message, "claims." + dimensions[d].name};
      writer.put(*steps);
    }
  }
  return {};
}

Status Ledger::apply_migration(Reader& reader, Transaction& log) {
  const auto to = reader.get<VersionId>();
  const std::uint32_t count = reader.get_count(12);
  if (to >= catalog_->version_count() || count == 0) return corrupt("a migration's record is damaged");
  const std::vector<InstanceRef> moving = migrated(reader, to, count);
  const std::vector<std::vector<ClaimId>> claims = claims_on(moving);
  std::set<VersionId> left;
  for (std::uint32_t i = 0; i < count; ++i) APPORTION_TRY(migrate_instance(reader, to, claims[i], left, log));
  for (const VersionId version : left) inventory_->settle(version, log);
  return reader.complete() ? Status{} : Status{corrupt("a migration's record is damaged")};
}

// The instances of a record, from a reader of its own; one that does not exist, or is named again, has no claims here
// and is found out when its turn comes.
std::vector<InstanceRef> Ledger::migrated(Reader reader, VersionId to, std::uint32_t count) const {
  const std::size_t words = 1 + catalog_->version(to).definition.dimensions.size();
  std::vector<InstanceRef> instances;
  for (std::uint32_t i = 0; i < count; ++i) {
    instances.push_back(inventory_->find(reader.get<Symbol>()));
    static_cast<void>(reader.get_text());
    for (std::size_t left = reader.get_count(8 * words) * words; left > 0; --left)
      static_cast<void>(reader.get<std::uint64_t>());
  }
  return instances;
}

Status Ledger::migrate_instance(Reader& reader, VersionId to, std::span<const ClaimId> claims,
                                std::set<VersionId>& left, Transaction& log) {
  const InstanceRef from = inventory_->find(reader.get<Symbol>());
  Reader row(reader.get_text());
  if (!from.valid() || from.version == to) return corrupt("a migration names an instance that does not move");
  const TypeDefinition& old = catalog_->version(from.version).definition;
  const TypeDefinition& type = catalog_->version(to).definition;
  if (old.name != type.name) return corrupt("a migration leads to another type");
  const std::string id(inventory_->id_of(from));
  const Result<std::vector<Steps>> wanted = decode_moved_claims(reader, claims, type.dimensions.size());
  if (!wanted) return wanted.error();
  const std::vector<Measure> before = measure(*inventory_->table(from.version), from.row, old.dimensions);
  APPORTION_TRY(check_gone(id, before, old.dimensions, type.dimensions));
  for (const ClaimId claim : claims) detach(ClaimRow(claims_[claim.slot]), claim.slot, log);
  const Result<InstanceRef> moved = inventory_->migrate(from, to, row, log);
  if (!moved) return moved.error();
  left.insert(from.version);
  const std::size_t width = type.dimensions.size();
  for (std::size_t i = 0; i < claims.size(); ++i)
    replace(claims[i].slot, *moved, std::span(*wanted).subspan(i * width, width), log);
  const std::vector<Measure> after = measure(*inventory_->table(to), moved->row, type.dimensions);
  return check_fits(id, before, after, old.dimensions, type.dimensions);
}

// The new amounts of exactly these claims, one after the other; their sums are possible quantities.
Result<std::vector<Steps>> Ledger::decode_moved_claims(Reader& reader, std::span<const ClaimId> claims,
                                                       std::size_t width) {
  const std::uint32_t count = reader.get_count(8 + 8 * width);
  if (count != claims.size()) return corrupt("a migration does not move all claims of an instance");
  std::vector<Steps> amounts;
  std::vector<Steps> sums(width);
  for (const ClaimId claim : claims) {
    const ClaimId named{reader.get<std::uint32_t>(), reader.get<std::uint32_t>()};
    if (!(named == claim)) return corrupt("a migration does not move all claims of an instance");
    for (Steps& sum : sums) {
      const auto steps = reader.get<Steps>();
      if (steps < 0 || steps > kMaxSteps) return corrupt("a moved claim's amounts are damaged");
      if (steps > kMaxSteps - sum) {
        return Error{
            ErrorCode::kOverflow, "the claims on one instance come to more than 2^53 - 1 steps; use a larger step", {}};
      }
      sum += steps;
      amounts.push_back(steps);
    }
  }
  if (reader.failed()) return corrupt("a migration's record is damaged");
  return amounts;
}

// Puts a detached claim on another instance, with amounts in the steps of that instance's version.
void Ledger::replace(std::uint32_t slot, InstanceRef instance, std::span<const Steps> wanted, Transaction& log) {
  ClaimRow& claim = claims_.edit(log, slot);
  replace_cells(claim, wanted, terms(claim), log);
  claim.instance = instance;
  attach(claim, slot, log);
}

Node Ledger::describe_migration(Reader& reader) const {
  const auto to = reader.get<VersionId>();
  const std::uint32_t count = reader.get_count(12);
  if (to >= catalog_->version_count()) return {};
  const TypeVersion& version = catalog_->version(to);
  Node::List instances;
  std::int64_t claims = 0;
  for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
    instances.emplace_back(std::string(symbols_->text(reader.get<Symbol>())));
    static_cast<void>(reader.get_text());
    const std::size_t bytes = 8 + 8 * version.definition.dimensions.size();
    for (std::uint32_t left = reader.get_count(bytes); left > 0; --left, ++claims) {
      for (std::size_t i8 = 0; i8 < bytes; i8 += 8) static_cast<void>(reader.get<std::uint64_t>());
    }
  }
  return Node::Map{{"migrate", version.definition.name},
                   {"version", std::int64_t{version.number}},
                   {"instances", std::move(instances)},
                   {"claims", claims}};
}

}  // namespace apportion
