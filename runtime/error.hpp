// What went wrong, as a value. Results of parsing and of remote calls travel as Result<T>; exceptions stay
// for bugs and for the libraries that throw. Only the standard library is included, so that sagas/ may use it.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace ordersaga::runtime {

enum class ErrorKind {
    invalid,      // the input breaks a rule; the same input never succeeds
    not_found,    // what was named does not exist
    conflict,     // it exists already, or its version moved
    refused,      // a business or security answer of no
    unavailable,  // the peer cannot be reached or is overloaded; a later attempt may succeed
    timed_out,    // no answer before the deadline; the effect may have happened
    broken,       // a bug or an impossible state of our own; a person has to look
};

constexpr std::string_view name_of(ErrorKind kind) noexcept {
    switch (kind) {
        case ErrorKind::invalid: return "invalid";
        case ErrorKind::not_found: return "not_found";
        case ErrorKind::conflict: return "conflict";
        case ErrorKind::refused: return "refused";
        case ErrorKind::unavailable: return "unavailable";
        case ErrorKind::timed_out: return "timed_out";
        case ErrorKind::broken: return "broken";
    }
    return "broken";
}

struct Error {
    ErrorKind kind = ErrorKind::broken;
    std::string message;  // one line for an operator; never holds a secret or a customer's address
};

inline Error invalid(std::string message) {
    return {ErrorKind::invalid, std::move(message)};
}
inline Error broken(std::string message) {
    return {ErrorKind::broken, std::move(message)};
}

// What Result::value() throws when there is no value.
class ErrorException : public std::runtime_error {
public:
    explicit ErrorException(Error error) : std::runtime_error(error.message), error_(std::move(error)) {}
    const Error& error() const noexcept { return error_; }

private:
    Error error_;
};

// A value or an Error. Immutable use from several threads is safe, like any value.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
    Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

    bool ok() const noexcept { return content_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }

    // Each throws ErrorException when there is no value.
    T& value() & {
        require();
        return std::get<0>(content_);
    }
    const T& value() const& {
        require();
        return std::get<0>(content_);
    }
    T&& value() && {
        require();
        return std::get<0>(std::move(content_));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    T value_or(T other) const& { return ok() ? std::get<0>(content_) : std::move(other); }

    // Throws std::bad_variant_access when there is a value.
    const Error& error() const { return std::get<1>(content_); }

private:
    void require() const {
        if (!ok()) throw ErrorException(std::get<1>(content_));
    }

    std::variant<T, Error> content_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

    bool ok() const noexcept { return !error_.has_value(); }
    explicit operator bool() const noexcept { return ok(); }
    void value() const {
        if (error_) throw ErrorException(*error_);
    }
    // Throws std::bad_optional_access when there is no error.
    const Error& error() const { return error_.value(); }

private:
    std::optional<Error> error_;
};

}  // namespace ordersaga::runtime
