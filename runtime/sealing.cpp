#include "runtime/sealing.hpp"

#include "runtime/crypto.hpp"
#include "runtime/random.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

namespace ordersaga::runtime {
namespace {

constexpr std::size_t key_size = 32;
constexpr std::size_t nonce_size = 12;  // what GCM is made for; chance is enough for the few secrets of one key
constexpr std::size_t tag_size = 16;

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

unsigned char* bytes_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

Cipher new_cipher() {
    Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    if (!cipher) throw std::runtime_error("no memory for a cipher");
    return cipher;
}

void require(int done) {
    if (done != 1) throw std::runtime_error("AES-256-GCM failed");
}

bool is_key_id(std::string_view id) {
    return !id.empty() && id.size() <= 40 && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

std::string_view trimmed(std::string_view line) {
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t'))
        line.remove_prefix(1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r'))
        line.remove_suffix(1);
    return line;
}

}  // namespace

struct KeyRing::Keys {
    struct Key {
        std::string id;
        std::array<unsigned char, key_size> bytes{};
    };
    std::vector<Key> all;

    ~Keys() {
        for (Key& key : all)
            OPENSSL_cleanse(key.bytes.data(), key.bytes.size());
    }

    const Key* find(std::string_view id) const {
        const auto found = std::find_if(all.begin(), all.end(), [&](const Key& key) { return key.id == id; });
        return found == all.end() ? nullptr : &*found;
    }

    // Empty when the line is a key; else what is wrong with it.
    std::string add(std::string_view line) {
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || !is_key_id(line.substr(0, colon)))
            return "must be ID:BASE64, with an id of letters, digits, - and _";
        std::optional<std::string> decoded = base64_decode(line.substr(colon + 1));
        if (!decoded || decoded->size() != key_size) return "must hold 32 bytes in base64";
        if (find(line.substr(0, colon)) != nullptr) return "has the id of an earlier key";
        Key& key = all.emplace_back();
        key.id = line.substr(0, colon);
        std::copy(decoded->begin(), decoded->end(), key.bytes.begin());
        OPENSSL_cleanse(decoded->data(), decoded->size());
        return {};
    }
};

Result<KeyRing> KeyRing::parse(std::string_view text) {
    auto keys = std::make_shared<Keys>();
    keys->all.reserve(16);  // no copy of a key stays behind when it grows
    std::size_t number = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (line.empty() || line.front() == '#') continue;
        if (keys->all.size() == 16) return invalid("a key ring holds at most 16 keys");
        if (const std::string fault = keys->add(line); !fault.empty())
            return invalid("line " + std::to_string(number) + " of the key ring " + fault);
    }
    if (keys->all.empty()) return invalid("the key ring holds no key");
    return KeyRing(std::move(keys));
}

const std::string& KeyRing::sealing_key_id() const {
    return keys_->all.front().id;
}

Sealed KeyRing::seal(std::string_view secret, std::string_view bound_to) const {
    const Keys::Key& key = keys_->all.front();
    std::string bytes(nonce_size + secret.size() + tag_size, '\0');
    if (RAND_bytes(bytes_of(bytes), nonce_size) != 1) throw std::runtime_error("the system has no randomness");
    const Cipher cipher = new_cipher();
    int length = 0;
    require(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.bytes.data(), bytes_of(bytes)));
    require(EVP_EncryptUpdate(cipher.get(), nullptr, &length, bytes_of(bound_to), static_cast<int>(bound_to.size())));
    unsigned char* out = bytes_of(bytes) + nonce_size;
    require(EVP_EncryptUpdate(cipher.get(), out, &length, bytes_of(secret), static_cast<int>(secret.size())));
    require(EVP_EncryptFinal_ex(cipher.get(), out + length, &length));
    require(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_size, out + secret.size()));
    return {key.id, std::move(bytes)};
}

Result<std::string> KeyRing::open(const Sealed& sealed, std::string_view bound_to) const {
    const Keys::Key* key = keys_->find(sealed.key_id);
    if (key == nullptr) return Error{ErrorKind::not_found, "the key ring lacks the key " + sealed.key_id};
    const Error refused{ErrorKind::refused, "a sealed secret cannot be opened: altered, or sealed for another place"};
    if (sealed.bytes.size() < nonce_size + tag_size) return refused;
    std::string nonce_and_rest = sealed.bytes;
    const std::size_t size = sealed.bytes.size() - nonce_size - tag_size;
    unsigned char* nonce = bytes_of(nonce_and_rest);
    unsigned char* body = nonce + nonce_size;
    std::string secret(size, '\0');
    const Cipher cipher = new_cipher();
    int length = 0;
    require(EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key->bytes.data(), nonce));
    require(EVP_DecryptUpdate(cipher.get(), nullptr, &length, bytes_of(bound_to), static_cast<int>(bound_to.size())));
    require(EVP_DecryptUpdate(cipher.get(), bytes_of(secret), &length, body, static_cast<int>(size)));
    require(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_size, body + size));
    if (EVP_DecryptFinal_ex(cipher.get(), bytes_of(secret) + length, &length) != 1) {
        OPENSSL_cleanse(secret.data(), secret.size());
        return refused;
    }
    return secret;
}

std::string KeyRing::seal_text(std::string_view secret, std::string_view bound_to) const {
    const Sealed sealed = seal(secret, bound_to);
    return sealed.key_id + ":" + base64_encode(sealed.bytes);
}

Result<std::string> KeyRing::open_text(std::string_view sealed, std::string_view bound_to) const {
    const std::size_t colon = sealed.find(':');
    if (colon == std::string_view::npos) return invalid("a sealed text must be KEY_ID:BASE64");
    std::optional<std::string> bytes = base64_decode(sealed.substr(colon + 1));
    if (!bytes) return invalid("a sealed text must be KEY_ID:BASE64");
    return open({std::string(sealed.substr(0, colon)), std::move(*bytes)}, bound_to);
}

std::string new_key_line() {
    std::string key(key_size, '\0');
    if (RAND_bytes(bytes_of(key), key_size) != 1) throw std::runtime_error("the system has no randomness");
    std::string line = "k" + random_token(4) + ":" + base64_encode(key);
    OPENSSL_cleanse(key.data(), key.size());
    return line;
}

}  // namespace ordersaga::runtime
