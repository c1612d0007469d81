// Values bound to a statement. Everything travels as text and the statement casts it ($1::bigint[]), so one
// encoding serves every version of the client library. Text with a NUL is refused here (BadData), because the
// library would cut it silently at the NUL.
#pragma once

#include "runtime/clock.hpp"
#include "sagas/ids.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::db {

using runtime::Duration;
using runtime::Instant;

// Raw bytes for a bytea column; the one type that may hold a NUL.
struct Bytes {
    std::string_view value;
};

class Parameter {
public:
    Parameter(std::nullptr_t) noexcept {}
    Parameter(std::string_view text);
    Parameter(const std::string& text) : Parameter(std::string_view(text)) {}
    Parameter(const char* text) : Parameter(std::string_view(text)) {}
    Parameter(bool value) : text_(value ? "t" : "f") {}
    template <std::integral Integer>
    requires(!std::same_as<Integer, bool> && !std::same_as<Integer, char>) Parameter(Integer value)
        : text_(std::to_string(value)) {}
    Parameter(double value);  // seventeen digits, which read back as the same number
    Parameter(Instant instant);
    Parameter(Bytes bytes);

    template <class Tag>
    Parameter(const sagas::NumberId<Tag>& id) : Parameter(id.value) {}

    template <class Value>
    Parameter(const std::optional<Value>& value) {
        if (value) {
            *this = Parameter(*value);
        }
    }

    // A PostgreSQL array literal of one dimension.
    template <class Value>
    Parameter(const std::vector<Value>& values) : text_("{") {
        for (std::size_t index = 0; index < values.size(); ++index) {
            const Value& value = values[index];  // of vector<bool> as well: a copy bound to a const reference
            append_element(Parameter(value));
        }
        text_->push_back('}');
    }

    // One column of many rows, as an array: column(sagas, &SagaRow::state), or with a function of the row.
    template <class Row, class Projection>
    static Parameter column(const std::vector<Row>& rows, Projection projection) {
        Parameter array(std::string_view("{"));
        for (const Row& row : rows) {
            array.append_element(Parameter(std::invoke(projection, row)));
        }
        array.text_->push_back('}');
        return array;
    }

    const std::optional<std::string>& text() const noexcept { return text_; }

private:
    void append_element(const Parameter& element);

    std::optional<std::string> text_;
};

template <class Row, class Projection>
Parameter column(const std::vector<Row>& rows, Projection projection) {
    return Parameter::column(rows, projection);
}

// Without a copy of each, which braces would make.
template <class... Values>
std::vector<Parameter> list_of(Values&&... values) {
    std::vector<Parameter> list;
    list.reserve(sizeof...(values));
    (list.emplace_back(std::forward<Values>(values)), ...);
    return list;
}

// '2026-07-01 10:00:00.000000+00', which every DateStyle reads back as the same instant.
std::string format_timestamp(Instant instant);

// Reads PostgreSQL's ISO output with any whole or half hour offset. Throws std::invalid_argument.
Instant parse_timestamp(std::string_view text);

}  // namespace ordersaga::db
