#include "runtime/password.hpp"

#include <gtest/gtest.h>

namespace ordersaga::runtime {
namespace {

constexpr PasswordCost cheap{4, 1, 1};

TEST(Password, FitsOnlyItself) {
    const std::string stored = hash_password("correct horse battery", cheap);
    EXPECT_TRUE(password_fits("correct horse battery", stored));
    for (const char* wrong : {"", "correct horse batterY", "correct horse battery ", "correct horse"})
        EXPECT_FALSE(password_fits(wrong, stored)) << wrong;
}

TEST(Password, IsSaltedAndTellsItsParameters) {
    EXPECT_NE(hash_password("same", cheap), hash_password("same", cheap));
    EXPECT_TRUE(hash_password("same", cheap).starts_with("$scrypt$ln=4,r=1,p=1$"));
    EXPECT_TRUE(hash_password("same").starts_with("$scrypt$ln=15,r=8,p=3$"));
}

// RFC 7914, part 12, the third vector (its first 32 bytes).
TEST(Password, AgreesWithThePublishedVector) {
    EXPECT_TRUE(password_fits(
        "pleaseletmein", "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI="));
}

TEST(Password, TakesNothingElseForAHash) {
    for (const char* text :
         {"", "$", "$scrypt$", "plain", "$scrypt$ln=15,r=8$YWJjZGVmZ2hpamtsbW5vcA==$YQ==",
          "$scrypt$ln=4,r=1,p=1$YQ==$YWJjZGVmZ2hpamtsbW5vcGFiY2RlZmdoaWprbG1ub3A=",
          "$scrypt$ln=40,r=8,p=3$YWJjZGVmZ2hpamtsbW5vcA==$YWJjZGVmZ2hpamtsbW5vcGFiY2RlZmdoaWprbG1ub3A=",
          "$scrypt$ln=-1,r=8,p=3$YWJjZGVmZ2hpamtsbW5vcA==$YWJjZGVmZ2hpamtsbW5vcGFiY2RlZmdoaWprbG1ub3A="}) {
        EXPECT_FALSE(password_fits("", text)) << text;
        EXPECT_FALSE(password_fits("plain", text)) << text;
    }
}

}  // namespace
}  // namespace ordersaga::runtime
