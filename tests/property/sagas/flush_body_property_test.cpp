// The bytes of a flush say exactly the rows given, and are the same to the byte for the same flush.
#include "sagas/stock_flush.hpp"
#include "tests/property/generator.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;
using property::Generator;

std::vector<FlushLine> some_lines(Generator& any) {
    std::vector<FlushLine> lines;
    for (std::int64_t left = any.number(1, flush_lines_limit); left > 0; --left)
        lines.push_back({any.digits(), any.digits(), any.number(-1'000'000, 1'000'000)});
    return lines;
}

TEST(FlushBodyProperty, SaysEveryRowAsItWasGiven) {
    property::under_seeds(200, [](Generator& any) {
        const std::string key = any.text(), reference = any.text();
        const std::vector<FlushLine> lines = some_lines(any);

        const json variables = json::parse(flush_body(key, reference, lines)).at("variables");

        EXPECT_EQ(variables.at("idempotencyKey"), key);
        EXPECT_EQ(variables.at("input").at("referenceDocumentUri"), reference);
        const json& changes = variables.at("input").at("changes");
        ASSERT_EQ(changes.size(), lines.size());
        std::int64_t wanted = 0, told = 0;
        for (std::size_t i = 0; i < lines.size(); ++i) {
            wanted += lines[i].delta;
            told += changes[i].at("delta").get<std::int64_t>();
            EXPECT_EQ(changes[i].at("inventoryItemId"), "gid://shopify/InventoryItem/" + lines[i].inventory_item_id);
            EXPECT_EQ(changes[i].at("locationId"), "gid://shopify/Location/" + lines[i].location_id);
            EXPECT_TRUE(changes[i].at("changeFromQuantity").is_null()) << "a difference, never an absolute level";
        }
        EXPECT_EQ(told, wanted);
    });
}

TEST(FlushBodyProperty, IsTheSameToTheByteAndOnlyTheKeyTellsTwoApart) {
    property::under_seeds(200, [](Generator& any) {
        const std::vector<FlushLine> lines = some_lines(any);
        const std::string body = flush_body("key-1", "reference", lines);
        EXPECT_EQ(flush_body("key-1", "reference", lines), body);

        json other = json::parse(flush_body("key-2", "reference", lines));
        EXPECT_NE(other.dump(), body);
        other["variables"]["idempotencyKey"] = "key-1";
        EXPECT_EQ(other, json::parse(body));
    });
}

}  // namespace
}  // namespace ordersaga::sagas
