#include "runtime/compression.hpp"

#include <zstd.h>

#include <memory>
#include <stdexcept>

namespace ordersaga::runtime {
namespace {

struct FreeContext {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

std::string compressed(std::string_view text) {
    // Kept by each thread: making one costs more than a webhook's body does.
    thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
    if (!context) throw std::runtime_error("compression: no memory");
    std::string bytes(ZSTD_compressBound(text.size()), '\0');
    const std::size_t size = ZSTD_compressCCtx(context.get(), bytes.data(), bytes.size(), text.data(), text.size(), 1);
    if (ZSTD_isError(size)) throw std::runtime_error(std::string("compression: ") + ZSTD_getErrorName(size));
    bytes.resize(size);
    return bytes;
}

Result<std::string> decompressed(std::string_view bytes, std::size_t limit) {
    const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR)
        return Error{ErrorKind::invalid, "it is not compressed as we do it"};
    if (size > limit)
        return Error{ErrorKind::invalid, "uncompressed it would be longer than " + std::to_string(limit) + " bytes"};
    const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
    if (!context) throw std::runtime_error("decompression: no memory");
    std::string text(static_cast<std::size_t>(size), '\0');
    const std::size_t read = ZSTD_decompressDCtx(context.get(), text.data(), text.size(), bytes.data(), bytes.size());
    if (ZSTD_isError(read)) return Error{ErrorKind::invalid, std::string("it is damaged: ") + ZSTD_getErrorName(read)};
    if (read != text.size()) return Error{ErrorKind::invalid, "it is damaged: it is shorter than it says"};
    return text;
}

}  // namespace ordersaga::runtime
