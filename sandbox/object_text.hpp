// Writes a JSON object as text, member by member: a stand-in that sends thousands of documents a second has no time for trees.
#pragma once

#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ordersaga::sandbox {

class ObjectText {
public:
    ObjectText() { text_.reserve(1024); }

    ObjectText& put(std::string_view name, std::string_view value) { return begin(name), write(value), *this; }
    ObjectText& put(std::string_view name, const char* value) { return put(name, std::string_view(value)); }
    ObjectText& put(std::string_view name, std::int64_t value) {
        return begin(name), text_ += std::to_string(value), *this;
    }
    ObjectText& put(std::string_view name, bool value) { return begin(name), text_ += value ? "true" : "false", *this; }
    template <class Value>
    ObjectText& put(std::string_view name, const std::optional<Value>& value) {
        return value ? put(name, *value) : put_text(name, "null");
    }
    ObjectText& put_or_null(std::string_view name, std::string_view value) {
        return value.empty() ? put_text(name, "null") : put(name, value);
    }
    // `json` is a whole value.
    ObjectText& put_text(std::string_view name, std::string_view json) { return begin(name), text_ += json, *this; }
    ObjectText& put_list(std::string_view name, const std::vector<std::string>& elements) {
        begin(name);
        char before = '[';
        for (const std::string& element : elements) {
            text_ += std::exchange(before, ',');
            text_ += element;
        }
        text_ += before == '[' ? "[]" : "]";
        return *this;
    }
    // Whole members, as in an object's text without its braces.
    ObjectText& put_members(std::string_view members) {
        separate();
        text_ += members;
        return *this;
    }

    std::string take() {
        text_ += text_.empty() ? "{}" : "}";
        return std::move(text_);
    }

private:
    void separate() { text_ += text_.empty() ? '{' : ','; }
    void begin(std::string_view name) {
        separate();
        text_ += '"';
        text_ += name;
        text_ += "\":";
    }
    void write(std::string_view value) {
        for (const char byte : value) {
            if (static_cast<unsigned char>(byte) < 0x20 || static_cast<unsigned char>(byte) >= 0x7f || byte == '"' ||
                byte == '\\') {
                text_ += runtime::dump_json(nlohmann::json(value));
                return;
            }
        }
        text_ += '"';
        text_ += value;
        text_ += '"';
    }

    std::string text_;
};

}  // namespace ordersaga::sandbox
