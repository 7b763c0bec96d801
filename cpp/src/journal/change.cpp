#include "apportion/journal/change.hpp"

#include <array>
#include <boost/endian/conversion.hpp>
#include <cstring>

#include "apportion/base/hash.hpp"
#include "apportion/journal/codec.hpp"

namespace apportion {
namespace {

// The checksum covers everything behind itself, so that a flipped bit anywhere in the frame is seen.
std::uint32_t checksum(std::string_view frame_behind_checksum) {
  return static_cast<std::uint32_t>(hash_bytes(frame_behind_checksum, 0xc4a6e));
}

}  // namespace

std::string Revision::text() const {
  return std::to_string(origin) + "." + std::to_string(incarnation) + "." + std::to_string(number);
}

void encode_change(const Change& change, std::string& out) {
  std::array<char, kFrameBytes> header{};
  std::size_t at = sizeof(std::uint32_t);  // behind the checksum
  const auto put = [&](auto value) {
    const auto little = boost::endian::native_to_little(value);
    std::memcpy(header.data() + at, &little, sizeof little);
    at += sizeof little;
  };
  put(static_cast<std::uint32_t>(change.payload.size()));
  put(change.kind), put(change.version);
  put(change.revision.origin), put(change.revision.incarnation), put(change.revision.number), put(change.time);
  const std::size_t start = out.size();
  out.append(header.data(), header.size()).append(change.payload);
  const std::uint32_t sum = boost::endian::native_to_little(checksum(std::string_view(out).substr(start + 4)));
  std::memcpy(out.data() + start, &sum, sizeof sum);
}

Result<Change> decode_change(std::string_view& bytes) {
  if (bytes.size() < kFrameBytes)
    return corrupt("the record is cut off: " + std::to_string(bytes.size()) + " bytes are left, a header has 36");
  Reader reader(bytes.substr(0, kFrameBytes));
  const auto sum = reader.get<std::uint32_t>();
  const auto size = reader.get<std::uint32_t>();
  Change change;
  change.kind = reader.get<Kind>();
  change.version = reader.get<std::uint16_t>();
  change.revision.origin = reader.get<std::uint32_t>();
  change.revision.incarnation = reader.get<std::uint32_t>();
  change.revision.number = reader.get<std::uint64_t>();
  change.time = reader.get<Time>();
  if (size > kMaxPayload || size > bytes.size() - kFrameBytes) {
    return corrupt("the record is cut off: its payload should have " + std::to_string(size) + " bytes, " +
                   std::to_string(bytes.size() - kFrameBytes) + " are left");
  }
  if (checksum(bytes.substr(4, kFrameBytes - 4 + size)) != sum) {
    return corrupt("the record's checksum does not match: number " + std::to_string(change.revision.number) +
                   " is damaged");
  }
  change.payload = bytes.substr(kFrameBytes, size);
  bytes.remove_prefix(kFrameBytes + size);
  return change;
}

}  // namespace apportion
