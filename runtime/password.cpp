#include "runtime/password.hpp"

#include "runtime/crypto.hpp"
#include "runtime/random.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <stdexcept>

namespace ordersaga::runtime {
namespace {

constexpr std::size_t salt_size = 16;
constexpr std::size_t shortest_salt = 8;
constexpr std::size_t key_size = 32;
constexpr std::uint64_t most_memory = 160ULL * 1024 * 1024;

struct StoredPassword {
    PasswordCost cost;
    std::string salt, key;
};

std::optional<std::string> derive(std::string_view password, std::string_view salt, PasswordCost cost) {
    std::string key(key_size, '\0');
    const int done = EVP_PBE_scrypt(
        password.data(), password.size(), reinterpret_cast<const unsigned char*>(salt.data()), salt.size(),
        std::uint64_t{1} << cost.log_n, static_cast<std::uint64_t>(cost.r), static_cast<std::uint64_t>(cost.p),
        most_memory, reinterpret_cast<unsigned char*>(key.data()), key.size());
    if (done != 1) return std::nullopt;
    return key;
}

// Cuts `text` after `end` and gives what stood before it; all of it when there is none.
std::string_view take_until(std::string_view& text, char end) {
    const std::string_view part = text.substr(0, text.find(end));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    return part;
}

// "ln=15" as 15, within 1..most; 0 when it is not that.
int parameter(std::string_view part, std::string_view name, int most) {
    if (!part.starts_with(name)) return 0;
    part.remove_prefix(name.size());
    int value = 0;
    const auto [end, fault] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (fault != std::errc{} || end != part.data() + part.size() || value > most) return 0;
    return value;
}

std::optional<StoredPassword> read_stored(std::string_view text) {
    if (!take_until(text, '$').empty() || take_until(text, '$') != "scrypt") return std::nullopt;
    std::string_view parameters = take_until(text, '$');
    StoredPassword stored;
    stored.cost.log_n = parameter(take_until(parameters, ','), "ln=", 17);
    stored.cost.r = parameter(take_until(parameters, ','), "r=", 8);
    stored.cost.p = parameter(parameters, "p=", 16);
    const std::optional<std::string> salt = base64_decode(take_until(text, '$'));
    const std::optional<std::string> key = base64_decode(text);
    if (stored.cost.log_n < 1 || stored.cost.r < 1 || stored.cost.p < 1) return std::nullopt;
    if (!salt || !key || salt->size() < shortest_salt || key->size() != key_size) return std::nullopt;
    stored.salt = *salt;
    stored.key = *key;
    return stored;
}

}  // namespace

std::string hash_password(std::string_view password, PasswordCost cost) {
    const std::string salt = from_hex(random_token(salt_size)).value();
    const std::optional<std::string> key = derive(password, salt, cost);
    if (!key) throw std::runtime_error("scrypt failed");
    return "$scrypt$ln=" + std::to_string(cost.log_n) + ",r=" + std::to_string(cost.r) +
           ",p=" + std::to_string(cost.p) + "$" + base64_encode(salt) + "$" + base64_encode(*key);
}

bool password_fits(std::string_view password, std::string_view stored) {
    const std::optional<StoredPassword> kept = read_stored(stored);
    if (!kept) return false;
    const std::optional<std::string> key = derive(password, kept->salt, kept->cost);
    return key && constant_time_equal(*key, kept->key);
}

}  // namespace ordersaga::runtime
