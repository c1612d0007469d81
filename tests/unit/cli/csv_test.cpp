#include "orchestrator/cli/csv.hpp"

#include <gtest/gtest.h>

namespace ordersaga::cli {
namespace {

const CsvColumns columns{{"sku", "quantity"}, {"note"}};

std::vector<std::string> messages_of(const CsvTable& table) {
    std::vector<std::string> messages;
    for (const CsvFault& fault : table.faults)
        messages.push_back(std::to_string(fault.line) + ": " + fault.message);
    return messages;
}

TEST(Csv, ReadsWhatSpreadsheetsWrite) {
    const CsvTable table =
        parse_csv("\xef\xbb\xbfquantity,sku,note\r\n5, A ,\"say \"\"hi\"\", twice\"\r\n\r\n7,\"B\nC\",\r\n", columns);
    EXPECT_TRUE(table.faults.empty());
    ASSERT_EQ(table.rows.size(), 2U);
    EXPECT_EQ(table.rows[0].at("sku"), "A");
    EXPECT_EQ(table.rows[0].at("note"), "say \"hi\", twice");
    EXPECT_EQ(table.rows[1].at("sku"), "B\nC");
    EXPECT_EQ(table.rows[1].line, 4U);
    EXPECT_EQ(table.rows[1].at("unknown"), "");
}

TEST(Csv, NamesEveryFaultWithItsLine) {
    EXPECT_EQ(
        messages_of(parse_csv("sku,quantiti,sku\n", columns)),
        (std::vector<std::string>{
            "1: column 'quantiti' is not known", "1: column 'sku' is there twice", "1: column 'quantity' is missing"}));
    EXPECT_EQ(
        messages_of(parse_csv("sku,quantity\nA\nB,1\nC,1,2\n", columns)),
        (std::vector<std::string>{"2: has 1 cells, the header has 2", "4: has 3 cells, the header has 2"}));
    EXPECT_EQ(messages_of(parse_csv("", columns)).size(), 1U);
    EXPECT_EQ(messages_of(parse_csv("sku,quantity\n\"A,1\n", columns)).size(), 1U);
    EXPECT_EQ(messages_of(parse_csv("sku,quantity\n\"A\"x,1\n", columns)).size(), 1U);
    EXPECT_EQ(
        messages_of(parse_csv("sku,quantity\n\xff,1\n", columns)),
        std::vector<std::string>{"1: the file is not UTF-8 text"});
    EXPECT_EQ(messages_of(parse_csv(std::string("sku,quantity\nA\0,1\n", 18), columns)).size(), 1U);
    EXPECT_EQ(
        messages_of(parse_csv("sku,quantity\nA,1\nB,1\nC,1\n", columns, 2)),
        std::vector<std::string>{"4: more than 2 rows"});
}

TEST(Csv, NeedsNoLineEndAtTheEnd) {
    EXPECT_EQ(parse_csv("sku,quantity\nA,1", columns).rows.size(), 1U);
    EXPECT_EQ(parse_csv("sku,quantity\nA,\"1\"", columns).rows.size(), 1U);
}

}  // namespace
}  // namespace ordersaga::cli
