#include "supervisor/data_directory.hpp"

#include "runtime/random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace ordersaga::supervisor {
namespace {

using testing::HasSubstr;

struct DataDirectoryTest : testing::Test {
    std::filesystem::path folder = std::filesystem::temp_directory_path() / ("ordersaga-" + runtime::random_token(6));
    ~DataDirectoryTest() override { std::filesystem::remove_all(folder); }

    std::string refusal() const {
        try {
            const DataDirectory data(folder);
        } catch (const NotUsable& fault) {
            return fault.what();
        }
        return "none";
    }
};

std::string never() {
    ADD_FAILURE() << "made again";
    return {};
}

TEST_F(DataDirectoryTest, KeepsWhatItMadeOnce) {
    {
        DataDirectory data(folder);
        EXPECT_EQ(data.kept("port", [] { return "20001"; }), "20001");
        data.keep("other", "20002");
    }
    DataDirectory again(folder);

    EXPECT_EQ(again.kept("port", never), "20001");
    EXPECT_EQ(again.kept("other", never), "20002");
    EXPECT_TRUE(again.keeps("20002"));
    EXPECT_FALSE(again.keeps("20003"));
}

TEST_F(DataDirectoryTest, IsReadableByItsOwnerAlone) {
    DataDirectory data(folder);
    data.keep("password", "secret");

    using std::filesystem::perms;
    EXPECT_EQ(std::filesystem::status(folder).permissions(), perms::owner_all);
    EXPECT_EQ(std::filesystem::status(data.folder("inner")).permissions(), perms::owner_all);
    EXPECT_EQ(std::filesystem::status(folder / "settings").permissions(), perms::owner_read | perms::owner_write);
}

TEST_F(DataDirectoryTest, RefusesWhatANewerVersionMade) {
    { const DataDirectory data(folder); }
    std::ofstream(folder / "version") << "2\n";

    EXPECT_THAT(refusal(), HasSubstr("was made by a newer ordersaga (layout 2"));
}

TEST_F(DataDirectoryTest, RefusesAFolderOfSomebodyElse) {
    std::filesystem::create_directory(folder);
    std::ofstream(folder / "photo.jpg") << "not ours";

    EXPECT_THAT(refusal(), HasSubstr("was not made by ordersaga"));
    EXPECT_FALSE(std::filesystem::exists(folder / "version"));
}

TEST_F(DataDirectoryTest, TakesAnEmptyFolderAndOneWhoseFirstRunWasCutOff) {
    std::filesystem::create_directory(folder);
    EXPECT_EQ(refusal(), "none");
    std::filesystem::remove(folder / "version");
    EXPECT_EQ(refusal(), "none");
}

TEST_F(DataDirectoryTest, HasOneUserAtATime) {
    const DataDirectory data(folder);

    EXPECT_THAT(refusal(), HasSubstr("is in use by another ordersaga"));
}

TEST_F(DataDirectoryTest, VariablesMayStandInQuotes) {
    std::filesystem::create_directory(folder);
    std::ofstream(folder / "env") << "# words=none\nA=\"x=1\"\nB=2\n\nC='3'\n";

    EXPECT_THAT(
        read_variables(folder / "env"),
        testing::ElementsAre(testing::Pair("A", "x=1"), testing::Pair("B", "2"), testing::Pair("C", "3")));
    EXPECT_TRUE(read_variables(folder / "absent").empty());
}

}  // namespace
}  // namespace ordersaga::supervisor
