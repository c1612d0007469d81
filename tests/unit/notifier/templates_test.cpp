#include "notifier/templates.hpp"

#include "notifier/event.hpp"
#include "runtime/random.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace ordersaga::notifier {
namespace {

constexpr const char* an_event =
    R"({"schema": 1, "merchant_id": "1", "saga_id": "0199", "store": "eu", "order_id": "5", "order_name": "#1007 {{store}}",
        "state": "OutOfStock", "from": "Received", "cause": "", "at": "2026-07-01T09:30:00.000000Z"})";

class TemplateFiles : public testing::Test {
protected:
    TemplateFiles() : folder(std::filesystem::temp_directory_path() / ("templates-" + runtime::random_token(8))) {
        std::filesystem::create_directory(folder);
    }
    ~TemplateFiles() override { std::filesystem::remove_all(folder); }

    void write(const std::string& name, const std::string& content) const { std::ofstream(folder / name) << content; }
    std::string fault() const {
        const runtime::Result<Templates> loaded = Templates::load(folder.string());
        return loaded ? "" : loaded.error().message;
    }

    std::filesystem::path folder;
};

// A value that looks like a template stays a value.
TEST(Templates, PutValuesInOnce) {
    const Letter letter = Templates().render("orders.outofstock", an_event);

    EXPECT_EQ(letter.subject, "Order #1007 {{store}} of eu: out of stock");
    EXPECT_NE(letter.text.find("sagactl show 0199"), std::string::npos) << letter.text;
}

TEST(Templates, NumbersAndMissingMembersAreTakenAsTheyAre) {
    EXPECT_EQ(Templates().render("inventory.low", R"({"sku": "MUG", "available": 3})").subject, "MUG runs low: 3 left");
    EXPECT_EQ(Templates().render("inventory.out", "{}").subject, " is sold out");
}

TEST(Templates, LineEndsInAValueBecomeBlanks) {
    const Letter letter = Templates().render("inventory.out", R"({"sku": "a\r\nBcc: x\u007f"})");

    EXPECT_EQ(letter.subject, "a  Bcc: x  is sold out");
}

TEST(Templates, EveryTopicHasALetterThatNamesOnlyWhatTheEventHas) {
    const Templates all;
    for (const Topic& topic : topics())
        EXPECT_NE(all.render(topic.name, "{}").subject, topic.name) << topic.name;
}

TEST_F(TemplateFiles, TakeThePlaceOfTheBuiltInLetter) {
    write("orders.outofstock.txt", "Subject: Schade: {{order_name}}\n\nNichts mehr da in {{store}}.\n");

    const runtime::Result<Templates> loaded = Templates::load(folder.string());

    ASSERT_TRUE(loaded) << loaded.error().message;
    const Letter letter = loaded->render("orders.outofstock", an_event);
    EXPECT_EQ(letter.subject, "Schade: #1007 {{store}}");
    EXPECT_EQ(letter.text, "Nichts mehr da in eu.\n");
    EXPECT_EQ(loaded->render("inventory.out", R"({"sku": "MUG"})").subject, "MUG is sold out");
}

TEST_F(TemplateFiles, WhatIsWrongIsToldWithTheFile) {
    const std::pair<std::string, std::string> cases[] = {
        {"no subject\n", "Subject"},
        {"Subject: no empty line\ntext\n", "empty line"},
        {"Subject: {{customer}}\n\ntext\n", "\"customer\""},
        {"Subject: s\n\n{{ store }}\n", "\" store \""},
        {"Subject: \xff\n\ntext\n", "UTF-8"},
        {"Subject: s\n\n" + std::string(70'000, 'x'), "64 KiB"}};
    for (const auto& [content, told] : cases) {
        write("orders.outofstock.txt", content);
        EXPECT_NE(fault().find(told), std::string::npos) << told << ": " << fault();
        EXPECT_NE(fault().find("orders.outofstock.txt"), std::string::npos) << fault();
    }
}

TEST_F(TemplateFiles, ANameThatIsNoTopicIsTold) {
    write("orders.out_of_stock.txt", "Subject: s\n\nt\n");
    EXPECT_NE(fault().find("no topic orders.out_of_stock"), std::string::npos) << fault();
}

TEST_F(TemplateFiles, AFolderThatIsNotThereIsTold) {
    std::filesystem::remove_all(folder);
    EXPECT_NE(fault().find(folder.string()), std::string::npos) << fault();
}

}  // namespace
}  // namespace ordersaga::notifier
