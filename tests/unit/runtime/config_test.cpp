#include "runtime/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace ordersaga::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Environment no_environment() {
    return fixed_environment({});
}

TEST(Config, ReadsEveryTypeOfValue) {
    ConfigReader reader = ConfigReader::from_text(
        R"(
        name = "shop"
        [public]
        port = 8080
        share = 0.25
        enabled = true
        timeout = "4.5s"
        mode = "strict"
        proxies = ["10.0.0.1", "10.0.0.2"]
        go_live_at = 2026-07-01T12:00:00+02:00
        [public.tls]
        file = "/etc/cert"
        [[stores]]
        key = "a"
        [[stores]]
        key = "b"
        )",
        no_environment());

    ConfigSection listen = reader.section("public");
    EXPECT_EQ(reader.root().text("name"), "shop");
    EXPECT_EQ(listen.integer("port", 1, 0, 65535), 8080);
    EXPECT_DOUBLE_EQ(listen.number("share", 0, 0, 1), 0.25);
    EXPECT_TRUE(listen.boolean("enabled", false));
    EXPECT_EQ(listen.duration("timeout", 1s, 0s, 1h), 4500ms);
    EXPECT_EQ(listen.choice("mode", "lenient", {"strict", "lenient"}), "strict");
    EXPECT_THAT(listen.texts("proxies"), ElementsAre("10.0.0.1", "10.0.0.2"));
    EXPECT_EQ(listen.optional_instant("go_live_at"), *parse_rfc3339("2026-07-01T10:00:00Z"));
    EXPECT_EQ(listen.section("tls").text("file"), "/etc/cert");
    std::vector<ConfigSection> stores = reader.tables("stores");
    ASSERT_EQ(stores.size(), 2U);
    EXPECT_EQ(stores[0].text("key"), "a");
    EXPECT_EQ(stores[1].text("key"), "b");
    EXPECT_EQ(stores[1].path(), "stores[1]");
    EXPECT_THAT(describe(reader.finish()), IsEmpty());
}

TEST(Config, DefaultsStandWhereNothingIsSaid) {
    ConfigReader reader = ConfigReader::from_text("", no_environment());
    ConfigSection listen = reader.section("public");

    EXPECT_EQ(listen.integer("port", 80, 0, 65535), 80);
    EXPECT_EQ(listen.text("address", "127.0.0.1"), "127.0.0.1");
    EXPECT_FALSE(listen.optional_text("name"));
    EXPECT_FALSE(listen.optional_secret("token"));
    EXPECT_FALSE(listen.present());
    EXPECT_THAT(reader.tables("stores"), IsEmpty());
    EXPECT_THAT(reader.finish(), IsEmpty());
}

TEST(Config, EveryValueCanComeFromTheEnvironment) {
    ConfigReader reader = ConfigReader::from_text(
        "[public]\nport = 1\n[[stores]]\nkey = \"a\"\n", fixed_environment(
                                                             {{"ORDERSAGA_PUBLIC_PORT", "9"},
                                                              {"ORDERSAGA_PUBLIC_ENABLED", "true"},
                                                              {"ORDERSAGA_PUBLIC_PROXIES", "10.0.0.1, 10.0.0.2"},
                                                              {"ORDERSAGA_STORES_0_KEY", "z"},
                                                              {"ORDERSAGA_STORES_0_TOKEN", "plain-secret"}}));
    ConfigSection listen = reader.section("public");
    ConfigSection store = reader.tables("stores").at(0);

    EXPECT_EQ(listen.integer("port", 0, 65535), 9);
    EXPECT_TRUE(listen.boolean("enabled", false));
    EXPECT_THAT(listen.texts("proxies"), ElementsAre("10.0.0.1", "10.0.0.2"));
    EXPECT_EQ(store.text("key"), "z");
    EXPECT_EQ(store.secret("token"), "plain-secret");
    EXPECT_THAT(reader.finish(), IsEmpty());
}

TEST(Config, AllFaultsAreReportedAtOnceWithTheirPlace) {
    ConfigReader reader = ConfigReader::from_text(
        "[public]\n"
        "port = 70000\n"
        "timeout = \"soon\"\n"
        "mode = \"odd\"\n"
        "prot = 1\n"
        "proxies = [1]\n"
        "[public.extra]\n"
        "x = 1\n"
        "[[stores]]\n"
        "token = \"shpat_in_the_file\"\n"
        "webhook = \"env:NOT_SET\"\n",
        fixed_environment({{"ORDERSAGA_PUBLIC_RETRIES", "many"}}), "ordersaga.toml");
    ConfigSection listen = reader.section("public");
    listen.integer("port", 80, 0, 65535);
    listen.duration("timeout", 1s, 0s, 1h);
    listen.choice("mode", "strict", {"strict", "lenient"});
    listen.texts("proxies");
    listen.integer("retries", 1, 0, 9);
    listen.text("address");
    ConfigSection store = reader.tables("stores").at(0);
    EXPECT_EQ(store.secret("token"), "");
    EXPECT_EQ(store.secret("webhook"), "");
    store.fault("key", "is taken");

    const std::vector<ConfigFault> faults = reader.finish();
    const std::string text = describe(faults);

    EXPECT_EQ(faults.size(), 11U) << text;
    EXPECT_THAT(text, HasSubstr("public.port (ordersaga.toml:2): must be a whole number from 0 to 65535"));
    EXPECT_THAT(text, HasSubstr("public.timeout (ordersaga.toml:3): must be a duration"));
    EXPECT_THAT(text, HasSubstr("public.mode (ordersaga.toml:4): must be one of: strict, lenient"));
    EXPECT_THAT(text, HasSubstr("public.proxies (ordersaga.toml:6): must be an array of texts"));
    EXPECT_THAT(text, HasSubstr("public.retries (ORDERSAGA_PUBLIC_RETRIES): must be a whole number"));
    EXPECT_THAT(text, HasSubstr("public.address: is missing; set it in ordersaga.toml or as ORDERSAGA_PUBLIC_ADDRESS"));
    EXPECT_THAT(text, HasSubstr("stores[0].token (ordersaga.toml:10): must be a reference"));
    EXPECT_THAT(text, HasSubstr("stores[0].webhook (ordersaga.toml:11): names the environment variable NOT_SET"));
    EXPECT_THAT(text, HasSubstr("public.prot (ordersaga.toml:5): is not known here"));
    EXPECT_THAT(text, HasSubstr("public.extra (ordersaga.toml:7): is not known here"));
    EXPECT_EQ(text.find("shpat"), std::string::npos);
}

TEST(Config, SecretsComeFromWhatTheyReferTo) {
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() / ("ordersaga-secret-" + std::to_string(::getpid()));
    std::ofstream(file) << "from-file\n";
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    ConfigReader reader = ConfigReader::from_text(
        "a = \"env:TOKEN_A\"\nb = \"file:" + file.string() +
            "\"\nc = \"file:/no/such/file\"\nd = [\"env:TOKEN_A\", \"env:TOKEN_B\"]\n",
        fixed_environment({{"TOKEN_A", "from-environment"}, {"TOKEN_B", "second"}}));

    EXPECT_EQ(reader.root().secret("a"), "from-environment");
    EXPECT_EQ(reader.root().secret("b"), "from-file");
    EXPECT_EQ(reader.root().secret("c"), "");
    EXPECT_THAT(reader.root().secrets("d"), ElementsAre("from-environment", "second"));
    EXPECT_THAT(describe(reader.finish()), HasSubstr("names the file /no/such/file, which cannot be opened"));
    std::filesystem::remove(file);
}

TEST(Config, ASecretInAFileThatEverybodyMayReadIsAFault) {
    using std::filesystem::perms;
    const std::filesystem::path folder = "/tmp/ordersaga-open-secret-" + std::to_string(::getpid());
    std::filesystem::create_directory(folder);
    const std::filesystem::path file = folder / "secret";
    std::ofstream(file) << "hidden-word\n";
    struct Case {
        int folder, file;
        std::string expected;
    };
    for (const Case& one : std::vector<Case>{
             {0755, 0600, "hidden-word"},
             {0755, 0640, "hidden-word"},
             {0755, 0644, ""},
             {0755, 0602, ""},
             {0700, 0644, "hidden-word"}}) {
        std::filesystem::permissions(folder, static_cast<perms>(one.folder));
        std::filesystem::permissions(file, static_cast<perms>(one.file));
        ConfigReader reader = ConfigReader::from_text("a = \"file:" + file.string() + "\"\n", no_environment());

        EXPECT_EQ(reader.root().secret("a"), one.expected) << one.folder << " " << one.file;

        const std::string faults = describe(reader.finish());
        EXPECT_EQ(faults.find("chmod o=") == std::string::npos, !one.expected.empty()) << faults;
        EXPECT_EQ(faults.find("hidden-word"), std::string::npos);
    }
    std::filesystem::remove_all(folder);
}

// What systemd's LoadCredential= gives: files in a directory that the environment names.
TEST(Config, CredentialsComeFromTheServiceManager) {
    const std::filesystem::path directory =
        std::filesystem::temp_directory_path() / ("ordersaga-credentials-" + std::to_string(::getpid()));
    std::filesystem::create_directory(directory);
    std::ofstream(directory / "token") << "from-credential\n";
    const std::string text = "a = \"credential:token\"\nb = \"credential:absent\"\nc = \"credential:../token\"\n";
    ConfigReader reader =
        ConfigReader::from_text(text, fixed_environment({{"CREDENTIALS_DIRECTORY", directory.string()}}));
    ConfigReader without = ConfigReader::from_text(text, no_environment());

    EXPECT_EQ(reader.root().secret("a"), "from-credential");
    EXPECT_EQ(reader.root().secret("b"), "");
    EXPECT_EQ(reader.root().secret("c"), "");
    EXPECT_EQ(without.root().secret("a"), "");

    const std::string faults = describe(reader.finish());
    EXPECT_THAT(faults, HasSubstr("absent, which cannot be opened"));
    EXPECT_THAT(faults, HasSubstr("../token, which cannot be a name"));
    EXPECT_THAT(describe(without.finish()), HasSubstr("the service manager gave none"));
    std::filesystem::remove_all(directory);
}

TEST(Config, TablesOfOtherProgramsMayStandInTheSameFile) {
    ConfigReader reader = ConfigReader::from_text(
        "[mine]\nport = 1\n[theirs]\nx = 1\n[theirs.inner]\ny = 1\n[nobodys]\nz = 1\n", no_environment());
    reader.section("mine").integer("port", 80, 0, 65535);
    reader.section("mine").text("name", "");
    reader.leave_to_others({"theirs"});

    EXPECT_THAT(describe(reader.finish()), testing::AllOf(HasSubstr("nobodys"), testing::Not(HasSubstr("theirs"))));
    EXPECT_THAT(reader.left_to_defaults(), ElementsAre("mine.name"));
}

TEST(Config, TellsWhichValuesAreNotTheDefaults) {
    ConfigReader reader = ConfigReader::from_text(
        "port = 80\nlevel = \"warn\"\nname = \"x\"\nflag = true\nwait = \"2s\"\nlist = [\"a\"]\n", no_environment());
    ConfigSection root = reader.root();

    root.integer("port", 80, 0, 65535);
    root.choice("level", "info", {"info", "warn"});
    root.text("name", "y");
    root.boolean("flag", false);
    root.duration("wait", 1s, 1s, 1min);
    root.texts("list", {"b"});

    EXPECT_EQ(describe(reader.finish()), "");
    EXPECT_THAT(reader.changed_from_defaults(), ElementsAre("flag", "level", "list", "name", "wait"));
}

TEST(Config, WrongTypesAreFaultsNotGuesses) {
    ConfigReader reader = ConfigReader::from_text(
        "text = 5\ninteger = \"5\"\nhalf = 2.5\nflag = 1\nsection = 3\ntables = {a=1}\nwhen = 2026-07-01\n",
        no_environment());
    ConfigSection root = reader.root();
    root.text("text", "");
    root.integer("integer", 0, 0, 9);
    root.integer("half", 0, 0, 9);
    root.boolean("flag", false);
    root.section("section");
    root.tables("tables");
    root.optional_instant("when");

    EXPECT_EQ(reader.finish().size(), 8U) << describe(reader.finish());  // the eighth: tables.a is not known
}

TEST(Config, MalformedAndMissingFilesAreFaults) {
    ConfigReader malformed = ConfigReader::from_text("[public\nport = 1", no_environment(), "x.toml");
    ConfigReader missing = ConfigReader::from_file("/no/such/ordersaga.toml", no_environment());

    ASSERT_EQ(malformed.finish().size(), 1U);
    EXPECT_EQ(malformed.finish()[0].where, "x.toml:1");
    EXPECT_THAT(describe(missing.finish()), HasSubstr("/no/such/ordersaga.toml: the file cannot be opened"));
}

}  // namespace
}  // namespace ordersaga::runtime
