// Adding to a file that a person keeps: everything that stood there stands there afterwards.
#include "orchestrator/cli/goods_file.hpp"

#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/setup_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace ordersaga::cli {
namespace {

class GoodsFileTest : public testing::Test {
protected:
    GoodsFileTest()
        : path_(
              std::filesystem::temp_directory_path() /
              ("ordersaga-goods-" + std::to_string(::getpid()) + "-" +
               testing::UnitTest::GetInstance()->current_test_info()->name() + ".csv")) {
        std::filesystem::remove(path_);
    }
    ~GoodsFileTest() override { std::filesystem::remove(path_); }

    void write(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }
    std::string content() const {
        std::ifstream file(path_, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }

    const std::filesystem::path path_;
};

TEST_F(GoodsFileTest, BeginsAFileThatIsNotThere) {
    GoodsFile file(path_, columns_of_skus());
    EXPECT_FALSE(file.changed());
    file.add({{"sku", "SHIRT"}, {"title", "Shirt, \"red\""}});
    file.write();

    EXPECT_EQ(content(), "sku,title\nSHIRT,\"Shirt, \"\"red\"\"\"\n");
    EXPECT_EQ(GoodsFile(path_, columns_of_skus()).rows().at(0).at("title"), "Shirt, \"red\"");
}

TEST_F(GoodsFileTest, KeepsRowsColumnsAndTheirSequence) {
    write("buffer,sku,policy\n3,\"A,B\",backorder\n,HAT,\n");
    GoodsFile file(path_, columns_of_skus());
    file.add({{"sku", "SHIRT"}, {"title", "Shirt"}});
    file.set(1, "warehouse_item_id", "12");
    file.write();

    EXPECT_EQ(
        content(), "buffer,sku,policy,title,warehouse_item_id\n3,\"A,B\",backorder,,\n,HAT,,,12\n,SHIRT,,Shirt,\n");
}

TEST_F(GoodsFileTest, IsNotTouchedWhenNothingIsAdded) {
    write("sku, title\nSHIRT , \"Shirt\"\n");
    GoodsFile(path_, columns_of_skus()).write();
    EXPECT_EQ(content(), "sku, title\nSHIRT , \"Shirt\"\n");
}

TEST_F(GoodsFileTest, RefusesWhatSetupCouldNotReadEither) {
    write("sku,colour\nSHIRT,red\n");
    try {
        GoodsFile file(path_, columns_of_skus());
        FAIL();
    } catch (const CliError& fault) {
        EXPECT_EQ(fault.code(), ExitCode::usage);
        EXPECT_NE(std::string(fault.what()).find(":1: column 'colour' is not known"), std::string::npos)
            << fault.what();
    }
}

TEST_F(GoodsFileTest, SaysWhenItCannotWrite) {
    GoodsFile file(path_ / "absent" / "skus.csv", columns_of_skus());
    file.add({{"sku", "SHIRT"}});
    EXPECT_THROW(file.write(), CliError);
}

}  // namespace
}  // namespace ordersaga::cli
