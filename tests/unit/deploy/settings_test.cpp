// deploy/ordersaga.toml is where a merchant learns what can be set: it must name every setting that the programs read and no
// other, and show the defaults of the code.
#include "activities/worker_config.hpp"
#include "notifier/notifier_config.hpp"
#include "orchestrator/orchestrator_config.hpp"
#include "runtime/config.hpp"
#include "runtime/sealing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace ordersaga {
namespace {

using testing::IsEmpty;

// The file with its examples put in force ("#port = 1" is one, "# words" is none), credentials taken from the environment.
std::string settings(bool with_examples) {
    std::ifstream file("deploy/ordersaga.toml");
    std::ostringstream text;
    for (std::string line; std::getline(file, line);) {
        const bool example = line.size() > 1 && line[0] == '#' && line[1] != ' ';
        if (example && with_examples) line.erase(0, 1);
        if (const std::size_t at = line.find("\"credential:"); at != std::string::npos) line.replace(at, 12, "\"env:");
        text << line << '\n';
    }
    return text.str();
}

// Every secret is there, no setting is overridden.
runtime::Environment secrets_only() {
    return [](const std::string& name) -> std::optional<std::string> {
        if (name.starts_with("ORDERSAGA_")) return std::nullopt;
        if (name == "secret_credentials_keys") return runtime::new_key_line();
        if (name == "secret_erp_webhook") return "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        if (name.ends_with("_dsn")) return "host=127.0.0.1 password=" + name;
        return "secret of " + name;
    };
}

TEST(Settings, TheFileNamesEverySettingOfTheOrchestratorAndNoOther) {
    runtime::ConfigReader reader = runtime::ConfigReader::from_text(settings(true), secrets_only(), "ordersaga.toml");

    (void)read_orchestrator_config(reader);

    EXPECT_EQ(runtime::describe(reader.finish()), "");
    EXPECT_THAT(reader.left_to_defaults(), IsEmpty()) << "read by the code, not named in deploy/ordersaga.toml";
}

TEST(Settings, TheFileNamesEverySettingOfTheWorkerAndNoOther) {
    runtime::ConfigReader reader = runtime::ConfigReader::from_text(settings(true), secrets_only(), "ordersaga.toml");

    const activities::WorkerConfig config = activities::read_worker_config(reader);

    EXPECT_EQ(runtime::describe(reader.finish()), "");
    EXPECT_THAT(reader.left_to_defaults(), IsEmpty()) << "read by the code, not named in deploy/ordersaga.toml";
    EXPECT_EQ(config.stores.size(), 1U);
    EXPECT_EQ(config.warehouses.size(), 1U);
}

TEST(Settings, TheFileNamesEverySettingOfTheNotifierAndNoOther) {
    runtime::ConfigReader reader = runtime::ConfigReader::from_text(settings(true), secrets_only(), "ordersaga.toml");

    const notifier::NotifierConfig config = notifier::read_notifier_config(reader);

    EXPECT_EQ(runtime::describe(reader.finish()), "");
    EXPECT_THAT(reader.left_to_defaults(), IsEmpty()) << "read by the code, not named in deploy/ordersaga.toml";
    EXPECT_EQ(config.mail.size(), 1U);
    EXPECT_EQ(config.webhooks.size(), 1U);
}

// As it is installed, before anybody has edited it.
TEST(Settings, TheFileServesAllProgramsAsItIsInstalled) {
    runtime::ConfigReader orchestrator = runtime::ConfigReader::from_text(settings(false), secrets_only());
    runtime::ConfigReader worker = runtime::ConfigReader::from_text(settings(false), secrets_only());
    runtime::ConfigReader notifier = runtime::ConfigReader::from_text(settings(false), secrets_only());

    const OrchestratorConfig config = read_orchestrator_config(orchestrator);
    const activities::WorkerConfig worker_config = activities::read_worker_config(worker);
    const notifier::NotifierConfig notifier_config = notifier::read_notifier_config(notifier);

    EXPECT_EQ(runtime::describe(notifier.finish()), "");
    EXPECT_EQ(runtime::describe(orchestrator.finish()), "");
    EXPECT_EQ(runtime::describe(worker.finish()), "");
    EXPECT_THAT(orchestrator.changed_from_defaults(), IsEmpty())
        << "the file shows another value than the code's default";
    EXPECT_THAT(worker.changed_from_defaults(), IsEmpty()) << "the file shows another value than the code's default";
    EXPECT_THAT(notifier.changed_from_defaults(), IsEmpty()) << "the file shows another value than the code's default";
    EXPECT_THAT(notifier_config.mail, IsEmpty());
    EXPECT_THAT(notifier_config.webhooks, IsEmpty());
    EXPECT_EQ(config.public_address, "127.0.0.1");
    EXPECT_EQ(config.private_address, "127.0.0.1");
    EXPECT_THAT(worker_config.stores, IsEmpty());
    EXPECT_FALSE(worker_config.metrics_port.has_value());
}

// A table nobody reads is told, although each program leaves the other's tables alone.
TEST(Settings, AMisspeltTableIsTold) {
    runtime::ConfigReader orchestrator =
        runtime::ConfigReader::from_text(settings(false) + "[dutys]\nx = 1\n", secrets_only());
    runtime::ConfigReader worker =
        runtime::ConfigReader::from_text(settings(false) + "[[shops]]\nx = 1\n", secrets_only());

    (void)read_orchestrator_config(orchestrator);
    (void)activities::read_worker_config(worker);

    EXPECT_THAT(runtime::describe(orchestrator.finish()), testing::HasSubstr("dutys"));
    EXPECT_THAT(runtime::describe(worker.finish()), testing::HasSubstr("shops"));
}

}  // namespace
}  // namespace ordersaga
