#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <utility>
#include <vector>

namespace ordersaga::runtime {
namespace {

using Json = nlohmann::json;

// Builds the tree while it counts: the parser stops at the first value beyond a limit, so no tree exists that a copy or
// a dump could not survive.
class LimitedBuilder final : public nlohmann::json_sax<Json> {
public:
    explicit LimitedBuilder(const JsonLimits& limits) : limits_(limits) {}

    Json take() { return std::move(root_); }
    const std::string& fault() const { return fault_; }

    bool null() override { return place(Json(nullptr)) != nullptr; }
    bool boolean(bool value) override { return place(Json(value)) != nullptr; }
    bool number_integer(number_integer_t value) override { return place(Json(value)) != nullptr; }
    bool number_unsigned(number_unsigned_t value) override { return place(Json(value)) != nullptr; }

    bool number_float(number_float_t value, const string_t& text) override {
        // The parser turns an integer that needs more than 64 bits into a double; the digits tell.
        if (text.find_first_of(".eE") == string_t::npos) return refuse("an integer needs more than 64 bits");
        if (!std::isfinite(value)) return refuse("a number is too large");
        return place(Json(value)) != nullptr;
    }

    bool string(string_t& value) override {
        if (!accepts(value)) return false;
        return place(Json(std::move(value))) != nullptr;
    }

    bool binary(binary_t&) override { return refuse("binary values are no JSON"); }

    bool start_object(std::size_t) override { return open(Json::object()); }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(Json::array()); }
    bool end_array() override { return close(); }

    bool key(string_t& name) override {
        if (!accepts(name)) return false;
        if (unread_ > 0) return true;
        if (limits_.unread != nullptr && limits_.unread(name)) {
            member_ = nullptr;
            return true;
        }
        const auto [member, is_new] = open_.back()->get_ref<Json::object_t&>().try_emplace(std::move(name));
        if (!is_new) return refuse("an object repeats a key");
        member_ = &member->second;
        return true;
    }

    // The library's own message quotes the input, which may be a customer's data.
    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& cause) override {
        if (!fault_.empty()) return false;
        if (cause.id == 406) return refuse("a number is too large");
        fault_ = "not valid JSON at byte " + std::to_string(position);
        return false;
    }

private:
    bool refuse(const char* reason) {
        fault_ = reason;
        return false;
    }

    bool accepts(const string_t& text) {
        if (limits_.refuse_nul_in_text && text.find('\0') != string_t::npos) return refuse("a text holds U+0000");
        return true;
    }

    // Whether the next value is in a member that nobody reads, or is one.
    bool is_unread() const { return unread_ > 0 || (!open_.empty() && open_.back()->is_object() && !member_); }

    Json* place(Json&& value) {
        if (++count_ > limits_.elements) {
            refuse("too many values");
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

    bool open(Json&& container) {
        if (open_.size() + unread_ >= limits_.depth) return refuse("nested too deeply");
        const bool unread = is_unread();
        // A parent is not touched while its child is open, so the pointers on the stack stay good.
        Json* placed = place(std::move(container));
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
    std::string fault_;
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
    // The library would skip it silently; two readers of the same bytes must not differ.
    if (text.starts_with("\xef\xbb\xbf")) return invalid("the document begins with a byte order mark");
    LimitedBuilder builder(limits);
    try {
        if (!Json::sax_parse(text.begin(), text.end(), &builder)) return invalid(builder.fault());
        return builder.take();
    } catch (const Json::exception&) {
        return invalid("not valid JSON");
    }
}

std::string dump_json(const Json& document) {
    return document.dump(-1, ' ', false, Json::error_handler_t::replace);
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
