#include "activities/worker_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::activities {
namespace {

using testing::HasSubstr;

const char* good = R"(
[broker]
url = "env:AMQP"
[database]
dsn = "env:DSN"
[worker]
concurrency = 8
call_timeout = "2s"
[[stores]]
key = "eu"
base_url = "http://127.0.0.1:8080/shopify/eu/"
token = "env:EU"
[[warehouses]]
key = "main"
base_url = "https://api.shipbob.com"
channel_id = "7"
token = "env:WMS"
)";

runtime::Environment environment() {
    return runtime::fixed_environment(
        {{"AMQP", "amqp://u:p@127.0.0.1/x"},
         {"DSN", "postgresql://"},
         {"EU", "shpat"},
         {"WMS", "token"},
         {"ORDERSAGA_CREDENTIALS_KEYS", runtime::new_key_line()}});
}

TEST(WorkerConfig, ReadsEverythingWithDefaults) {
    runtime::ConfigReader reader = runtime::ConfigReader::from_text(good, environment());
    const WorkerConfig config = read_worker_config(reader);

    EXPECT_EQ(runtime::describe(reader.finish()), "");
    EXPECT_EQ(config.amqp_url, "amqp://u:p@127.0.0.1/x");
    EXPECT_EQ(config.concurrency, 8);
    EXPECT_EQ(config.call_timeout, std::chrono::seconds(2));
    EXPECT_EQ(config.stores.at(0).base_url, "http://127.0.0.1:8080/shopify/eu");
    EXPECT_EQ(config.stores.at(0).api_version, "2026-07");
    EXPECT_EQ(config.warehouses.at(0).api_version, "2026-01");
    EXPECT_EQ(config.warehouses.at(0).token, "token");
    EXPECT_FALSE(config.metrics_port.has_value());
}

TEST(WorkerConfig, LeavesTokensToTheDatabaseAndNeedsKeysToOpenWhatIsSealedThere) {
    const std::string without = R"(
[broker]
url = "env:AMQP"
[database]
dsn = "env:DSN"
[[stores]]
key = "eu"
base_url = "http://127.0.0.1:8080/shopify/eu/"
)";
    runtime::ConfigReader reader = runtime::ConfigReader::from_text(
        without, runtime::fixed_environment({{"AMQP", "amqp://u:p@127.0.0.1/x"}, {"DSN", "postgresql://"}}));
    (void)read_worker_config(reader);
    EXPECT_THAT(runtime::describe(reader.finish()), HasSubstr("credentials.keys: is missing"));

    reader = runtime::ConfigReader::from_text(
        without, runtime::fixed_environment(
                     {{"AMQP", "amqp://u:p@127.0.0.1/x"},
                      {"DSN", "postgresql://"},
                      {"ORDERSAGA_CREDENTIALS_KEYS", runtime::new_key_line()}}));
    const WorkerConfig config = read_worker_config(reader);
    EXPECT_EQ(runtime::describe(reader.finish()), "");
    EXPECT_TRUE(config.credential_keys.has_value());
    EXPECT_EQ(config.stores.at(0).token, "");

    reader = runtime::ConfigReader::from_text(
        without, runtime::fixed_environment(
                     {{"AMQP", "amqp://u:p@127.0.0.1/x"},
                      {"DSN", "postgresql://"},
                      {"ORDERSAGA_CREDENTIALS_KEYS", "mysecretkey"}}));
    (void)read_worker_config(reader);
    const std::string faults = runtime::describe(reader.finish());
    EXPECT_THAT(faults, HasSubstr("credentials.keys"));
    EXPECT_THAT(faults, testing::Not(HasSubstr("mysecretkey")));
}

TEST(WorkerConfig, RefusesAddressesThatNoPeerHas) {
    std::string text = good;
    text.replace(text.find("https://api.shipbob.com"), 23, "https://169.254.169.254");
    runtime::ConfigReader reader = runtime::ConfigReader::from_text(text, environment());
    (void)read_worker_config(reader);
    EXPECT_THAT(runtime::describe(reader.finish()), HasSubstr("warehouses[0].base_url"));
}

TEST(WorkerConfig, TellsAllFaultsAtOnce) {
    const char* bad = R"(
[broker]
url = "amqp://u:secret@127.0.0.1/x"
[worker]
concurrency = 0
colour = "red"
[[stores]]
key = "eu"
base_url = "http://shop.example.com"
token = "env:EU"
[[stores]]
key = "eu"
base_url = "nonsense"
token = "env:NOT_SET"
[[warehouses]]
key = "main"
kind = "carrier pigeon"
base_url = "https://api.example.com"
)";
    runtime::ConfigReader reader = runtime::ConfigReader::from_text(bad, environment());
    (void)read_worker_config(reader);
    const std::string faults = runtime::describe(reader.finish());

    for (const char* part :
         {"broker", "database", "concurrency", "colour", "stores[0].base_url", "stores[1].key", "stores[1].base_url",
          "NOT_SET", "kind", "channel_id"}) {
        EXPECT_THAT(faults, HasSubstr(part));
    }
    EXPECT_THAT(faults, testing::Not(HasSubstr("u:secret")));
}

}  // namespace
}  // namespace ordersaga::activities
