#include "apportion/journal/change.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "apportion/journal/codec.hpp"

namespace apportion {
namespace {

Change sample(std::string_view payload) { return {make_kind(4, 1), 1, {7, 2, 99}, 1'700'000'000 * kSecond, payload}; }

std::string frame_of(const Change& change) {
  std::string bytes;
  encode_change(change, bytes);
  return bytes;
}

TEST(Change, ReadsWhatItWrote) {
  constexpr std::string_view kPayload("a\0b", 3);
  std::string bytes = frame_of(sample(kPayload)) + frame_of(sample(""));
  EXPECT_EQ(bytes.size(), 2 * kFrameBytes + 3);
  std::string_view left = bytes;
  const Result<Change> first = decode_change(left);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->kind, make_kind(4, 1));
  EXPECT_EQ(first->revision, (Revision{7, 2, 99}));
  EXPECT_EQ(first->time, 1'700'000'000 * kSecond);
  EXPECT_EQ(first->payload, kPayload);
  EXPECT_FALSE(first->restored);
  EXPECT_EQ(first->revision.text(), "7.2.99");
  ASSERT_TRUE(decode_change(left));
  EXPECT_TRUE(left.empty());
}

TEST(Change, KindsHaveAnAreaAndAnOperation) {
  EXPECT_EQ(area_of(make_kind(15, 255)), 15);
  EXPECT_EQ(make_kind(15, 255) & 0xff, 255);
}

TEST(Change, RefusesEveryTruncationAndLeavesTheBytes) {
  const std::string bytes = frame_of(sample("payload"));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view left = std::string_view(bytes).substr(0, size);
    const Result<Change> change = decode_change(left);
    ASSERT_TRUE(change.has_error()) << size;
    EXPECT_EQ(change.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(change.error().message.find("cut off"), std::string::npos);
    EXPECT_EQ(left.size(), size);
  }
}

TEST(Change, RefusesEveryFlippedBit) {
  std::string bytes = frame_of(sample("payload"));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const char kept = bytes[bit / 8];
    bytes[bit / 8] = static_cast<char>(kept ^ (1 << (bit % 8)));
    std::string_view left = bytes;
    ASSERT_TRUE(decode_change(left).has_error()) << "bit " << bit;
    bytes[bit / 8] = kept;
  }
}

TEST(Codec, AReaderGivesZerosBehindTheEnd) {
  Writer writer;
  writer.put(std::uint16_t{7}).put_text("ab");
  Reader reader(writer.bytes());
  EXPECT_EQ(reader.get<std::uint16_t>(), 7);
  EXPECT_EQ(reader.get_text(), "ab");
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.get<std::uint64_t>(), 0U);
  EXPECT_TRUE(reader.failed());
  EXPECT_FALSE(reader.complete());
}

TEST(Codec, ACountThatCannotBeIsRefusedBeforeMemoryIsTaken) {
  Writer writer;
  writer.put(std::numeric_limits<std::uint32_t>::max()).put(std::uint64_t{1});
  Reader counted(writer.bytes());
  EXPECT_EQ(counted.get_count(8), 0U);
  EXPECT_TRUE(counted.failed());
  Reader text(writer.bytes());
  EXPECT_EQ(text.get_text(), "");
  EXPECT_TRUE(text.failed());
}

TEST(Codec, KeepsEveryDoubleAndNumber) {
  for (const double value : {0.0, -0.0, 1.5, std::numeric_limits<double>::infinity(), 5e-324}) {
    Writer writer;
    writer.put(value).put(std::int64_t{-5}).put(std::uint8_t{200});
    EXPECT_EQ(writer.bytes().size(), 8U + 8 + 1);
    Reader reader(writer.bytes());
    EXPECT_EQ(std::bit_cast<std::uint64_t>(reader.get<double>()), std::bit_cast<std::uint64_t>(value));
    EXPECT_EQ(reader.get<std::int64_t>(), -5);
    EXPECT_EQ(reader.get<std::uint8_t>(), 200);
  }
}

TEST(Codec, WritesLittleEndian) {
  Writer writer;
  writer.put(std::uint32_t{0x04030201});
  EXPECT_EQ(writer.bytes(), "\x01\x02\x03\x04");
}

TEST(Codec, SeesDoublesInAFreeList) {
  const std::uint32_t once[] = {2, 0, 1};
  const std::uint32_t twice[] = {2, 0, 2};
  EXPECT_TRUE(distinct_below(once, 3));
  EXPECT_FALSE(distinct_below(once, 2)) << "2 is beyond";
  EXPECT_FALSE(distinct_below(twice, 3));
  EXPECT_TRUE(distinct_below({}, 0));
}

}  // namespace
}  // namespace apportion
