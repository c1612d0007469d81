// Reads typed members of one JSON object and throws std::invalid_argument naming the field at fault. For the codecs of
// this folder only: what is missing or null has a default, what is there must have the right type.
//
// Immutable; the object must outlive it.
#pragma once

#include "runtime/clock.hpp"
#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ordersaga::sagas {

class JsonReader {
public:
    JsonReader(const nlohmann::json& object, std::string path) : object_(object), path_(std::move(path)) {
        if (!object_.is_object()) throw std::invalid_argument(path_ + " must be an object");
    }

    const std::string& path() const { return path_; }
    [[noreturn]] void fail(std::string_view key, std::string_view why) const {
        throw std::invalid_argument(path_ + "." + std::string(key) + " " + std::string(why));
    }

    std::string text(std::string_view key) const { return take(runtime::get_text(object_, key, path_)); }
    std::string text_or(std::string_view key, std::string_view fallback) const {
        return take(runtime::opt_text(object_, key, path_)).value_or(std::string(fallback));
    }
    bool flag_or(std::string_view key, bool fallback) const {
        return take(runtime::opt_bool(object_, key, path_)).value_or(fallback);
    }
    std::int64_t between(std::string_view key, std::int64_t low, std::int64_t high) const {
        return take(runtime::get_int64_between(object_, key, low, high, path_));
    }
    std::optional<std::int64_t> optional_between(std::string_view key, std::int64_t low, std::int64_t high) const {
        if (!has(key)) return std::nullopt;
        return between(key, low, high);
    }
    // Numbers come out as decimal text. Only digits are an id.
    std::string id(std::string_view key) const {
        return only_digits(key, take(runtime::get_id_text(object_, key, path_)));
    }
    std::string id_or_empty(std::string_view key) const { return has(key) ? id(key) : std::string(); }

    runtime::Instant instant(std::string_view key) const {
        const runtime::Result<runtime::Instant> parsed = runtime::parse_rfc3339(text(key));
        if (!parsed) fail(key, "must be a time like 2026-07-01T10:20:30Z");
        return parsed.value();
    }
    std::optional<runtime::Instant> optional_instant(std::string_view key) const {
        if (!has(key)) return std::nullopt;
        return instant(key);
    }

    // Missing or null gives an empty array. More elements than `most` are refused.
    const nlohmann::json& array_or_empty(std::string_view key, std::size_t most) const {
        static const nlohmann::json empty = nlohmann::json::array();
        return has(key) ? array(key, most) : empty;
    }
    const nlohmann::json& array(std::string_view key, std::size_t most) const {
        const nlohmann::json& found = *take(runtime::get_array(object_, key, path_));
        if (found.size() > most) fail(key, "must have at most " + std::to_string(most) + " elements");
        return found;
    }
    // nullptr when missing or null.
    const nlohmann::json* optional_object(std::string_view key) const {
        return take(runtime::opt_object(object_, key, path_));
    }

    bool has(std::string_view key) const { return runtime::find_member(object_, key) != nullptr; }
    // A key that is present with null says something else than a key that is absent.
    bool is_null(std::string_view key) const {
        const auto found = object_.find(key);
        return found != object_.end() && found->is_null();
    }
    const nlohmann::json& object() const { return object_; }

    std::string path_of(std::string_view key, std::size_t index) const {
        return path_ + "." + std::string(key) + "[" + std::to_string(index) + "]";
    }

private:
    template <class T>
    static T take(runtime::Result<T> result) {
        if (!result) throw std::invalid_argument(result.error().message);
        return std::move(result).value();
    }
    std::string only_digits(std::string_view key, std::string found) const {
        if (found.empty() || found.size() > 20 || found.find_first_not_of("0123456789") != std::string::npos) {
            fail(key, "must be a decimal id");
        }
        return found;
    }

    const nlohmann::json& object_;
    std::string path_;
};

}  // namespace ordersaga::sagas
