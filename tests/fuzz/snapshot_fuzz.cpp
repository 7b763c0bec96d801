// Hostile snapshots. Restoring refuses them, or gives a pool that can be used and whose own snapshot restores to the
// same hash.
//
// The first byte chooses what the rest is: a snapshot as it stands, or edits of the records of a good one. Edited
// records are put together again with right checksums, numbers and hash, so that what lies behind those is reached.

#include <array>

#include "small_pool.hpp"

namespace apportion {
namespace {

using Record = std::pair<Kind, std::string>;

std::vector<Record> records_of(const State& state) {
  std::vector<Record> records;
  for (const std::uint8_t area : {kSymbolsArea, kCatalogArea, kInventoryArea, kLedgerArea}) {
    state.section<Section>(area).snapshot(
        [&](Kind kind, std::string_view payload) { records.emplace_back(kind, payload); });
  }
  return records;
}

const std::string& good_snapshot() {
  static const std::string bytes = small_pool()->snapshot();
  return bytes;
}

const std::vector<Record>& good_records() {
  static const std::vector<Record> records = [] {
    const auto state = four_sections();
    require(state->restore(good_snapshot()).has_value());
    return records_of(*state);
  }();
  return records;
}

// One edit is six bytes: record, what to do, place (2), value (2).
void edit(std::vector<Record>& records, std::string_view bytes) {
  for (; bytes.size() >= 6 && !records.empty(); bytes.remove_prefix(6)) {
    Reader reader(bytes);
    const std::size_t which = reader.get<std::uint8_t>() % records.size();
    const auto what = reader.get<std::uint8_t>();
    std::string& payload = records[which].second;
    const std::size_t at = reader.get<std::uint16_t>() % (payload.size() + 1);
    const auto value = reader.get<std::uint16_t>();
    switch (what % 8) {
      case 0:
        records.push_back(records[which]);
        break;
      case 1:
        std::swap(records[which], records[value % records.size()]);
        break;
      case 2:
        payload.resize(at);
        break;
      case 3:
        records.erase(records.begin() + static_cast<std::ptrdiff_t>(which));
        break;
      case 4:
        payload.insert(at, std::string(value % 9, static_cast<char>(value >> 8)));
        break;
      default:
        for (std::size_t i = 0; i < 1U + what / 64 && at + i < payload.size(); ++i) {
          payload[at + i] = static_cast<char>(i == 0 ? value : value >> 8);
        }
    }
  }
}

// What the records rebuild, before anybody asks whether they make a whole.
Hash128 hash_of(const std::vector<Record>& records, Time time) {
  const auto state = four_sections();
  for (const auto& [kind, payload] : records) {
    Section* section = state->section_of(kind);
    Change change{kind, 1, {}, time, payload, true};
    Transaction log(Transaction::Keep::kForget);
    if (section == nullptr || section->apply(change, log).has_error()) return {};
  }
  return state->hash();
}

std::string assemble(const std::vector<Record>& records, Time time) {
  std::string bytes;
  std::uint64_t number = 0;
  for (const auto& [kind, payload] : records) encode_change({kind, 1, {0, 0, ++number}, 0, payload}, bytes);
  const Hash128 hash = hash_of(records, time);
  Writer header;
  header.put(std::uint32_t{0}).put(std::uint32_t{0}).put(std::uint64_t{1000}).put(time);
  header.put(hash.high).put(hash.low).put(number).put(std::uint64_t{bytes.size()});
  header.put(hash_bytes(header.bytes()));
  return std::string("apportion snapshot 1\n").append(header.bytes()) + bytes;
}

// A table of millions of free rows is within the format and would only take time here.
bool is_small(const std::vector<Record>& records) {
  for (const auto& [kind, payload] : records) {
    if (kind != Inventory::kTable || payload.size() < 8) continue;
    Reader reader(std::string_view(payload).substr(4));
    if (reader.get<std::uint32_t>() > 4096) return false;
  }
  return true;
}

// Uses what was restored, until nothing is left of it.
void use(Pool& pool) {
  static_cast<void>(pool.metadata());
  static_cast<void>(pool.types());
  static_cast<void>(pool.consumers());
  const Table instances = pool.instances();
  for (const std::string& id : std::get<TableColumn::Texts>(instances.columns[0].values))
    static_cast<void>(pool.instance(id));
  static_cast<void>(pool.explain(small_request("new", 1), 3));
  Request keyed = small_request("alice", 2);
  keyed.key = "k";
  for (const Request& request : {small_request("new", 1), small_request("alice", 2), keyed})
    static_cast<void>(pool.allocate(request));
  static_cast<void>(pool.add(small_instance("n1", "disk")));
  static_cast<void>(pool.add(small_instance("n2", "seat")));
  static_cast<void>(pool.tick(kForever - 1));
  const Table claims = pool.claims();
  for (const std::string& claim : std::get<TableColumn::Texts>(claims.columns[0].values)) {
    const std::size_t dot = claim.find('.', claim.find('.') + 1);
    const auto part = [&](std::size_t from) { return static_cast<std::uint32_t>(std::stoul(claim.substr(from))); };
    const ClaimId id{part(claim.find('.') + 1), part(dot + 1)};
    static_cast<void>(pool.resize(id, {{"gb", Decimal(2)}}));
    static_cast<void>(pool.transfer(id, "someone"));
    require(pool.release({id}).has_value());
  }
  require(pool.claims().rows == 0);
  for (const std::string& id : std::get<TableColumn::Texts>(instances.columns[0].values))
    static_cast<void>(pool.remove(id));
}

void restore(std::string_view bytes, Time clock) {
  const auto pool = Pool::restore(bytes, {0, std::size_t{1} << 20, clock});
  if (!pool) {
    require(pool.error().code == ErrorCode::kCorrupt);
    return;
  }
  for (int round = 0; round < 2; ++round) {
    const auto again = Pool::restore((*pool)->snapshot(), {0, std::size_t{1} << 20, clock});
    require(again.has_value() && (*again)->hash() == (*pool)->hash());
    if (round == 0) use(**pool);
  }
}

void run(std::string_view bytes) {
  if (bytes.front() % 2 == 0) return restore(bytes.substr(1), 10);
  Reader reader(bytes.substr(1));
  const Time time = reader.get<std::uint16_t>();
  std::vector<Record> records = good_records();
  edit(records, bytes.substr(std::min<std::size_t>(3, bytes.size())));
  if (is_small(records)) restore(assemble(records, time), time);
}

std::string edits(std::initializer_list<std::array<std::uint8_t, 6>> list) {
  std::string bytes("\x01\x0a\x00", 3);  // the time 10
  for (const auto& one : list) bytes.append(one.begin(), one.end());
  return bytes;
}

std::vector<std::pair<std::string, std::string>> seeds() {
  return {{"good", '\0' + good_snapshot()},
          {"unedited", edits({})},
          {"doubled", edits({{5, 0, 0, 0, 0, 0}})},
          {"swapped", edits({{5, 1, 0, 0, 9, 0}})},
          {"cut", edits({{8, 2, 4, 0, 0, 0}})},
          {"removed", edits({{7, 3, 0, 0, 0, 0}})},
          {"poked", edits({{9, 5, 4, 0, 1, 0}, {10, 6, 16, 0, 255, 0}})}};
}

}  // namespace
}  // namespace apportion

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  apportion::write_seeds(*argc, *argv, apportion::seeds());
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) apportion::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
