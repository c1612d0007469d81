// Memory of simulated worlds: a third of a run went into malloc, for JSON is made of small pieces. Freed pieces are kept by
// size, for the thread that freed them, and nothing goes back before the program ends. Sanitizers bring their own.
#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)

namespace {

constexpr std::size_t step = 16;
constexpr std::size_t sizes = 64;  // up to 1 KiB; what is larger is malloc's
constexpr std::size_t chunk_size = std::size_t{1} << 20;

// Before each piece: which list it belongs to, padded so that the piece is aligned like malloc's.
struct alignas(step) Head {
    std::size_t list;
};
struct Piece {
    Piece* next;
};

thread_local std::array<Piece*, sizes> free_pieces{};
thread_local char* fresh = nullptr;
thread_local char* fresh_end = nullptr;

void* with_head(void* memory, std::size_t list) {
    if (memory == nullptr) throw std::bad_alloc();
    return new (memory) Head{list} + 1;
}

void* take(std::size_t size) {
    const std::size_t list = (size + step - 1) / step;
    if (list >= sizes) return with_head(std::malloc(size + sizeof(Head)), sizes);
    if (Piece* piece = free_pieces[list]; piece != nullptr) {
        free_pieces[list] = piece->next;
        return piece;
    }
    const std::size_t whole = sizeof(Head) + (list == 0 ? 1 : list) * step;
    if (static_cast<std::size_t>(fresh_end - fresh) < whole) {
        fresh = static_cast<char*>(std::malloc(chunk_size));
        if (fresh == nullptr) throw std::bad_alloc();
        fresh_end = fresh + chunk_size;
    }
    char* memory = fresh;
    fresh += whole;
    return with_head(memory, list);
}

void give_back(void* memory) noexcept {
    if (memory == nullptr) return;
    Head* head = static_cast<Head*>(memory) - 1;
    if (head->list >= sizes) return std::free(head);
    const std::size_t list = head->list;
    free_pieces[list] = new (memory) Piece{free_pieces[list]};
}

}  // namespace

void* operator new(std::size_t size) {
    return take(size);
}
void* operator new[](std::size_t size) {
    return take(size);
}
void operator delete(void* memory) noexcept {
    give_back(memory);
}
void operator delete[](void* memory) noexcept {
    give_back(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    give_back(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    give_back(memory);
}

#endif
