// A size has slabs, a slab has blocks of that size; a block's last word names its slab. Free blocks of a slab are
// linked through their first word.
#include "apportion/journal/chunk_arena.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace apportion {
namespace {

// Under a sanitizer every chunk is a block of its own, so that it sees each misuse.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kPlain = true;
#elif defined(__has_feature)
constexpr bool kPlain = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kPlain = false;
#endif

constexpr std::align_val_t kLine{64};
constexpr std::size_t kLargePage = std::size_t{2} << 20;
constexpr std::size_t kSmallestSlab = std::size_t{64} << 10;

constexpr std::size_t stride_of(std::size_t bytes) { return (bytes + sizeof(void*) + 63) / 64 * 64; }

// Aligned to its size, a power of two, up to a large page.
#if defined(__linux__)
std::byte* map_slab(std::size_t bytes) {
  void* const all = mmap(nullptr, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) throw std::bad_alloc();
  auto* const start = static_cast<std::byte*>(all);
  const std::size_t before = (bytes - reinterpret_cast<std::uintptr_t>(start) % bytes) % bytes;
  if (before > 0) munmap(start, before);
  munmap(start + before + bytes, bytes - before);
  if (bytes >= kLargePage) madvise(start + before, bytes, MADV_HUGEPAGE);
  return start + before;
}
void unmap_slab(std::byte* slab, std::size_t bytes) { munmap(slab, bytes); }
#else
std::byte* map_slab(std::size_t bytes) {
  return static_cast<std::byte*>(::operator new(bytes, std::align_val_t{bytes}));
}
void unmap_slab(std::byte* slab, std::size_t bytes) { ::operator delete(slab, std::align_val_t{bytes}); }
#endif

template <class T>
T word_at(const std::byte* at) {
  T word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

template <class T>
void set_word(std::byte* at, T word) {
  std::memcpy(at, &word, sizeof word);
}

struct Size;

struct Slab {
  Size* of;
  std::size_t bytes;
  std::byte* memory;
  std::size_t fresh = 0;       // bytes from here on were never given out
  std::size_t live = 0;        // blocks
  std::byte* freed = nullptr;  // the first of those that came back
  std::size_t place = 0;       // among the open ones
};

struct Size {
  std::size_t stride = 0;
  std::size_t bytes = 0;      // of all slabs
  std::size_t idle = 0;       // open slabs without a live block
  std::vector<Slab*> open{};  // with a free block

  // A slab is a sixteenth of what there is, so that little of it lies idle; large ones are large pages.
  Slab* grow() {
    const std::size_t wanted = std::bit_floor(std::clamp(bytes / 16, std::max(kSmallestSlab, 4 * stride), kLargePage));
    std::byte* const memory = map_slab(wanted);
    bytes += wanted;
    ++idle;
    return put(new Slab{this, wanted, memory});
  }

  Slab* put(Slab* slab) {
    slab->place = open.size();
    open.push_back(slab);
    return slab;
  }

  void close(Slab* slab) {
    open.back()->place = slab->place;
    open[slab->place] = open.back();
    open.pop_back();
  }

  [[nodiscard]] bool full(const Slab& slab) const { return slab.freed == nullptr && slab.fresh + stride > slab.bytes; }

  std::byte* take() {
    Slab* slab = open.empty() ? grow() : open.back();
    idle -= slab->live++ == 0 ? 1 : 0;
    std::byte* block = slab->freed;
    if (block != nullptr) {
      slab->freed = word_at<std::byte*>(block);
    } else {
      block = slab->memory + slab->fresh;
      slab->fresh += stride;
      set_word(block + stride - sizeof slab, slab);
    }
    if (full(*slab)) close(slab);
    return block;
  }

  void give(Slab* slab, std::byte* block) {
    if (full(*slab)) put(slab);
    set_word(block, slab->freed);
    slab->freed = block;
    if (--slab->live > 0) return;
    // One that is small, by itself or beside the rest, stays for who goes back and forth.
    if (++idle < 2 && (slab->bytes <= kSmallestSlab || bytes > 16 * slab->bytes)) return;
    --idle;
    close(slab);
    bytes -= slab->bytes;
    unmap_slab(slab->memory, slab->bytes);
    delete slab;
  }
};

class Sizes {
 public:
  static Sizes& all() {
    static Sizes& sizes = *new Sizes;  // outlives every pool, those in static objects too
    return sizes;
  }
  std::byte* take(std::size_t stride) {
    const std::lock_guard lock(mutex_);
    Size& size = sizes_[stride];
    size.stride = stride;
    return size.take();
  }
  void give(std::byte* block, std::size_t stride) {
    const std::lock_guard lock(mutex_);
    auto* slab = word_at<Slab*>(block + stride - sizeof(Slab*));
    slab->of->give(slab, block);
  }

  std::size_t bytes() {
    const std::lock_guard lock(mutex_);
    std::size_t total = 0;
    for (const auto& [stride, size] : sizes_) total += size.bytes;
    return total;
  }

 private:
  std::mutex mutex_;
  std::map<std::size_t, Size> sizes_;
};

}  // namespace

std::byte* ChunkArena::allocate(std::size_t bytes) {
  if (kPlain) return static_cast<std::byte*>(::operator new(bytes, kLine));
  return Sizes::all().take(stride_of(bytes));
}

void ChunkArena::free(std::byte* block, std::size_t bytes) {
  if (kPlain) return ::operator delete(block, kLine);
  Sizes::all().give(block, stride_of(bytes));
}

std::size_t ChunkArena::bytes() { return Sizes::all().bytes(); }

}  // namespace apportion
