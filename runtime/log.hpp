// Structured log lines: one event, one line, fields as key=value on a terminal and as JSON elsewhere.
//   log_info("saga stored", {{"saga_id", id}, {"version", version}});
// Thread-safe. Never throws. Never pass a secret, a signature, a token or a customer's address as a field: nothing
// here can tell them from other text. Control characters are escaped, so hostile text cannot forge a second line.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace ordersaga::runtime {

enum class LogLevel { debug, info, warn, error, off };

// Borrows text: a field lives no longer than the statement that logs it.
class LogValue {
public:
    LogValue(std::string_view text) : content_(text) {}                      // NOLINT: implicit by design
    LogValue(const std::string& text) : content_(std::string_view(text)) {}  // NOLINT: implicit by design
    LogValue(const char* text) : content_(std::string_view(text == nullptr ? "" : text)) {}  // NOLINT
    LogValue(bool value) : content_(value) {}    // NOLINT: implicit by design
    LogValue(double value) : content_(value) {}  // NOLINT: implicit by design
    template <class Integer>
    requires(std::integral<Integer> && !std::same_as<Integer, bool>) LogValue(Integer value)
        : content_(widen(value)) {}  // NOLINT: implicit by design

    using Content = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;
    const Content& content() const noexcept { return content_; }

private:
    template <class Integer>
    static Content widen(Integer value) {
        if constexpr (std::is_signed_v<Integer>) {
            return Content(static_cast<std::int64_t>(value));
        } else {
            return Content(static_cast<std::uint64_t>(value));
        }
    }

    Content content_;
};

struct LogField {
    std::string_view key;
    LogValue value;
};
using LogFields = std::initializer_list<LogField>;

void log_debug(std::string_view message, LogFields fields = {}) noexcept;
void log_info(std::string_view message, LogFields fields = {}) noexcept;
void log_warn(std::string_view message, LogFields fields = {}) noexcept;
void log_error(std::string_view message, LogFields fields = {}) noexcept;
void write_log(LogLevel level, std::string_view message, const std::vector<LogField>& fields) noexcept;
bool log_enabled(LogLevel level) noexcept;

struct LogOptions {
    enum class Format { automatic, text, json };  // automatic: text on a terminal, JSON otherwise
    LogLevel level = LogLevel::info;
    Format format = Format::automatic;
    std::string program;  // written as "program" in every line when not empty
    std::string file;     // empty: standard error
};

// Call once, early in main. Calling again replaces the settings. Before the first call lines go to standard error as
// LogOptions{} says. Throws std::runtime_error when the file cannot be opened.
void configure_log(const LogOptions& options);

// "debug", "info", "warn", "error", "off"; anything else is info.
LogLevel log_level_from(std::string_view name) noexcept;

// While it lives, every line (JSON, without the line end) also comes here; for tests. Captures may nest; each sees all.
class LogCapture {
public:
    // `quiet` keeps the lines out of the normal destination meanwhile. Levels below `level` are not captured.
    explicit LogCapture(LogLevel level = LogLevel::debug, bool quiet = true);
    ~LogCapture();
    LogCapture(const LogCapture&) = delete;
    LogCapture& operator=(const LogCapture&) = delete;

    std::vector<std::string> lines() const;
    bool contains(std::string_view part) const;
};

}  // namespace ordersaga::runtime
