// The diagrams are drawn from the table, show all of it, and the files in diagrams/ are what is drawn.
#include "sagas/diagram.hpp"

#include "sagas/order_saga.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>

namespace ordersaga::sagas {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The tests run in the repository's root.
TEST(Diagrams, AreWhatIsDrawnFromTheTable) {
    EXPECT_EQ(content_of("diagrams/order_saga.mmd"), order_saga_mermaid()) << "run ./dev diagrams";
    EXPECT_EQ(content_of("diagrams/order_saga.svg"), order_saga_svg()) << "run ./dev diagrams";
    EXPECT_EQ(content_of("diagrams/order_saga.md"), order_saga_page()) << "run ./dev diagrams";
}

TEST(Diagrams, ShowEveryRow) {
    const std::string mermaid = order_saga_mermaid(), svg = order_saga_svg(), page = order_saga_page();
    for (const TransitionRow& row : OrderSaga::table()) {
        EXPECT_THAT(page, HasSubstr("| " + row.from + " | " + row.event + " | " + row.to + " | " + row.action + " |"));
        if (row.to.empty()) continue;
        EXPECT_TRUE(std::regex_search(mermaid, std::regex("    " + row.from + " --> " + row.to + ": .*" + row.event)))
            << row.from << " " << row.event;
        EXPECT_THAT(svg, HasSubstr(">" + row.event + "</text>"));
    }
    for (const std::string& state : OrderSaga::states())
        EXPECT_THAT(svg, HasSubstr(">" + state + "</text>"));
}

// It is drawn by hand, with words of its own and fewer ways; each way in it must be one of the table.
TEST(Diagrams, TheReadmeDrawsWaysOfTheTable) {
    std::string readme = content_of("README.md");
    const std::size_t begin = readme.find("stateDiagram-v2");
    readme = readme.substr(begin, readme.find("```", begin) - begin);
    std::set<std::pair<std::string, std::string>> ways;
    for (const TransitionRow& row : OrderSaga::table())
        ways.insert({row.from, row.to});
    std::set<std::string> drawn;
    const std::regex arrow(R"(\n    (\w+|\[\*\]) --> (\w+|\[\*\]))");
    for (std::sregex_iterator found(readme.begin(), readme.end(), arrow), end; found != end; ++found) {
        const std::string from = (*found)[1].str(), to = (*found)[2].str();
        drawn.insert({from, to});
        if (from == "[*]") {
            EXPECT_EQ(to, OrderSaga().initial_state());
        } else if (to == "[*]") {
            EXPECT_TRUE(OrderSaga().is_final(from)) << from;
        } else {
            EXPECT_EQ(ways.count({from, to}), 1U) << from << " to " << to;
        }
    }
    for (const std::string& state : OrderSaga::states())
        EXPECT_EQ(drawn.count(state), state == "NeedsOperator" ? 0U : 1U) << state;
}

TEST(Diagrams, GiveEveryStateItsOwnPlace) {
    const std::string svg = order_saga_svg();
    std::set<std::string> places;
    const std::regex box("<rect class=\"state[^\"]*\" x=\"([0-9]+)\" y=\"([0-9]+)\"");
    for (std::sregex_iterator found(svg.begin(), svg.end(), box), end; found != end; ++found) {
        EXPECT_TRUE(places.insert((*found)[1].str() + "," + (*found)[2].str()).second);
    }
    EXPECT_EQ(places.size(), OrderSaga::states().size());
}

TEST(Diagrams, MarkWhereASagaStands) {
    EXPECT_THAT(order_saga_mermaid("OnHold"), HasSubstr("class OnHold live"));
    EXPECT_THAT(order_saga_svg("OnHold"), HasSubstr("class=\"state live\""));
    EXPECT_THAT(order_saga_svg("Completed"), HasSubstr("class=\"state final live\""));
    EXPECT_THAT(order_saga_mermaid("<script>"), Not(HasSubstr("classDef")));
    EXPECT_THAT(order_saga_svg("<script>"), Not(HasSubstr(" live\"")));
}

TEST(Diagrams, MarkTheEnds) {
    for (const char* state : {"Completed", "Compensated", "OutOfStock"}) {
        EXPECT_THAT(order_saga_mermaid(), HasSubstr(std::string("    ") + state + " --> [*]\n"));
    }
    EXPECT_THAT(order_saga_mermaid(), HasSubstr("[*] --> Received"));
}

}  // namespace
}  // namespace ordersaga::sagas
