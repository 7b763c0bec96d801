#include "apportion/journal/state.hpp"

#include "apportion/journal/codec.hpp"

namespace apportion {
namespace {

constexpr std::string_view kMagic = "apportion snapshot 1\n";

std::string kind_text(Kind kind) { return std::to_string(area_of(kind)) + "/" + std::to_string(kind & 0xff); }

}  // namespace

void State::link_all() {
  for (const auto& section : sections_) {
    if (section) section->link(*this);
  }
}

Section* State::section_of(Kind kind) const {
  const std::uint8_t area = area_of(kind);
  return area < sections_.size() ? sections_[area].get() : nullptr;
}

Status State::apply(const Change& change) {
  Transaction log;
  const Status status = apply(change, log);
  if (status.has_error()) log.rollback();
  return status;
}

Status State::check_next(const Change& change) const {
  const Revision& next = change.revision;
  const Revision& last = revision();
  if (next.origin != last.origin || next.number != last.number + 1 || next.incarnation < last.incarnation) {
    return corrupt("change " + next.text() + " does not follow revision " + last.text());
  }
  if (change.time < time()) {
    return corrupt("change " + next.text() + " is earlier than the one before it");
  }
  return {};
}

Status State::apply(const Change& change, Transaction& log) {
  return apply(change, log, [&]() -> Status {
    Section* section = section_of(change.kind);
    if (section == nullptr)
      return corrupt("change " + change.revision.text() + " has kind " + kind_text(change.kind) +
                     ", which this version does not know");
    return section->apply(change, log);
  });
}

std::unique_ptr<State> State::fork() const {
  std::unique_ptr<State> copy(new State(*this));
  for (auto& section : copy->sections_) {
    if (section) section = section->fork();
  }
  copy->link_all();
  return copy;
}

Hash128 State::hash() const {
  Hash128 sum;
  for (const auto& section : sections_) {
    if (section) sum += section->hash();
  }
  return sum;
}

std::string State::snapshot() const {
  std::string records;
  std::uint64_t count = 0;
  for (const auto& section : sections_) {
    if (!section) continue;
    section->snapshot([&](Kind kind, std::string_view payload) {
      const Revision number{revision().origin, revision().incarnation, ++count};
      encode_change({kind, 1, number, 0, payload}, records);
    });
  }
  const Hash128 sum = hash();
  Writer header;
  header.put(revision().origin).put(revision().incarnation).put(revision().number).put(time());
  header.put(sum.high).put(sum.low).put(count).put(static_cast<std::uint64_t>(records.size()));
  header.put(hash_bytes(header.bytes()));
  return std::string(kMagic).append(header.bytes()).append(records);
}

Status State::restore(std::string_view bytes) {
  constexpr std::size_t kHeader = 4 + 4 + 8 + 8 + 16 + 8 + 8 + 8;
  if (!bytes.starts_with(kMagic))
    return corrupt("this is no apportion snapshot: it does not start with '" +
                   std::string(kMagic.substr(0, kMagic.size() - 1)) + "'");
  bytes.remove_prefix(kMagic.size());
  if (bytes.size() < kHeader) return corrupt("the snapshot is cut off in its header");
  Reader reader(bytes.substr(0, kHeader));
  const std::uint64_t sum = hash_bytes(bytes.substr(0, kHeader - 8));
  Position position;
  position.revision.origin = reader.get<std::uint32_t>();
  position.revision.incarnation = reader.get<std::uint32_t>();
  position.revision.number = reader.get<std::uint64_t>();
  position.time = reader.get<Time>();
  if (position.time < 0) return corrupt("the snapshot's time lies before 1970");
  position_ = Cell<Position>(position);
  Hash128 expected;
  expected.high = reader.get<std::uint64_t>();
  expected.low = reader.get<std::uint64_t>();
  const auto count = reader.get<std::uint64_t>();
  const auto size = reader.get<std::uint64_t>();
  if (reader.get<std::uint64_t>() != sum)
    return corrupt("the snapshot's header is damaged: its checksum does not match");
  bytes.remove_prefix(kHeader);
  if (bytes.size() != size) {
    return corrupt("the snapshot should have " + std::to_string(size) + " bytes of records and has " +
                   std::to_string(bytes.size()));
  }
  APPORTION_TRY(restore_records(bytes, count));
  if (hash() != expected) return corrupt("the snapshot rebuilds a state with another hash than its header says");
  return {};
}

Status State::restore_records(std::string_view bytes, std::uint64_t count) {
  for (std::uint64_t i = 1; i <= count; ++i) {
    Result<Change> change = decode_change(bytes);
    if (!change) return change.error();
    Section* section = section_of(change->kind);
    if (section == nullptr || change->revision.number != i) {
      return corrupt("record " + std::to_string(i) + " of the snapshot is not the one that belongs there");
    }
    change->restored = true;
    change->time = time();
    Transaction log(Transaction::Keep::kForget);
    APPORTION_TRY(section->apply(*change, log));
  }
  for (const auto& section : sections_) {
    if (section) APPORTION_TRY(section->check_whole());
  }
  return bytes.empty() ? Status{} : Status{corrupt("bytes follow the snapshot's last record")};
}

}  // namespace apportion
