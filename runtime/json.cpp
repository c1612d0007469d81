#include "runtime/json.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <nlohmann/json.hpp>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <tuple>
#include <utility>
#include <vector>

namespace ordersaga::runtime {
namespace {

using Json = nlohmann::json;
using boost::json::error_code;
using boost::json::string_view;

// Builds the tree while it counts: the parser stops at the first value beyond a limit, so no tree exists that a copy or
// a dump could not survive. Its names are those that Boost.JSON calls.
class LimitedBuilder {
public:
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = max_object_size;
    static constexpr std::size_t max_key_size = max_object_size;
    static constexpr std::size_t max_string_size = max_object_size;

    explicit LimitedBuilder(const JsonLimits& limits) : limits_(limits) {}

    Json take() { return std::move(root_); }
    const std::string& fault() const { return fault_; }

    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_comment_part(string_view, error_code&) { return true; }
    bool on_comment(string_view, error_code&) { return true; }

    bool on_null(error_code& error) { return place(Json(nullptr), error) != nullptr; }
    bool on_bool(bool value, error_code& error) { return place(Json(value), error) != nullptr; }

    bool on_int64(std::int64_t value, string_view, error_code& error) {
        if (value < 0) return place(Json(value), error) != nullptr;
        return on_uint64(static_cast<std::uint64_t>(value), {}, error);
    }
    bool on_uint64(std::uint64_t value, string_view, error_code& error) { return place(Json(value), error) != nullptr; }

    bool on_number_part(string_view part, error_code&) {
        number_.append(part);
        return true;
    }
    // The parser's own double may be off by one in its last place; the digits are exact.
    bool on_double(double, string_view last_part, error_code& error) {
        const std::string text = whole(number_, last_part);
        // The parser turns an integer that needs more than 64 bits into a double; the digits tell.
        if (text.find_first_of(".eE") == std::string::npos) return refuse("an integer needs more than 64 bits", error);
        const double value = std::strtod(text.c_str(), nullptr);
        if (!std::isfinite(value)) return refuse("a number is too large", error);
        return place(Json(value), error) != nullptr;
    }

    bool on_string_part(string_view part, std::size_t, error_code&) {
        text_.append(part);
        return true;
    }
    bool on_string(string_view last_part, std::size_t, error_code& error) {
        std::string text = whole(text_, last_part);
        return accepts(text, error) && place(Json(std::move(text)), error) != nullptr;
    }

    bool on_object_begin(error_code& error) { return open(Json::object(), error); }
    bool on_object_end(std::size_t, error_code&) { return close(); }
    bool on_array_begin(error_code& error) { return open(Json::array(), error); }
    bool on_array_end(std::size_t, error_code&) { return close(); }

    bool on_key_part(string_view part, std::size_t, error_code&) {
        text_.append(part);
        return true;
    }
    bool on_key(string_view last_part, std::size_t, error_code& error) {
        std::string name = whole(text_, last_part);
        if (!accepts(name, error)) return false;
        if (unread_ > 0) return true;
        if (limits_.unread != nullptr && limits_.unread(name)) {
            member_ = nullptr;
            return true;
        }
        const auto [member, is_new] = open_.back()->get_ref<Json::object_t&>().try_emplace(std::move(name));
        if (!is_new) return refuse("an object repeats a key", error);
        member_ = &member->second;
        return true;
    }

private:
    static std::string whole(std::string& parts, string_view last_part) {
        parts.append(last_part);
        return std::exchange(parts, {});
    }

    bool refuse(const char* reason, error_code& error) {
        fault_ = reason;
        error = boost::json::error::exception;  // any error: it makes the parser stop
        return false;
    }

    bool accepts(const std::string& text, error_code& error) {
        if (limits_.refuse_nul_in_text && text.find('\0') != std::string::npos)
            return refuse("a text holds U+0000", error);
        return true;
    }

    // Whether the next value is in a member that nobody reads, or is one.
    bool is_unread() const { return unread_ > 0 || (!open_.empty() && open_.back()->is_object() && !member_); }

    Json* place(Json&& value, error_code& error) {
        if (++count_ > limits_.elements) {
            refuse("too many values", error);
            return nullptr;
        }
        if (is_unread()) return &nowhere_;
        if (open_.empty()) {
            root_ = std::move(value);
            return &root_;
        }
        Json& parent = *open_.back();
        if (parent.is_array()) {
            parent.push_back(std::move(value));
            return &parent.back();
        }
        *member_ = std::move(value);
        return member_;
    }

    bool open(Json&& container, error_code& error) {
        if (open_.size() + unread_ >= limits_.depth) return refuse("nested too deeply", error);
        const bool unread = is_unread();
        // A parent is not touched while its child is open, so the pointers on the stack stay good.
        Json* placed = place(std::move(container), error);
        if (placed == nullptr) return false;
        if (unread) {
            ++unread_;
        } else {
            open_.push_back(placed);
        }
        return true;
    }

    bool close() {
        if (unread_ > 0) {
            --unread_;
        } else {
            open_.pop_back();
        }
        return true;
    }

    const JsonLimits limits_;
    Json root_;
    std::vector<Json*> open_;
    Json* member_ = nullptr;  // where the value of the last key belongs; null: nobody reads it
    std::size_t unread_ = 0;  // arrays and objects that are open in a member that nobody reads
    Json nowhere_;
    std::size_t count_ = 0;
    std::string text_;    // a text or a key, until its last part is here
    std::string number_;  // the same of a number
    std::string fault_;
};

// The parser does not tell where it stopped. The library does, and keeps no value meanwhile; its own message would quote
// the input, which may be a customer's data.
std::string place_of_fault(std::string_view text) {
    try {
        std::ignore = Json::parse(text, [](int, Json::parse_event_t, Json&) { return false; });
    } catch (const Json::parse_error& fault) {
        return " at byte " + std::to_string(fault.byte);
    } catch (const Json::exception&) {  // a number that it finds too large
        return "";
    }
    return "";
}

// Writes what the library would write. Texts that need care and fractions are left to it: it goes byte by byte, and most
// texts are plain.
class Writer {
public:
    std::string take() { return std::move(text_); }

    void write(const Json& value) {
        switch (value.type()) {
            case Json::value_t::object: return write_object(value);
            case Json::value_t::array: return write_array(value);
            case Json::value_t::string: return write_text(value.get_ref<const std::string&>());
            case Json::value_t::number_integer: return write_integer(value.get_ref<const std::int64_t&>());
            case Json::value_t::number_unsigned: return write_integer(value.get_ref<const std::uint64_t&>());
            case Json::value_t::boolean: text_ += value.get<bool>() ? "true" : "false"; return;
            case Json::value_t::null: text_ += "null"; return;
            default: text_ += by_the_library(value);
        }
    }

private:
    static std::string by_the_library(const Json& value) {
        return value.dump(-1, ' ', false, Json::error_handler_t::replace);
    }

    static bool is_plain(char byte) {
        return static_cast<unsigned char>(byte) >= 0x20 && static_cast<unsigned char>(byte) < 0x7f && byte != '"' &&
               byte != '\\';
    }

    void write_object(const Json& value) {
        char before = '{';
        for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
            text_ += std::exchange(before, ',');
            write_text(key);
            text_ += ':';
            write(member);
        }
        text_ += before == '{' ? "{}" : "}";
    }

    void write_array(const Json& value) {
        char before = '[';
        for (const Json& element : value.get_ref<const Json::array_t&>()) {
            text_ += std::exchange(before, ',');
            write(element);
        }
        text_ += before == '[' ? "[]" : "]";
    }

    void write_text(const std::string& text) {
        bool plain = true;
        for (const char byte : text)
            plain = plain && is_plain(byte);
        if (!plain) {
            text_ += by_the_library(Json(text));
            return;
        }
        text_ += '"';
        text_ += text;
        text_ += '"';
    }

    template <class Number>
    void write_integer(Number number) {
        char digits[24];
        const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
        text_.append(std::begin(digits), end);
    }

    std::string text_;
};

Error at(std::string_view where, std::string_view key, std::string_view complaint) {
    std::string message(where);
    if (!message.empty() && !key.empty()) message += '.';
    message += key;
    if (message.empty()) message = "the document";
    message += ' ';
    message += complaint;
    return invalid(std::move(message));
}

// The member, or the error that names it.
Result<const Json*> required(const Json& object, std::string_view key, std::string_view where) {
    if (!object.is_object()) return at(where, {}, "must be an object");
    const Json* member = find_member(object, key);
    if (member == nullptr) return at(where, key, "is missing");
    return member;
}

Result<const Json*> optional(const Json& object, std::string_view key, std::string_view where) {
    if (!object.is_object()) return at(where, {}, "must be an object");
    return find_member(object, key);
}

Result<std::int64_t> to_int64(const Json& member, std::string_view key, std::string_view where) {
    if (member.is_number_unsigned()) {
        const auto value = member.get<std::uint64_t>();
        if (value > static_cast<std::uint64_t>(INT64_MAX)) return at(where, key, "is beyond 64 signed bits");
        return static_cast<std::int64_t>(value);
    }
    if (!member.is_number_integer()) return at(where, key, "must be an integer");
    return member.get<std::int64_t>();
}

Result<std::string> to_text(const Json& member, std::string_view key, std::string_view where) {
    if (!member.is_string()) return at(where, key, "must be a text");
    return member.get_ref<const std::string&>();
}

Result<bool> to_bool(const Json& member, std::string_view key, std::string_view where) {
    if (!member.is_boolean()) return at(where, key, "must be true or false");
    return member.get<bool>();
}

Result<std::string> to_id_text(const Json& member, std::string_view key, std::string_view where) {
    if (member.is_string()) {
        const auto& text = member.get_ref<const std::string&>();
        if (text.empty()) return at(where, key, "must not be empty");
        return text;
    }
    if (member.is_number_unsigned()) return std::to_string(member.get<std::uint64_t>());
    if (member.is_number_integer() && member.get<std::int64_t>() >= 0) {
        return std::to_string(member.get<std::int64_t>());
    }
    return at(where, key, "must be an id: a text or a whole number that is not negative");
}

template <class T, class Convert>
Result<T> read(const Json& object, std::string_view key, std::string_view where, Convert convert) {
    Result<const Json*> member = required(object, key, where);
    if (!member) return member.error();
    return convert(**member, key, where);
}

template <class T, class Convert>
Result<std::optional<T>> read_optional(
    const Json& object,
    std::string_view key,
    std::string_view where,
    Convert convert) {
    Result<const Json*> member = optional(object, key, where);
    if (!member) return member.error();
    if (*member == nullptr) return std::optional<T>();
    Result<T> value = convert(**member, key, where);
    if (!value) return value.error();
    return std::optional<T>(std::move(*value));
}

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
    if (text.starts_with("\xef\xbb\xbf")) return invalid("the document begins with a byte order mark");
    boost::json::parse_options options;
    options.max_depth = limits.depth + 1;  // the builder refuses before, in its own words
    boost::json::basic_parser<LimitedBuilder> parser(options, limits);
    error_code error;
    const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
    if (!parser.handler().fault().empty()) return invalid(parser.handler().fault());
    if (error == boost::json::error::exponent_overflow) return invalid("a number is too large");
    if (error || read != text.size()) return invalid("not valid JSON" + place_of_fault(text));
    return parser.handler().take();
}

std::string dump_json(const Json& document) {
    Writer writer;
    writer.write(document);
    return writer.take();
}

const Json* find_member(const Json& object, std::string_view key) noexcept {
    if (!object.is_object()) return nullptr;
    const auto member = object.find(key);
    if (member == object.end() || member->is_null()) return nullptr;
    return &*member;
}

Result<std::int64_t> get_int64(const Json& object, std::string_view key, std::string_view where) {
    return read<std::int64_t>(object, key, where, to_int64);
}

Result<std::int64_t> get_int64_between(
    const Json& object,
    std::string_view key,
    std::int64_t low,
    std::int64_t high,
    std::string_view where) {
    Result<std::int64_t> value = get_int64(object, key, where);
    if (value && (*value < low || *value > high)) {
        return at(where, key, "must be between " + std::to_string(low) + " and " + std::to_string(high));
    }
    return value;
}

Result<std::string> get_text(const Json& object, std::string_view key, std::string_view where) {
    return read<std::string>(object, key, where, to_text);
}

Result<bool> get_bool(const Json& object, std::string_view key, std::string_view where) {
    return read<bool>(object, key, where, to_bool);
}

Result<std::string> get_id_text(const Json& object, std::string_view key, std::string_view where) {
    return read<std::string>(object, key, where, to_id_text);
}

Result<const Json*> get_array(const Json& object, std::string_view key, std::string_view where) {
    Result<const Json*> member = required(object, key, where);
    if (member && !(*member)->is_array()) return at(where, key, "must be an array");
    return member;
}

Result<const Json*> get_object(const Json& object, std::string_view key, std::string_view where) {
    Result<const Json*> member = required(object, key, where);
    if (member && !(*member)->is_object()) return at(where, key, "must be an object");
    return member;
}

Result<std::optional<std::int64_t>> opt_int64(const Json& object, std::string_view key, std::string_view where) {
    return read_optional<std::int64_t>(object, key, where, to_int64);
}

Result<std::optional<std::string>> opt_text(const Json& object, std::string_view key, std::string_view where) {
    return read_optional<std::string>(object, key, where, to_text);
}

Result<std::optional<bool>> opt_bool(const Json& object, std::string_view key, std::string_view where) {
    return read_optional<bool>(object, key, where, to_bool);
}

Result<std::optional<std::string>> opt_id_text(const Json& object, std::string_view key, std::string_view where) {
    return read_optional<std::string>(object, key, where, to_id_text);
}

Result<const Json*> opt_array(const Json& object, std::string_view key, std::string_view where) {
    Result<const Json*> member = optional(object, key, where);
    if (member && *member != nullptr && !(*member)->is_array()) return at(where, key, "must be an array");
    return member;
}

Result<const Json*> opt_object(const Json& object, std::string_view key, std::string_view where) {
    Result<const Json*> member = optional(object, key, where);
    if (member && *member != nullptr && !(*member)->is_object()) return at(where, key, "must be an object");
    return member;
}

}  // namespace ordersaga::runtime
