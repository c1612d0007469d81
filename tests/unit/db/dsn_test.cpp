#include "db/bootstrap.hpp"
#include "db/connection.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
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

// Left to itself the library asks for TLS and goes on in the clear when there is none.
TEST(Dsn, AnAddressOffThisMachineMustSayThatItWantsTls) {
    for (const char* here :
         {"", "postgresql://", "postgresql://u:p@127.0.0.1/x", "postgresql://localhost/x",
          "host=/run/postgresql dbname=x", "host=@abstract", "host=::1", "host=localhost,127.0.0.1",
          "host=db.example hostaddr=127.0.0.1"})
        EXPECT_EQ(address_fault(here), "") << here;
    for (const char* elsewhere :
         {"postgresql://u:sesame@db.example/x", "postgresql://u:sesame@10.0.0.5/x?sslmode=prefer",
          "host=db.example password=sesame sslmode=allow", "host=127.0.0.1,db.example password=sesame",
          "host=localhost hostaddr=10.0.0.5 password=sesame", "host=localhost.db.example"}) {
        EXPECT_NE(address_fault(elsewhere).find("sslmode=verify-full"), std::string::npos) << elsewhere;
        EXPECT_EQ(address_fault(elsewhere).find("sesame"), std::string::npos);
    }
    for (const char* mode : {"verify-full", "verify-ca", "require", "disable"})
        EXPECT_EQ(address_fault(std::string("host=db.example sslmode=") + mode), "") << mode;
    EXPECT_EQ(address_fault("postgresql://u:sesame@[bad"), "the database address is malformed");
}

TEST(Dsn, TakesFromTheEnvironmentWhatTheLibraryTakesFromThere) {
    ::setenv("PGHOST", "db.example", 1);
    EXPECT_NE(address_fault("dbname=x"), "");
    ::setenv("PGSSLMODE", "verify-full", 1);
    EXPECT_EQ(address_fault("dbname=x"), "");
    ::unsetenv("PGHOST");
    ::unsetenv("PGSSLMODE");
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
