// Reads the columns of one answer row from left to right, in the order of the statement's select list, and turns our
// row types into columns. For the repositories of db/ only.
#pragma once

#include "db/connection.hpp"
#include "orchestrator/engine/store.hpp"
#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::db {

class RowReader {
public:
    RowReader(const Rows& rows, std::size_t row) : rows_(rows), row_(row) {}

    std::string text() { return rows_.text(row_, column_++); }
    std::int64_t int64() { return rows_.int64(row_, column_++); }
    int int32() { return rows_.int32(row_, column_++); }
    bool boolean() { return rows_.boolean(row_, column_++); }
    double real() { return rows_.real(row_, column_++); }
    Instant instant() { return rows_.instant(row_, column_++); }
    std::string bytes() { return rows_.bytes(row_, column_++); }
    std::optional<std::string> optional_text() { return rows_.optional_text(row_, column_++); }
    std::optional<std::int64_t> optional_int64() { return rows_.optional_int64(row_, column_++); }
    std::optional<Instant> optional_instant() { return rows_.optional_instant(row_, column_++); }
    // Null as empty text: ids that may be absent.
    std::string text_or_empty() { return optional_text().value_or(std::string()); }

    template <class Id>
    Id id() {
        return Id{int64()};
    }

    Duration milliseconds() { return std::chrono::milliseconds(int64()); }

    // Stored JSON was checked by the server, so a parse error here is ours or a tamperer's: the item is at fault.
    nlohmann::json json() {
        runtime::Result<nlohmann::json> document = runtime::parse_json(rows_.view(row_, column_++), stored_limits);
        if (!document) {
            throw engine::BadItem("a stored document is no JSON: " + document.error().message);
        }
        return std::move(*document);
    }

private:
    // What is stored has passed narrower ones.
    static constexpr runtime::JsonLimits stored_limits{256, 10'000'000, false, nullptr};

    const Rows& rows_;
    std::size_t row_;
    std::size_t column_ = 0;
};

// All rows of an answer through one reading function.
template <class Read>
auto read_all(const Rows& rows, Read read) {
    std::vector<decltype(read(std::declval<RowReader&>()))> all;
    all.reserve(rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
        RowReader reader(rows, row);
        all.push_back(read(reader));
    }
    return all;
}

// Ids that are empty text in our rows and null in the tables.
inline std::optional<std::string> null_if_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

inline std::int64_t milliseconds_of(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

// Rows that are written are rows that were locked before; a missing one is the item's own fault.
inline void require_known(std::int64_t changed, std::size_t given, const char* what) {
    if (changed != static_cast<std::int64_t>(given)) {
        throw engine::BadItem(
            std::string(what) + ": " + std::to_string(changed) + " of " + std::to_string(given) + " rows exist");
    }
}

// For statements that run later.
inline Transaction::Check known_of(std::size_t given, const char* what) {
    return [=](std::int64_t changed) {
        require_known(changed, given, what);
    };
}

// The same for rows that another batch may have moved on meanwhile: then the work is to be done again.
inline void require_all(std::int64_t changed, std::size_t given, const char* what) {
    if (changed != static_cast<std::int64_t>(given)) {
        throw engine::StoreUnavailable(
            std::string(what) + ": " + std::to_string(changed) + " of " + std::to_string(given) +
            " rows were as expected, someone was faster");
    }
}

inline Transaction::Check all_of(std::size_t given, const char* what) {
    return [=](std::int64_t changed) {
        require_all(changed, given, what);
    };
}

}  // namespace ordersaga::db
