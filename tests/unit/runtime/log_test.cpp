#include "runtime/log.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace ordersaga::runtime {
namespace {

nlohmann::json only_line(const LogCapture& capture) {
    const std::vector<std::string> lines = capture.lines();
    EXPECT_EQ(lines.size(), 1U);
    return nlohmann::json::parse(lines.at(0));
}

TEST(Log, WritesFieldsWithTheirTypes) {
    const LogCapture capture;
    const std::string saga_id = "0188";

    log_info(
        "saga stored",
        {{"saga_id", saga_id}, {"version", 3}, {"big", UINT64_MAX}, {"share", 0.5}, {"final", true}, {"text", "x"}});

    const nlohmann::json line = only_line(capture);
    EXPECT_EQ(line["level"], "info");
    EXPECT_EQ(line["message"], "saga stored");
    EXPECT_EQ(line["saga_id"], "0188");
    EXPECT_EQ(line["version"], 3);
    EXPECT_EQ(line["big"], UINT64_MAX);
    EXPECT_EQ(line["share"], 0.5);
    EXPECT_EQ(line["final"], true);
    EXPECT_EQ(line["time"].get<std::string>().size(), 27U);
}

TEST(Log, HostileTextStaysOneLine) {
    const LogCapture capture;
    const std::string hostile =
        std::string("a\r\nlevel=error \x1b[31m \x7f \xc2\x9b \xe2\x80\xa8 \xff ") + '\0' + "\"\\ ü";

    log_warn("refused", {{"note", hostile}});

    const std::string line = capture.lines().at(0);
    for (const char c : line)
        EXPECT_GE(static_cast<unsigned char>(c), 0x20);
    EXPECT_EQ(line.find('\x7f'), std::string::npos);
    EXPECT_EQ(line.find("\xc2\x9b"), std::string::npos);
    EXPECT_EQ(line.find("\xe2\x80\xa8"), std::string::npos);
    const std::string note = nlohmann::json::parse(line)["note"];
    EXPECT_TRUE(note.starts_with("a\r\nlevel=error \x1b[31m \x7f "));
    EXPECT_TRUE(note.ends_with("\"\\ ü"));
}

TEST(Log, CapturesOnlyWhatWasAskedFor) {
    const LogCapture capture(LogLevel::warn);

    log_debug("one");
    log_info("two");
    log_error("three");

    EXPECT_EQ(capture.lines().size(), 1U);
    EXPECT_TRUE(capture.contains("three"));
    EXPECT_FALSE(capture.contains("two"));
}

TEST(Log, KnowsLevelsByName) {
    EXPECT_EQ(log_level_from("debug"), LogLevel::debug);
    EXPECT_EQ(log_level_from("off"), LogLevel::off);
    EXPECT_EQ(log_level_from("nonsense"), LogLevel::info);
}

class LogFile : public ::testing::Test {
protected:
    void TearDown() override {
        configure_log({});
        std::filesystem::remove(path_);
    }

    std::string content() const {
        std::ifstream stream(path_);
        std::ostringstream text;
        text << stream.rdbuf();
        return text.str();
    }

    const std::string path_ =
        (std::filesystem::temp_directory_path() / ("ordersaga-log-" + std::to_string(::getpid()))).string();
};

TEST_F(LogFile, HoldsWholeLinesFromManyThreads) {
    configure_log({.level = LogLevel::info, .format = LogOptions::Format::json, .program = "test", .file = path_});
    std::vector<std::thread> threads;

    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([t] {
            for (int i = 0; i < 250; ++i)
                log_info("step", {{"thread", t}, {"i", i}});
        });
    }
    for (std::thread& thread : threads)
        thread.join();

    std::istringstream lines(content());
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        EXPECT_EQ(nlohmann::json::parse(line)["program"], "test");
    }
    EXPECT_EQ(count, 1000);
}

TEST_F(LogFile, TextFormQuotesWhatIsNotPlain) {
    configure_log({.level = LogLevel::info, .format = LogOptions::Format::text, .program = "", .file = path_});

    log_info("stored", {{"id", "abc-1"}, {"note", "two words"}, {"empty", ""}});
    log_debug("not written");

    const std::string text = content();
    EXPECT_NE(text.find("abc-1"), std::string::npos);
    EXPECT_NE(text.find("\"two words\""), std::string::npos);
    EXPECT_NE(text.find("\"\""), std::string::npos);
    EXPECT_EQ(text.find("not written"), std::string::npos);
}

TEST(Log, RefusesAFileThatCannotBeOpened) {
    LogOptions options;
    options.file = "/proc/no/such/log";

    EXPECT_THROW(configure_log(options), std::runtime_error);
}

}  // namespace
}  // namespace ordersaga::runtime
