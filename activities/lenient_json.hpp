// Reading a peer's JSON without trusting its types.
//
// Purpose: peers change numbers into text, leave fields out and answer HTML; a reader that throws would turn a shipped
// order into an error. What cannot be read is absent.
// Pure functions; safe from any thread; no exceptions.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ordersaga::activities {

// nullopt when the text is not JSON within the limits of runtime/json.hpp.
[[nodiscard]] std::optional<nlohmann::json> parse_peer_json(std::string_view text);

// The member, or a null value that lives for ever when the object has none or is no object.
[[nodiscard]] const nlohmann::json& member(const nlohmann::json& object, std::string_view key);
// Text as it is, an integer as decimal text, anything else empty.
[[nodiscard]] std::string text_of(const nlohmann::json& value);
[[nodiscard]] std::string text_of(const nlohmann::json& object, std::string_view key);
// An integer, or text that is one.
[[nodiscard]] std::optional<std::int64_t> integer_of(const nlohmann::json& value);
[[nodiscard]] std::optional<std::int64_t> integer_of(const nlohmann::json& object, std::string_view key);
[[nodiscard]] std::optional<double> number_of(const nlohmann::json& object, std::string_view key);
[[nodiscard]] bool flag_of(const nlohmann::json& object, std::string_view key, bool fallback = false);

// A list in any of the dresses it comes in: an array, {nodes:[…]}, {edges:[{node}…]} or {items:[…]}; empty for anything else.
// Refers to the value, which must outlive it.
class List {
public:
    explicit List(const nlohmann::json& value);
    List(nlohmann::json&&) = delete;

    [[nodiscard]] auto begin() const { return elements().begin(); }
    [[nodiscard]] auto end() const { return elements().end(); }
    [[nodiscard]] std::size_t size() const { return elements().size(); }
    [[nodiscard]] bool empty() const { return elements().empty(); }
    [[nodiscard]] const nlohmann::json& elements() const { return there_ != nullptr ? *there_ : made_; }

private:
    const nlohmann::json* there_ = nullptr;
    nlohmann::json made_ = nlohmann::json::array();  // of edges
};

// A peer's text for a log line or an outcome: one line, at most `limit` bytes, valid UTF-8.
[[nodiscard]] std::string shown(std::string_view text, std::size_t limit = 200);

}  // namespace ordersaga::activities
