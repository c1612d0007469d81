#include "orchestrator/cli/table.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sstream>

namespace ordersaga::cli {
namespace {

TEST(Table, LinesUpColumnsByWhatIsSeen) {
    std::ostringstream out;
    const nlohmann::json rows = {
        {{"name", "\xc3\xa9t\xc3\xa9"}, {"count", 5}}, {{"name", "winter"}, {"count", nullptr}}};
    print_table(out, {{"NAME", "name"}, {"COUNT", "count", true}}, rows, false);
    EXPECT_EQ(out.str(), "NAME    COUNT\n\xc3\xa9t\xc3\xa9         5\nwinter      -\n");
}

// An order's note may hold anything; the terminal must not obey it.
TEST(Table, ShowsControlCharactersInsteadOfSendingThem) {
    EXPECT_EQ(
        printable("a\x1b[2Jb\nc\x7f\xc2\x9b"
                  "31m"),
        "a\\x1b[2Jb\\x0ac\\x7f\\x9b31m");
    EXPECT_EQ(printable("\xc2\xc2\x9b\x9b \xe2\x82\xac \xe2\x82"), "\\xc2\\x9b\\x9b \xe2\x82\xac \\xe2\\x82");
    EXPECT_EQ(cell_of("\r"), "\\x0d");
    EXPECT_EQ(cell_of({{"a", "\x1b"}}).find('\x1b'), std::string::npos);
    EXPECT_EQ(cell_of(nullptr), "-");
    EXPECT_EQ(cell_of(""), "-");
}

TEST(Table, ColoursOnlyWhenAsked) {
    const nlohmann::json rows = {{{"state", "NeedsOperator"}}};
    std::ostringstream bare, bright;
    print_table(bare, {{"STATE", "state"}}, rows, false);
    print_table(bright, {{"STATE", "state"}}, rows, true);
    EXPECT_EQ(bare.str().find('\x1b'), std::string::npos);
    EXPECT_NE(bright.str().find("\x1b[31mNeedsOperator\x1b[0m"), std::string::npos);

    const nlohmann::json verdicts = {{{"verdict", "good"}}, {{"verdict", "warning"}}, {{"verdict", "bad"}}};
    std::ostringstream signs;
    print_table(signs, {{"VERDICT", "verdict"}}, verdicts, true);
    for (const char* sign : {"\x1b[32mgood", "\x1b[33mwarning", "\x1b[31mbad"})
        EXPECT_NE(signs.str().find(sign), std::string::npos) << sign;
}

}  // namespace
}  // namespace ordersaga::cli
