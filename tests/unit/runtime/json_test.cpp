#include "runtime/json.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ordersaga::runtime {
namespace {

std::string fault_of(std::string_view text, const JsonLimits& limits = {}) {
    const Result<nlohmann::json> result = parse_json(text, limits);
    return result.ok() ? "" : result.error().message;
}

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

TEST(JsonParse, BuildsTheTreeOfALegalDocument) {
    const nlohmann::json document = *parse_json(
        R"({"id":9007199254740993,"lines":[{"sku":"A","quantity":2},{"sku":"\u00fc"}],"note":null,"p":1.5e2,"n":-0})");

    EXPECT_EQ(document["id"].get<std::int64_t>(), 9007199254740993);
    EXPECT_EQ(document["lines"][1]["sku"], "ü");
    EXPECT_TRUE(document["note"].is_null());
    EXPECT_EQ(document["p"], 150.0);
    EXPECT_EQ(dump_json(document["lines"]), R"([{"quantity":2,"sku":"A"},{"sku":"ü"}])");
    EXPECT_EQ(*parse_json(" 7 "), 7);
}

TEST(JsonParse, RefusesNestingBeyondTheLimitBeforeBuildingIt) {
    EXPECT_EQ(fault_of(nested(32)), "");
    EXPECT_EQ(fault_of(nested(33)), "nested too deeply");
    EXPECT_EQ(fault_of(std::string(1'000'000, '[')), "nested too deeply");
    std::string objects;
    for (int i = 0; i < 100'000; ++i)
        objects += R"({"a":)";
    EXPECT_EQ(fault_of(objects), "nested too deeply");
}

TEST(JsonParse, RefusesTooManyValues) {
    EXPECT_EQ(fault_of("[1,2,3,4]", {.depth = 4, .elements = 5}), "");
    EXPECT_EQ(fault_of("[1,2,3,4,5]", {.depth = 4, .elements = 5}), "too many values");
    std::string many = "[0";
    for (int i = 0; i < 200'000; ++i)
        many += ",0";
    EXPECT_EQ(fault_of(many + "]"), "too many values");
}

TEST(JsonParse, RefusesARepeatedKey) {
    EXPECT_EQ(fault_of(R"({"id":1,"id":2})"), "an object repeats a key");
    EXPECT_EQ(fault_of(R"({"id":1,"\u0069d":2})"), "an object repeats a key");
    EXPECT_EQ(fault_of(R"({"id":null,"id":2})"), "an object repeats a key");
    EXPECT_EQ(fault_of(R"([{"id":1},{"id":2}])"), "");
}

TEST(JsonParse, LeavesOutWhatNobodyReads) {
    JsonLimits limits{.depth = 4, .elements = 14};
    limits.unread = [](std::string_view key) {
        return key == "x";
    };
    const auto read = [&](const std::string& text) {
        const Result<nlohmann::json> tree = parse_json(text, limits);
        return tree ? tree->dump() : tree.error().message;
    };
    EXPECT_EQ(read(R"({"x":1,"a":2,"x":3})"), R"({"a":2})");
    EXPECT_EQ(read(R"({"a":[{"x":{"a":1},"b":2},3,{"x":[]}],"x":"y"})"), R"({"a":[{"b":2},3,{}]})");
    EXPECT_EQ(read(R"({"x":{"a":[{"x":1}],"a":{}},"b":[4]})"), R"({"b":[4]})");
    EXPECT_EQ(read(R"([1,{"x":null},"x"])"), R"([1,{},"x"])");
    EXPECT_EQ(read(R"({"a":1,"x":2,"a":3})"), "an object repeats a key");
    EXPECT_EQ(read(R"({"x":[[[[1]]]]})"), "nested too deeply");
    EXPECT_EQ(read(R"({"x":[1,2,3,4,5,6,7,8,9,10,11,12,13]})"), "too many values");
    EXPECT_EQ(read(R"({"x":18446744073709551616})"), "an integer needs more than 64 bits");
    EXPECT_EQ(read(R"({"x":"\u0000"})"), "a text holds U+0000");
    EXPECT_EQ(read(R"({"x":{"a":1)"), "not valid JSON at byte 12");
}

TEST(JsonParse, RefusesNumbersThatDoNotFit) {
    EXPECT_EQ(fault_of("18446744073709551615"), "");
    EXPECT_EQ(fault_of("18446744073709551616"), "an integer needs more than 64 bits");
    EXPECT_EQ(fault_of("-9223372036854775809"), "an integer needs more than 64 bits");
    EXPECT_EQ(fault_of("1e400"), "a number is too large");
    EXPECT_EQ(fault_of("-1e400"), "a number is too large");
    EXPECT_EQ(fault_of("1e99999999999"), "a number is too large");
    EXPECT_EQ(fault_of(std::string(400, '9') + ".5"), "a number is too large");
    EXPECT_EQ(fault_of(std::string(400, '9')), "an integer needs more than 64 bits");
    EXPECT_NE(fault_of("NaN"), "");
    EXPECT_NE(fault_of("Infinity"), "");
    EXPECT_NE(fault_of("01"), "");
    EXPECT_NE(fault_of("+1"), "");
}

TEST(JsonParse, ReadsFractionsToTheLastDigit) {
    for (const char* text :
         {"0.1", "-0.0", "1.7976931348623157e308", "5e-324", "1e-400", "9007199254740993.0",
          "123456789012345678901234567890.5", "0.30000000000000004", "2.2250738585072011e-308", "-1E+2", "1e23"}) {
        const Result<nlohmann::json> number = parse_json(text);
        ASSERT_TRUE(number.ok()) << text;
        EXPECT_TRUE(number->is_number_float()) << text;
        EXPECT_EQ(*number, nlohmann::json::parse(text)) << text;
    }
    EXPECT_TRUE(parse_json("7")->is_number_unsigned());
    EXPECT_TRUE(parse_json("18446744073709551615")->is_number_unsigned());
    EXPECT_FALSE(parse_json("-7")->is_number_unsigned());
    EXPECT_TRUE(parse_json("-9223372036854775808")->is_number_integer());
}

TEST(JsonParse, RefusesNulInTextUnlessAllowed) {
    EXPECT_EQ(fault_of(R"({"a":"x\u0000y"})"), "a text holds U+0000");
    EXPECT_EQ(fault_of(R"({"x\u0000y":1})"), "a text holds U+0000");
    EXPECT_EQ(fault_of(R"({"a":"x\u0000y"})", {.refuse_nul_in_text = false}), "");
}

TEST(JsonParse, RefusesMalformedBytes) {
    for (const std::string& text :
         {std::string(""), std::string("{"), std::string("[1,]"), std::string("{} {}"), std::string("// x\n1"),
          std::string("\xef\xbb\xbf{}"), std::string("\"\xff\""), std::string("\"\xc0\xaf\""),
          std::string("\"\xed\xa0\x80\""), std::string(R"("\ud800")"), std::string(R"("\udc00\ud800")"),
          std::string("\"a\nb\""), std::string("{\"a\"\0:1}", 8), std::string("\xff\xfe{\0}\0", 6)}) {
        EXPECT_NE(fault_of(text), "") << text;
    }
}

TEST(JsonParse, TellsWhereItStopped) {
    EXPECT_EQ(fault_of(""), "not valid JSON at byte 1");
    EXPECT_EQ(fault_of("{} {}"), "not valid JSON at byte 4");
    EXPECT_EQ(fault_of(R"({"a": tru})"), "not valid JSON at byte 10");
    EXPECT_EQ(fault_of(R"({"a": 1,})"), "not valid JSON at byte 9");
    EXPECT_EQ(fault_of(std::string(20, '[')), "not valid JSON at byte 21");
}

// The library quotes what it read last; that may be a customer's address.
TEST(JsonParse, NeverQuotesTheInputInTheError) {
    EXPECT_EQ(fault_of(R"({"address":"12 Secret Street", oops)").find("Secret"), std::string::npos);
}

TEST(JsonRead, NamesThePathOfWhatIsWrong) {
    const nlohmann::json line = *parse_json(R"({"quantity":3.9,"sku":null,"big":18446744073709551615,"flag":1})");

    EXPECT_EQ(
        get_int64(line, "quantity", "order.line_items[2]").error().message,
        "order.line_items[2].quantity must be an integer");
    EXPECT_EQ(get_text(line, "sku", "line").error().message, "line.sku is missing");
    EXPECT_EQ(get_text(line, "title").error().message, "title is missing");
    EXPECT_EQ(get_int64(line, "big").error().message, "big is beyond 64 signed bits");
    EXPECT_EQ(get_bool(line, "flag").error().message, "flag must be true or false");
    EXPECT_EQ(get_text(nlohmann::json(7), "sku", "line").error().message, "line must be an object");
    EXPECT_EQ(get_text(nlohmann::json(7), "sku").error().message, "the document must be an object");
}

TEST(JsonRead, TakesOnlyTheRightType) {
    const nlohmann::json document =
        *parse_json(R"({"n":-5,"t":"x","b":true,"a":[1],"o":{},"f":1.0,"u":9223372036854775808,"s":"7"})");

    EXPECT_EQ(*get_int64(document, "n"), -5);
    EXPECT_EQ(*get_text(document, "t"), "x");
    EXPECT_TRUE(*get_bool(document, "b"));
    EXPECT_EQ((*get_array(document, "a"))->size(), 1U);
    EXPECT_TRUE((*get_object(document, "o"))->empty());
    for (const char* key : {"t", "b", "a", "o", "f", "u", "s"})
        EXPECT_FALSE(get_int64(document, key).ok()) << key;
    for (const char* key : {"n", "b", "a", "o", "f"})
        EXPECT_FALSE(get_text(document, key).ok()) << key;
    EXPECT_FALSE(get_array(document, "o").ok());
    EXPECT_FALSE(get_object(document, "a").ok());
}

TEST(JsonRead, ChecksTheRange) {
    const nlohmann::json document = *parse_json(R"({"n":5000000000})");

    EXPECT_EQ(*get_int64_between(document, "n", 0, 5'000'000'000), 5'000'000'000);
    EXPECT_EQ(get_int64_between(document, "n", 0, 100).error().message, "n must be between 0 and 100");
}

TEST(JsonRead, OptionalMeansMissingOrNullButNeverWrong) {
    const nlohmann::json document = *parse_json(R"({"null":null,"n":1,"t":"x"})");

    EXPECT_EQ(*opt_int64(document, "absent"), std::nullopt);
    EXPECT_EQ(*opt_int64(document, "null"), std::nullopt);
    EXPECT_EQ(*opt_int64(document, "n"), 1);
    EXPECT_FALSE(opt_int64(document, "t").ok());
    EXPECT_EQ(*opt_text(document, "t"), "x");
    EXPECT_FALSE(opt_text(document, "n").ok());
    EXPECT_EQ(*opt_array(document, "null"), nullptr);
    EXPECT_FALSE(opt_array(document, "n").ok());
    EXPECT_EQ(*opt_object(document, "absent"), nullptr);
    EXPECT_FALSE(opt_bool(nlohmann::json::array(), "x").ok());
}

TEST(JsonRead, IdsComeAsTextOrAsNumber) {
    const nlohmann::json document = *parse_json(
        R"({"n":9007199254740993,"t":"gid://shopify/Order/1","u":18446744073709551615,"m":-1,"f":1.5,"e":""})");

    EXPECT_EQ(*get_id_text(document, "n"), "9007199254740993");
    EXPECT_EQ(*get_id_text(document, "u"), "18446744073709551615");
    EXPECT_EQ(*get_id_text(document, "t"), "gid://shopify/Order/1");
    for (const char* key : {"m", "f", "e", "absent"})
        EXPECT_FALSE(get_id_text(document, key).ok()) << key;
    EXPECT_EQ(*opt_id_text(document, "absent"), std::nullopt);
}

TEST(JsonDump, WritesWhatTheLibraryWrites) {
    const nlohmann::json document = nlohmann::json::parse(
        R"({"":[],"o":{},"t":"plain","q":"\"\\/\b\n\u0001\u007f\u00fc\u20ac\ud83d\ude00","b":[true,false,null],
            "i":[0,-1,9223372036854775807,-9223372036854775808,18446744073709551615],
            "f":[0.1,-0.0,1e300,2.5,100.0],"\u00fc\"":{"a":[[],[{}]]}})");
    EXPECT_EQ(dump_json(document), document.dump());
    for (const nlohmann::json& part : document)
        EXPECT_EQ(dump_json(part), part.dump());
}

TEST(JsonDump, ReplacesInvalidUtf8InsteadOfThrowing) {
    EXPECT_EQ(dump_json(nlohmann::json("a\xff")), "\"a\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace ordersaga::runtime
