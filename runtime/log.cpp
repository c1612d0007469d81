#include "runtime/log.hpp"

#include "runtime/clock.hpp"
#include "runtime/text.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>

namespace ordersaga::runtime {
namespace {

struct Captured {
    LogLevel level;
    bool quiet;
    std::vector<std::string> lines;
};

struct Destination {
    std::mutex mutex;
    LogOptions options;
    std::shared_ptr<spdlog::logger> logger;
    bool text = false;
    std::map<const LogCapture*, Captured> captures;
};

// Read on every call to decide quickly that a line is not wanted.
std::atomic<int> lowest_level{static_cast<int>(LogLevel::info)};

std::shared_ptr<spdlog::logger> make_logger(const LogOptions& options) {
    spdlog::sink_ptr sink;
    if (options.file.empty()) {
        sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
        try {
            sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
        } catch (const spdlog::spdlog_ex&) {
            throw std::runtime_error("cannot open the log file " + options.file);
        }
    }
    auto logger = std::make_shared<spdlog::logger>("ordersaga", std::move(sink));
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::trace);
    return logger;
}

bool wants_text(const LogOptions& options) {
    if (options.format != LogOptions::Format::automatic) return options.format == LogOptions::Format::text;
    return options.file.empty() && ::isatty(STDERR_FILENO) == 1;
}

Destination& destination() {
    // Never destroyed: threads may log while statics are torn down.
    static Destination* const instance = [] {
        auto* made = new Destination;
        made->logger = make_logger(made->options);
        made->text = wants_text(made->options);
        return made;
    }();
    return *instance;
}

void update_lowest_level(const Destination& target) {
    int lowest = static_cast<int>(target.options.level);
    for (const auto& [capture, captured] : target.captures)
        lowest = std::min(lowest, static_cast<int>(captured.level));
    lowest_level.store(lowest, std::memory_order_relaxed);
}

std::string_view level_name(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return "debug";
        case LogLevel::info: return "info";
        case LogLevel::warn: return "warn";
        case LogLevel::error: return "error";
        case LogLevel::off: return "off";
    }
    return "info";
}

bool is_line_or_terminal_control(std::string_view sequence) {
    // C1 controls (terminals obey some of them) and the Unicode line and paragraph separators.
    if (sequence.size() == 2) return sequence[0] == '\xc2' && static_cast<unsigned char>(sequence[1]) < 0xa0;
    return sequence == "\xe2\x80\xa8" || sequence == "\xe2\x80\xa9";
}

// Safe inside double quotes, for JSON and for text alike.
void append_escaped(std::string& line, std::string_view text) {
    std::array<char, 16> buffer{};
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = utf8_length(text, i);
        const auto byte = static_cast<unsigned char>(text[i]);
        if (length == 0) {
            line += "\\ufffd";
            ++i;
            continue;
        }
        const std::string_view sequence = text.substr(i, length);
        i += length;
        if (sequence == "\"" || sequence == "\\") {
            line += '\\';
            line += sequence;
        } else if (sequence == "\n") {
            line += "\\n";
        } else if (byte < 0x20 || byte == 0x7f) {
            std::snprintf(buffer.data(), buffer.size(), "\\u%04x", static_cast<unsigned>(byte));
            line += buffer.data();
        } else if (is_line_or_terminal_control(sequence)) {
            line += "\\ufffd";
        } else {
            line += sequence;
        }
    }
}

void append_quoted(std::string& line, std::string_view text) {
    line += '"';
    append_escaped(line, text);
    line += '"';
}

void append_text_value(std::string& line, std::string_view text) {
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c > 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '=';
    });
    if (plain) {
        line += text;
    } else {
        append_quoted(line, text);
    }
}

std::string number_text(double value) {
    std::array<char, 40> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%.6g", value);
    return buffer.data();
}

void append_value(std::string& line, const LogValue& value, bool json) {
    const LogValue::Content& content = value.content();
    if (const auto* text = std::get_if<std::string_view>(&content)) {
        if (json) {
            append_quoted(line, *text);
        } else {
            append_text_value(line, *text);
        }
    } else if (const auto* whole = std::get_if<std::int64_t>(&content)) {
        line += std::to_string(*whole);
    } else if (const auto* natural = std::get_if<std::uint64_t>(&content)) {
        line += std::to_string(*natural);
    } else if (const auto* number = std::get_if<double>(&content)) {
        line += std::isfinite(*number) || !json ? number_text(*number) : "null";
    } else {
        line += std::get<bool>(content) ? "true" : "false";
    }
}

std::string json_line(
    LogLevel level,
    std::string_view time,
    std::string_view program,
    std::string_view message,
    const LogField* fields,
    std::size_t count) {
    std::string line = "{\"time\":\"";
    line += time;
    line += "\",\"level\":\"";
    line += level_name(level);
    line += '"';
    if (!program.empty()) {
        line += ",\"program\":";
        append_quoted(line, program);
    }
    line += ",\"message\":";
    append_quoted(line, message);
    for (std::size_t i = 0; i < count; ++i) {
        line += ',';
        append_quoted(line, fields[i].key);
        line += ':';
        append_value(line, fields[i].value, true);
    }
    line += '}';
    return line;
}

std::string text_line(
    LogLevel level,
    std::string_view time,
    std::string_view message,
    const LogField* fields,
    std::size_t count) {
    constexpr std::array<std::string_view, 5> colours{"\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[31m", ""};
    constexpr std::array<std::string_view, 5> names{"DEBUG", "INFO ", "WARN ", "ERROR", ""};
    std::string line(time.substr(11));
    line += ' ';
    line += colours[static_cast<std::size_t>(level)];
    line += names[static_cast<std::size_t>(level)];
    line += "\x1b[0m ";
    append_escaped(line, message);
    for (std::size_t i = 0; i < count; ++i) {
        line += " \x1b[2m";
        line += fields[i].key;
        line += "=\x1b[0m";
        append_value(line, fields[i].value, false);
    }
    return line;
}

// Always six digits behind the second, so that lines align and sort.
std::string line_time() {
    SystemClock clock;
    const Instant now = clock.now();
    std::string time = format_rfc3339(now);
    if (time.size() == 20) time.insert(19, ".000000");
    return time;
}

void write(LogLevel level, std::string_view message, const LogField* fields, std::size_t count) noexcept {
    if (!log_enabled(level) || level == LogLevel::off) return;
    try {
        const std::string time = line_time();
        Destination& target = destination();
        std::shared_ptr<spdlog::logger> logger;
        std::string line;
        {
            const std::lock_guard lock(target.mutex);
            bool quiet = level < target.options.level;
            for (auto& [capture, captured] : target.captures) {
                quiet = quiet || captured.quiet;
                if (level < captured.level) continue;
                captured.lines.push_back(json_line(level, time, target.options.program, message, fields, count));
            }
            if (quiet) return;
            line = target.text ? text_line(level, time, message, fields, count)
                               : json_line(level, time, target.options.program, message, fields, count);
            logger = target.logger;
        }
        logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
    } catch (...) {
        // A log line that cannot be written must not become the failure it reports.
        std::fputs("a log line was lost\n", stderr);
    }
}

}  // namespace

bool log_enabled(LogLevel level) noexcept {
    return static_cast<int>(level) >= lowest_level.load(std::memory_order_relaxed);
}

void log_debug(std::string_view message, LogFields fields) noexcept {
    write(LogLevel::debug, message, fields.begin(), fields.size());
}
void log_info(std::string_view message, LogFields fields) noexcept {
    write(LogLevel::info, message, fields.begin(), fields.size());
}
void log_warn(std::string_view message, LogFields fields) noexcept {
    write(LogLevel::warn, message, fields.begin(), fields.size());
}
void log_error(std::string_view message, LogFields fields) noexcept {
    write(LogLevel::error, message, fields.begin(), fields.size());
}
void write_log(LogLevel level, std::string_view message, const std::vector<LogField>& fields) noexcept {
    write(level, message, fields.data(), fields.size());
}

void configure_log(const LogOptions& options) {
    std::shared_ptr<spdlog::logger> logger = make_logger(options);
    Destination& target = destination();
    const std::lock_guard lock(target.mutex);
    target.options = options;
    target.logger = std::move(logger);
    target.text = wants_text(options);
    update_lowest_level(target);
}

LogLevel log_level_from(std::string_view name) noexcept {
    for (const LogLevel level : {LogLevel::debug, LogLevel::warn, LogLevel::error, LogLevel::off}) {
        if (level_name(level) == name) return level;
    }
    return LogLevel::info;
}

LogCapture::LogCapture(LogLevel level, bool quiet) {
    Destination& target = destination();
    const std::lock_guard lock(target.mutex);
    target.captures.emplace(this, Captured{level, quiet, {}});
    update_lowest_level(target);
}

LogCapture::~LogCapture() {
    Destination& target = destination();
    const std::lock_guard lock(target.mutex);
    target.captures.erase(this);
    update_lowest_level(target);
}

std::vector<std::string> LogCapture::lines() const {
    Destination& target = destination();
    const std::lock_guard lock(target.mutex);
    return target.captures.at(this).lines;
}

bool LogCapture::contains(std::string_view part) const {
    const std::vector<std::string> all = lines();
    return std::any_of(
        all.begin(), all.end(), [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

}  // namespace ordersaga::runtime
