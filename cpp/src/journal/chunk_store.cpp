// Invariants: a page with one owner belongs to one store, and a bit in owned_ says that page and chunk have one owner.
// Pages and chunks with several owners are never written. Bits are cleared before anything is shared, so that a page
// which is alone again starts without them.
#include "apportion/journal/chunk_store.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <new>
#include <utility>

#include "apportion/journal/chunk_arena.hpp"

namespace apportion {
namespace {

using Owners = std::atomic<std::uint32_t>;

// Behind the bytes of a chunk.
Owners& owners_of(std::byte* chunk, std::size_t bytes) {
  return *std::launder(reinterpret_cast<Owners*>(chunk + bytes));
}

constexpr std::size_t with_owners(std::size_t bytes) { return bytes + sizeof(Owners); }

std::byte* copy_of(const std::byte* from, std::size_t bytes) {
  std::byte* copy = ChunkArena::allocate(with_owners(bytes));
  std::memcpy(copy, from, bytes);
  new (copy + bytes) Owners(1);
  return copy;
}

}  // namespace

struct ChunkStore::Page {
  std::atomic<std::uint32_t> owners{1};
  std::array<std::byte*, kPage> chunks{};
};

ChunkStore::ChunkStore(const ChunkStore& other)
    : chunk_bytes_(other.chunk_bytes_),
      blank_(other.blank_),
      chunks_(other.chunks_),
      pages_(other.pages_),
      owned_(other.owned_.size()) {
  for (std::uint64_t& bits : other.owned_) {
    if (bits != 0) bits = 0;  // a store that nobody writes is copied by several threads
  }
  for (Page* page : pages_) {
    if (page != nullptr) page->owners.fetch_add(1, std::memory_order_relaxed);
  }
}

ChunkStore::ChunkStore(ChunkStore&& other) noexcept
    : chunk_bytes_(other.chunk_bytes_),
      blank_(other.blank_),
      chunks_(std::exchange(other.chunks_, {})),
      pages_(std::exchange(other.pages_, {})),
      owned_(std::exchange(other.owned_, {})) {}

ChunkStore& ChunkStore::operator=(ChunkStore other) noexcept {
  std::swap(chunk_bytes_, other.chunk_bytes_);
  std::swap(blank_, other.blank_);
  chunks_.swap(other.chunks_);
  pages_.swap(other.pages_);
  owned_.swap(other.owned_);
  return *this;
}

ChunkStore::~ChunkStore() {
  for (Page* page : pages_) release(page);
}

void ChunkStore::drop(std::byte* chunk) const {
  if (chunk == nullptr || owners_of(chunk, chunk_bytes_).fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  ChunkArena::free(chunk, with_owners(chunk_bytes_));
}

void ChunkStore::release(Page* page) const {
  if (page == nullptr || page->owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  for (std::byte* chunk : page->chunks) drop(chunk);
  delete page;
}

ChunkStore::Page& ChunkStore::own_page(std::size_t index) {
  Page*& page = pages_[index];
  if (page == nullptr) {
    page = new Page;
  } else if (page->owners.load(std::memory_order_acquire) != 1) {
    auto* copy = new Page;
    copy->chunks = page->chunks;
    for (std::byte* chunk : copy->chunks) {
      if (chunk != nullptr) owners_of(chunk, chunk_bytes_).fetch_add(1, std::memory_order_relaxed);
    }
    release(std::exchange(page, copy));
  }
  return *page;
}

std::byte* ChunkStore::take(std::size_t chunk) {
  std::byte*& held = own_page(chunk / kPage).chunks[chunk % kPage];
  if (held == nullptr) {
    held = copy_of(blank_, chunk_bytes_);
  } else if (owners_of(held, chunk_bytes_).load(std::memory_order_acquire) != 1) {
    drop(std::exchange(held, copy_of(held, chunk_bytes_)));
  }
  chunks_[chunk] = held;
  owned_[chunk / kPage] |= std::uint64_t{1} << chunk % kPage;
  return held;
}

void ChunkStore::resize(std::size_t chunks) {
  for (std::size_t chunk = chunks; chunk < chunks_.size(); ++chunk) {
    if (chunks_[chunk] == blank_) continue;
    drop(std::exchange(own_page(chunk / kPage).chunks[chunk % kPage], nullptr));
    owned_[chunk / kPage] &= ~(std::uint64_t{1} << chunk % kPage);
  }
  chunks_.resize(chunks, blank_);
  const std::size_t pages = (chunks + kPage - 1) / kPage;
  for (std::size_t page = pages; page < pages_.size(); ++page) release(pages_[page]);
  pages_.resize(pages);
  owned_.resize(pages);
}

std::size_t ChunkStore::bytes() const {
  std::size_t total = chunks_.capacity() * sizeof(chunks_[0]) + pages_.capacity() * sizeof(pages_[0]);
  for (const std::byte* chunk : chunks_) total += chunk == blank_ ? 0 : with_owners(chunk_bytes_);
  for (const Page* page : pages_) total += page == nullptr ? 0 : sizeof *page;
  return total;
}

}  // namespace apportion
