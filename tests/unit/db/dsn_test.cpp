#include "db/bootstrap.hpp"
#include "db/connection.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace ordersaga::db {
namespace {

TEST(Dsn, PartsOfAUriAreReplaced) {
    EXPECT_EQ(
        dsn_with("postgresql://anna:secret@127.0.0.1:5433/one", {{"dbname", "two"}, {"user", "bert"}}),
        "password='secret' host='127.0.0.1' port='5433' dbname='two' user='bert'");
}

TEST(Dsn, HostileValuesStayInsideTheirQuotes) {
    const std::string dsn = dsn_with("host=127.0.0.1", {{"password", "it's \\ host=evil"}});
    EXPECT_EQ(dsn, R"(host='127.0.0.1' password='it\'s \\ host=evil')");
    EXPECT_EQ(dsn_with(dsn, {}), R"(password='it\'s \\ host=evil' host='127.0.0.1')");
}

TEST(Dsn, PasswordsAreKeptOutOfLogLines) {
    EXPECT_EQ(dsn_without_password("postgresql://anna:secret@127.0.0.1/one").find("secret"), std::string::npos);
}

TEST(Dsn, MalformedAddressIsRefusedWithoutRepeatingIt) {
    try {
        dsn_with("postgresql://anna:secret@[bad", {});
        FAIL() << "was accepted";
    } catch (const std::invalid_argument& error) {
        EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos);
    }
}

TEST(Bootstrap, DatabaseNamesArePlain) {
    for (const char* name : {"", "1st", "Shop", "a b", "x;DROP DATABASE y", "\"quoted\""}) {
        EXPECT_THROW(bootstrap("host=127.0.0.1", name, {}), std::invalid_argument) << name;
    }
}

}  // namespace
}  // namespace ordersaga::db
