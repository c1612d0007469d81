// The store's own documents, as recorded. They lie outside the repository: ORDERSAGA_FIXTURES names their folder.
#include "runtime/json.hpp"
#include "sagas/order_document.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;

class ShopifyFixtures : public testing::Test {
protected:
    void SetUp() override {
        const char* folder = std::getenv("ORDERSAGA_FIXTURES");
        if (folder != nullptr) folder_ = std::filesystem::path(folder) / "shopify";
        if (folder == nullptr || !std::filesystem::is_directory(folder_)) GTEST_SKIP() << "shared fixtures absent";
    }

    json read(const std::string& name) const {
        std::ifstream file(folder_ / name, std::ios::binary);
        const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        return runtime::parse_json(text).value();
    }

    std::filesystem::path folder_;
};

TEST_F(ShopifyFixtures, RestoresTheIdsOfTheTestNotification) {
    const OrderDocument order = order_document_from_webhook(read("webhooks/2024-10/orders.create.json").at("body"));

    EXPECT_EQ(order.order_id, "820982911946154508");
    EXPECT_EQ(order.lines.at(0).line_id, "866550311766439020");
    EXPECT_EQ(order.lines.at(1).line_id, "141249953214522974");
    EXPECT_TRUE(order.test);
    EXPECT_TRUE(order.cancelled_at.has_value());
    EXPECT_EQ(order.financial_status, "voided");
}

TEST_F(ShopifyFixtures, ReadsTheOlderVersionWithoutCurrentQuantity) {
    const OrderDocument order = order_document_from_webhook(read("webhooks/2023-01/orders.create.json").at("body"));

    EXPECT_EQ(order.lines.at(0).current_quantity, 1);
    EXPECT_EQ(order.lines.at(1).sku, "");
}

TEST_F(ShopifyFixtures, SeesWhatIsLeftOfAPartlyRefundedOrder) {
    const json file = read("awkward/order-partially-refunded-with-current-quantity-0.json");
    const OrderDocument order = order_document_from_webhook(file.at("orders").at(0));

    EXPECT_EQ(order.financial_status, "partially_refunded");
    EXPECT_EQ(order.lines.at(0).quantity, 1);
    EXPECT_EQ(order.lines.at(0).current_quantity, 0);
    EXPECT_EQ(order.lines.at(1).fulfillable_quantity, 1);
    EXPECT_EQ(order.refunds.at(0).lines.at(0), (RefundLine{"703073504", 1, "legacy_restock", "487838322"}));
    EXPECT_EQ(order.fulfillments.at(0).tracking_numbers, std::vector<std::string>{"1Z1234512345123456"});
}

TEST_F(ShopifyFixtures, SeesAnOrderWithoutAddressAndOneFulfilledOnArrival) {
    const OrderDocument bare =
        order_document_from_webhook(read("awkward/order-no-shipping-address-api-created.json").at("orders").at(0));
    EXPECT_FALSE(bare.shipping_address.has_value());
    EXPECT_EQ(bare.email, "");

    const OrderDocument done =
        order_document_from_webhook(read("awkward/order-created-already-fulfilled.json").at("order"));
    EXPECT_EQ(done.fulfillment_status, "fulfilled");
    EXPECT_EQ(done.lines.at(0).fulfillable_quantity, 0);
}

// Every order of the collection is read, and stays the same through our own form.
TEST_F(ShopifyFixtures, ReadsEveryOrder) {
    std::size_t orders = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
        const std::string name = std::filesystem::relative(entry.path(), folder_).string();
        if (entry.path().extension() != ".json" || name.find("order") == std::string::npos) continue;
        if (name.starts_with("graphql") || name.find("fulfillment_order") != std::string::npos) continue;
        const json file = read(name);
        json list = json::array();
        if (file.contains("body") && file["body"].contains("line_items")) list.push_back(file["body"]);
        if (file.contains("order")) list.push_back(file["order"]);
        if (file.contains("orders")) list = file["orders"];
        for (const json& body : list) {
            SCOPED_TRACE(name);
            OrderDocument order;
            ASSERT_NO_THROW(order = order_document_from_webhook(body));
            EXPECT_EQ(order_document_from_json(to_json(order)), order);
            ++orders;
        }
    }
    EXPECT_GE(orders, 15U);
}

TEST_F(ShopifyFixtures, ReadsEveryRefund) {
    std::size_t refunds = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "rest")) {
        const std::string name = entry.path().filename().string();
        if (name.find("refund") == std::string::npos) continue;
        const json file = read("rest/" + name);
        json list = file.contains("refunds") ? file["refunds"] : json::array({file.at("refund")});
        for (const json& body : list) {
            if (!body.contains("id")) continue;  // a calculation, not a refund
            SCOPED_TRACE(name);
            std::string order_id;
            EXPECT_NO_THROW(refund_from_webhook(body, order_id));
            EXPECT_EQ(order_id, "450789469");
            ++refunds;
        }
    }
    EXPECT_GE(refunds, 4U);
}

}  // namespace
}  // namespace ordersaga::sagas
