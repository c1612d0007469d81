// docs/events/ is a contract: its examples, the notifier's topics and the words of its letters have to agree with it. What is
// really published is held against it wherever orders are played: unit_orders, simulation_orders, integration_notifier.
#include "notifier/event.hpp"
#include "tests/support/events/event_schemas.hpp"

#include <gtest/gtest.h>

namespace ordersaga::notifier {
namespace {

using nlohmann::json;

// The schema for a topic, or null.
const json* schema_of(std::string_view topic) {
    for (const auto& [name, schema] : test::event_schemas()) {
        const std::string key = std::string(topic) + ".7";
        if (!test::fault_of_event(key, schema.at("examples").at(0)).starts_with("no schema") &&
            test::fault_of_value({{"pattern", schema.at("x-routing-key")}}, key).empty())
            return &schema;
    }
    return nullptr;
}

TEST(EventSchemas, TheirExamplesFit) {
    ASSERT_EQ(test::event_schemas().size(), 4U);
    for (const auto& [name, schema] : test::event_schemas()) {
        for (const json& example : schema.at("examples"))
            EXPECT_EQ(test::fault_of_value(schema, example), "") << name;
    }
}

TEST(EventSchemas, NameAllMembersAsRequired) {
    for (const auto& [name, schema] : test::event_schemas()) {
        for (const auto& [member, described] : schema.at("properties").items()) {
            json body = schema.at("examples").at(0);
            body.erase(member);
            EXPECT_EQ(test::fault_of_value(schema, body), member + " is missing") << name;
            body[member] = json::array();
            EXPECT_NE(test::fault_of_value(schema, body), "") << name << ": " << member;
        }
    }
}

TEST(EventSchemas, DescribeEveryTopicOfTheNotifier) {
    for (const Topic& topic : topics()) {
        const json* schema = schema_of(topic.name);
        ASSERT_NE(schema, nullptr) << topic.name;
        for (const std::string_view member : topic.members)
            EXPECT_TRUE(schema->at("properties").contains(member)) << topic.name << ": " << member;
    }
}

TEST(EventSchemas, AKeyThatNobodyDescribedIsAFault) {
    EXPECT_NE(test::fault_of_event("orders.returned.eu", json::object()), "");
    EXPECT_NE(test::fault_of_event("inventory.low.7", {{"schema", 2}}), "");
}

}  // namespace
}  // namespace ordersaga::notifier
