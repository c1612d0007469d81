#include "runtime/random.hpp"

#include "runtime/crypto.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

namespace ordersaga::runtime {
namespace {

void fill_from_system(void* target, std::size_t bytes) {
    auto* at = static_cast<unsigned char*>(target);
    while (bytes > 0) {
        const ssize_t got = ::getrandom(at, bytes, 0);
        if (got < 0) {
            if (errno == EINTR) continue;
            throw std::system_error(errno, std::generic_category(), "the system gives no random bytes");
        }
        at += got;
        bytes -= static_cast<std::size_t>(got);
    }
}

std::uint64_t rotate_left(std::uint64_t value, int bits) {
    return (value << bits) | (value >> (64 - bits));
}

std::uint64_t split_mix(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15ULL;
    std::uint64_t mixed = state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return mixed ^ (mixed >> 31);
}

std::string uuid_text(std::uint64_t high, std::uint64_t low) {
    std::string bytes(16, '\0');
    for (std::size_t i = 0; i < 8; ++i) {
        bytes[i] = static_cast<char>(high >> (56 - 8 * i));
        bytes[8 + i] = static_cast<char>(low >> (56 - 8 * i));
    }
    std::string text = to_hex(bytes);
    for (const std::size_t dash : {8U, 13U, 18U, 23U})
        text.insert(dash, 1, '-');
    return text;
}

constexpr std::uint64_t variant_bits = 0x8000000000000000ULL;
constexpr std::uint64_t below_variant = 0x3fffffffffffffffULL;

}  // namespace

std::uint64_t Random::below(std::uint64_t bound) {
    if (bound == 0) return 0;
    // Values under the threshold would make the low remainders more likely.
    const std::uint64_t threshold = (0 - bound) % bound;
    for (;;) {
        const std::uint64_t value = next();
        if (value >= threshold) return value % bound;
    }
}

double Random::unit() {
    return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

bool Random::chance(double probability) {
    return unit() < probability;
}

std::uint64_t SystemRandom::next() {
    // Fetched ahead: the call costs more than what an id is made of. (Who forks without exec would share them.)
    thread_local std::array<std::uint64_t, 64> ahead;
    thread_local std::size_t left = 0;
    if (left == 0) {
        fill_from_system(ahead.data(), sizeof ahead);
        left = ahead.size();
    }
    return ahead[--left];
}

SeededRandom::SeededRandom(std::uint64_t seed) {
    for (std::uint64_t& word : state_)
        word = split_mix(seed);
}

std::uint64_t SeededRandom::next() {
    const std::uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate_left(state_[3], 45);
    return result;
}

std::string new_uuid(Instant now, Random& random) {
    const Duration::rep since_epoch = now.time_since_epoch().count();
    const auto micros = static_cast<std::uint64_t>(since_epoch < 0 ? 0 : since_epoch);
    const std::uint64_t millis = (micros / 1000) & 0xffffffffffffULL;
    // The twelve bits behind the version hold the part below a millisecond (RFC 9562, section 6.2, method 3).
    const std::uint64_t fraction = (micros % 1000) * 4096 / 1000;
    const std::uint64_t high = (millis << 16) | 0x7000ULL | fraction;
    const std::uint64_t low = (random.next() & below_variant) | variant_bits;
    return uuid_text(high, low);
}

std::string new_uuid_v4(Random& random) {
    const std::uint64_t high = (random.next() & ~0xf000ULL) | 0x4000ULL;
    const std::uint64_t low = (random.next() & below_variant) | variant_bits;
    return uuid_text(high, low);
}

bool is_uuid(std::string_view text) noexcept {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-') return false;
        } else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) {
            return false;
        }
    }
    return true;
}

std::string random_token(std::size_t bytes) {
    std::string raw(bytes, '\0');
    fill_from_system(raw.data(), raw.size());
    return to_hex(raw);
}

}  // namespace ordersaga::runtime
