// Every instance of the pool.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/inventory/instance_table.hpp"
#include "apportion/inventory/maintenance.hpp"
#include "apportion/inventory/migration.hpp"
#include "apportion/journal/codec.hpp"
#include "apportion/journal/section.hpp"

namespace apportion {

/// Gives texts and lists their numbers, writing a change for new ones; how a pool's writer prepares payloads.
struct Interner {
  std::function<Symbol(std::string_view)> text;
  std::function<ListId(std::span<const Symbol>)> list;
};

/// A section. Reads symbols and catalogue. Thread-compatible.
class Inventory : public Section {
 public:
  static constexpr Kind kPut = make_kind(3, 1);        ///< adds an instance, or replaces what is said of it
  static constexpr Kind kRemove = make_kind(3, 2);     ///< id
  static constexpr Kind kUsage = make_kind(3, 3);      ///< measured and predicted usage of many instances
  static constexpr Kind kTable = make_kind(3, 4);      ///< of a snapshot: the size and the free rows of a table
  static constexpr Kind kNext = make_kind(3, 5);       ///< of a snapshot: the next ordinal
  static constexpr Kind kMaintain = make_kind(3, 10);  ///< a series of maintenance windows
  static constexpr Kind kService = make_kind(3, 11);   ///< instances go out of service, or come back

  /// One measured value; `dimension` is its index in the type, `value` in units, NaN for "unknown again".
  struct Reading {
    InstanceRef instance;
    std::uint32_t dimension = 0;
    bool predicted = false;
    double value = 0;
  };

  /// The instance with this id, or an invalid reference.
  [[nodiscard]] InstanceRef find(std::string_view id) const;
  [[nodiscard]] InstanceRef find(Symbol id) const;
  /// The table of a type version; nullptr when no instance was ever added to it.
  [[nodiscard]] InstanceTable* table(VersionId version) const;
  [[nodiscard]] bool exists(InstanceRef instance) const;
  [[nodiscard]] std::uint64_t count() const { return count_.get(); }
  [[nodiscard]] std::uint64_t next_ordinal() const { return next_ordinal_.get(); }
  /// Rises when something else is said of an instance with claims or children: its location, parent, labels, groups or
  /// fields. Not a part of the state.
  [[nodiscard]] std::uint64_t regrouped() const { return regrouped_.get(); }
  [[nodiscard]] std::string_view id_of(InstanceRef instance) const;
  /// Everything that was said of an instance, names and units restored.
  [[nodiscard]] InstanceSpec spec_of(InstanceRef instance) const;
  /// The value of a field or state field as a tree; null without value.
  [[nodiscard]] Node value_of(const FieldColumn& column, std::size_t row) const;
  [[nodiscard]] const Maintenance& maintenance() const { return maintenance_; }
  /// Some instance is out of service, or known to go.
  [[nodiscard]] std::uint64_t limited() const { return limited_.get(); }
  /// What kService says of one instance.
  struct ServiceChange {
    InstanceRef instance;
    Service service;
  };
  static std::string encode_service(std::span<const ServiceChange> changes);
  /// The largest capacity over all live versions of the type, in steps of `version`.
  [[nodiscard]] double scale(VersionId version, std::uint32_t dimension) const;
  /// How often something was said of it, counted from 1.
  [[nodiscard]] std::uint64_t generation_of(InstanceRef instance) const;
  /// The named instances that whoever is given this one needs too.
  [[nodiscard]] std::vector<NeedDefinition> needs_of(InstanceRef instance) const;

  /// The payload of kPut for a whole specification. Fails, naming the place, on anything that does not fit the type.
  Result<std::string> encode(const InstanceSpec& spec, const Interner& intern) const;
  static std::string encode_usage(std::span<const Reading> readings);
  /// Lays `change` over what is known of the instance.
  [[nodiscard]] InstanceSpec merged(InstanceRef instance, const InstanceSpec& change) const;

  /// An instance as a row of another version of its type, for `migrate`. Fails, naming the place, when the version does
  /// not take one of its values, or needs one that nobody gave. Counts what finds no place in `dropped`.
  Result<std::string> encode_migrated(InstanceRef instance, VersionId to, const MigrationValues& values,
                                      const Interner& intern, Dropped& dropped) const;
  /// Moves an instance to a row of another version of its type; `reader` holds what encode_migrated gave.
  /// REQUIRES: nothing is claimed of it, and `to` is another version of its type.
  Result<InstanceRef> migrate(InstanceRef from, VersionId to, Reader& reader, Transaction& log);
  /// Finds the largest capacities that are left in a version. Called once after the last `migrate` from it, before
  /// anybody asks for its scale.
  void settle(VersionId from, Transaction& log);

  /// How often an instance was chosen; part of the hash, so it is counted here. `tally` is the instance's and is being
  /// written.
  void count_grant(Transaction& log, const InstanceTable& table, std::byte* tally);

  [[nodiscard]] std::unique_ptr<Section> fork() const override;
  void link(State& state) override;
  Status apply(const Change& change, Transaction& log) override;
  void snapshot(const Emit& emit) const override;
  [[nodiscard]] Status check_whole() const override;
  [[nodiscard]] Hash128 hash() const override { return hash_.get() + maintenance_.hash(*symbols_); }
  [[nodiscard]] Node describe(const Change& change) const override;

  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Row;  // a decoded kPut payload

  [[nodiscard]] Result<const TypeVersion*> version_for(const InstanceSpec& spec) const;
  [[nodiscard]] Status check_spec(const InstanceSpec& spec, const TypeDefinition& type) const;
  static Status encode_dimensions(const InstanceSpec& spec, const TypeDefinition& type, Row& row);
  Status encode_rules(const InstanceSpec& spec, const TypeDefinition& type, const Interner& intern, Row& row) const;
  void add_rules(InstanceSpec& spec, InstanceRef instance) const;
  [[nodiscard]] bool rules_known(const Row& row) const;
  void write_rare(InstanceTable& table, std::uint32_t at, const Row& row, Transaction& log);
  void add_rare(CellHash& hash, const InstanceTable& table, std::uint32_t at) const;
  [[nodiscard]] bool is_closed(const InstanceTable& table, std::uint32_t at) const;
  void set_closed(InstanceTable& table, std::uint32_t at, bool closed, Transaction& log);
  void reopen(InstanceTable& table, std::uint32_t at, Transaction& log);
  [[nodiscard]] Status check_parts(const InstanceTable& table) const;
  Status encode_relationships(const InstanceSpec& spec, const TypeDefinition& type, const Interner& intern,
                              Row& row) const;
  static Row decode(Reader& reader);
  Status put(Reader& reader, bool restored, Transaction& log);
  Status check(const Row& row, InstanceRef old) const;
  void restore(InstanceTable& table, std::uint32_t at, const Row& row, Transaction& log);
  Status restore_table(Reader& reader, Transaction& log);
  Status restore_next(Reader& reader, Transaction& log);
  [[nodiscard]] Status check_rows(const InstanceTable& table, std::vector<std::uint64_t>& ordinals) const;
  [[nodiscard]] Status check_children() const;
  [[nodiscard]] Status check_parent(Symbol id, Symbol parent) const;
  [[nodiscard]] bool links(std::string_view from, std::string_view name, std::string_view to) const;
  void keep(const InstanceSpec& spec, InstanceRef held, Row& row) const;
  Status rescale_row(Row& row, InstanceRef instance, VersionId to) const;
  Status remove(Reader& reader, Transaction& log);
  Status usage(Reader& reader, Transaction& log);
  Status maintain(Reader& reader, Transaction& log);
  Status serve(Reader& reader, Transaction& log);
  void set_service(InstanceTable& table, std::uint32_t at, const Service& service, Transaction& log);
  void emit_maintenance(const Emit& emit) const;
  void set_ref(Symbol id, InstanceRef ref, Transaction& log);
  InstanceTable& table_for(VersionId version, Transaction& log);
  std::uint32_t take_row(InstanceTable& table, Transaction& log);
  void write(InstanceTable& table, std::uint32_t at, const Row& row, Transaction& log);
  void write_dimension(DimensionColumns& columns, std::uint32_t at, const Row& row, std::size_t d, Transaction& log);
  void set_capacity(DimensionColumns& columns, std::size_t at, Steps capacity, Transaction& log);
  static DimensionColumns::Largest largest_in(const ChunkVector<Steps>& capacity);
  static bool regroups(const InstanceTable& table, std::uint32_t at, const Row& row);
  void set_parent(InstanceTable& table, std::uint32_t at, Symbol parent, Transaction& log);
  void clear(InstanceTable& table, std::uint32_t at, Transaction& log);
  void emit_table(const InstanceTable& table, const Emit& emit) const;
  [[nodiscard]] Row row_of(const InstanceTable& table, std::uint32_t at) const;
  [[nodiscard]] Hash128 cell(const InstanceTable& table, std::uint32_t at) const;
  void add_list(CellHash& hash, ListId list) const;

  Symbols* symbols_ = nullptr;
  Catalog* catalog_ = nullptr;
  std::vector<std::shared_ptr<InstanceTable>> tables_;
  ChunkVector<InstanceRef> refs_;  // by the id's symbol
  Maintenance maintenance_;
  Cell<std::uint64_t> limited_;  // instances with a service of their own
  Cell<std::uint64_t> count_;
  Cell<std::uint64_t> sets_;  // instances that say how many parts they have
  Cell<std::uint64_t> next_ordinal_{1};
  Cell<std::uint64_t> regrouped_;
  Cell<Hash128> hash_;
};

}  // namespace apportion
