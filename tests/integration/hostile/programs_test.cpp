// The built programs with wrong arguments and broken settings: a line that says what is wrong, exit code 2 (or what the
// program documents), never a crash.
#include "db/connection.hpp"
#include "runtime/random.hpp"
#include "runtime/sealing.hpp"
#include "tests/support/test_database.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace ordersaga::test {
namespace {

struct Ended {
    int code = -1;  // -1: by a signal
    std::string output;
};

class HostileSettings : public testing::Test {
protected:
    void SetUp() override {
        const char* bin = std::getenv("ORDERSAGA_BIN");
        ASSERT_NE(bin, nullptr) << "ORDERSAGA_BIN is not set: run ./dev test integration, which builds the programs";
        bin_ = bin;
        folder_ = "/tmp/ordersaga-test-" + runtime::random_token(6);
        std::filesystem::create_directory(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    // Without any setting from outside; both outputs together.
    Ended run(const std::string& command) {
        const std::string line = "cd '" + folder_.string() + "' && timeout 20 env -i PATH=/usr/bin:/bin '" + bin_ +
                                 "/'" + command + " 2>&1 </dev/null";
        Ended ended;
        FILE* pipe = popen(line.c_str(), "r");
        if (pipe == nullptr) return ended;
        std::array<char, 4096> buffer;
        for (std::size_t got; (got = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
            ended.output.append(buffer.data(), got);
        const int status = pclose(pipe);
        if (WIFEXITED(status)) ended.code = WEXITSTATUS(status);
        return ended;
    }
    void write(const std::string& name, const std::string& text) {
        std::ofstream(folder_ / name, std::ios::binary) << text;
        std::filesystem::permissions(folder_ / name, std::filesystem::perms{0600});
    }

    std::string bin_;
    std::filesystem::path folder_;
};

TEST_F(HostileSettings, WrongArgumentsAreToldByEveryProgram) {
    write("any.toml", "");
    for (const char* program :
         {"orchestrator --config any.toml", "activity-worker --config any.toml", "notifier --config any.toml",
          "sagactl list", "sandbox"}) {
        const Ended ended = run(std::string(program) + " --no-such-option");
        EXPECT_EQ(ended.code, 2) << program << ": " << ended.output;
        EXPECT_NE(ended.output.find("no-such-option"), std::string::npos) << program << ": " << ended.output;
    }
}

TEST_F(HostileSettings, NoArgumentsAreToldWhatIsMissing) {
    const std::pair<const char*, const char*> cases[] = {
        {"orchestrator", "engine.dsn: is missing"},
        {"activity-worker", "--config is required"},
        {"notifier", "--config is required"},
        {"sagactl", "subcommand is required"}};
    for (const auto& [program, told] : cases) {
        const Ended ended = run(program);
        EXPECT_EQ(ended.code, 2) << program << ": " << ended.output;
        EXPECT_NE(ended.output.find(told), std::string::npos) << program << ": " << ended.output;
    }
}

TEST_F(HostileSettings, MalformedTomlIsToldWithFileAndLine) {
    write("bad.toml", "[engine]\ndsn = \"unfinished\n");
    for (const char* program :
         {"orchestrator --config bad.toml", "activity-worker --config bad.toml", "notifier --config bad.toml",
          "sagactl setup bad.toml --dry-run"}) {
        const Ended ended = run(program);
        EXPECT_EQ(ended.code, 2) << program << ": " << ended.output;
        EXPECT_NE(ended.output.find("bad.toml:2: "), std::string::npos) << program << ": " << ended.output;
    }
}

TEST_F(HostileSettings, AllFaultsAreToldAtOnce) {
    write("odd.toml", "[public]\nport = 99999999\n[nonsense]\nkey = 1\n");
    const Ended ended = run("orchestrator --config odd.toml");
    EXPECT_EQ(ended.code, 2) << ended.output;
    EXPECT_NE(ended.output.find("dsn"), std::string::npos) << ended.output;
    EXPECT_NE(ended.output.find("port"), std::string::npos) << ended.output;
    EXPECT_NE(ended.output.find("nonsense"), std::string::npos) << ended.output;
}

TEST_F(HostileSettings, AMissingFileIsTold) {
    for (const char* program :
         {"orchestrator --config absent.toml", "activity-worker --config absent.toml", "notifier --config absent.toml",
          "sagactl setup absent.toml --dry-run"}) {
        const Ended ended = run(program);
        EXPECT_EQ(ended.code, 2) << program << ": " << ended.output;
        EXPECT_NE(ended.output.find("absent.toml"), std::string::npos) << program << ": " << ended.output;
    }
}

// Nothing is sent in the clear off this machine, by no program and not for want of a word.
TEST_F(HostileSettings, PlainTextOffThisMachineIsRefusedByEveryProgram) {
    write("dsn", "postgresql://a:hidden-word@db.example/x");
    write("url", "amqp://a:hidden-word@rabbit.example/");
    const std::string here = "file:" + folder_.string();
    write(
        "clear.toml", "[engine]\ndsn = \"" + here + "/dsn\"\n[api]\ndsn = \"" + here + "/dsn\"\n[database]\ndsn = \"" +
                          here + "/dsn\"\n[notifier]\ndsn = \"" + here + "/dsn\"\n[amqp]\nurl = \"" + here +
                          "/url\"\n[broker]\nurl = \"" + here + "/url\"\n");
    write("sagactl.toml", "engine_dsn = \"" + here + "/dsn\"\n");
    for (const char* program :
         {"orchestrator --config clear.toml", "activity-worker --config clear.toml", "notifier --config clear.toml",
          "sagactl --config sagactl.toml verify"}) {
        const Ended ended = run(program);
        EXPECT_EQ(ended.code, 2) << program << ": " << ended.output;
        EXPECT_NE(ended.output.find("sslmode=verify-full"), std::string::npos) << program << ": " << ended.output;
        EXPECT_EQ(ended.output.find("hidden-word"), std::string::npos) << program << ": " << ended.output;
    }
}

TEST_F(HostileSettings, ASecretThatEverybodyMayReadIsRefused) {
    write("dsn", "postgresql://a:hidden-word@127.0.0.1:1/x");
    std::filesystem::permissions(folder_ / "dsn", std::filesystem::perms{0644});
    write("open.toml", "[engine]\ndsn = \"file:" + folder_.string() + "/dsn\"\n");
    const Ended ended = run("orchestrator --config open.toml");
    EXPECT_EQ(ended.code, 2) << ended.output;
    EXPECT_NE(ended.output.find("everybody on this machine may read"), std::string::npos) << ended.output;
}

// What an older or newer schema means by a column is not for this build to guess.
TEST_F(HostileSettings, SagactlTouchesNoSchemaButItsOwn) {
    const TestDatabase database;
    db::Connection admin({database.admin_dsn(), "test"});
    const auto execute = [&](const std::string& statement) {
        admin.transact([&](db::Transaction& transaction) { transaction.query(statement); });
    };
    write("dsn", database.dsns().engine);
    write("sagactl.toml", "engine_dsn = \"file:" + folder_.string() + "/dsn\"\n");
    const auto expect_refused = [&](const std::string& reason) {
        for (const char* verb :
             {"verify", "token list", "token create anna --role read --reason r", "operator disable anna",
              "credential list", "privacy list", "connect shopify eu"}) {
            const Ended ended = run(std::string("sagactl --config sagactl.toml ") + verb);
            EXPECT_EQ(ended.code, 6) << verb << ": " << ended.output;
            EXPECT_NE(ended.output.find(reason), std::string::npos) << verb << ": " << ended.output;
        }
    };

    EXPECT_EQ(run("sagactl --config sagactl.toml token list").code, 0);
    execute("INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, 'later', repeat('0', 64))");
    expect_refused("use a newer ordersaga");
    execute("DELETE FROM schema_migrations WHERE version = 9999");
    execute("DELETE FROM schema_migrations WHERE version = (SELECT max(version) FROM schema_migrations)");
    expect_refused("run sagactl migrate");
    admin.transact([](db::Transaction& transaction) {
        EXPECT_EQ(transaction.query("SELECT count(*) FROM merchants").int64(0, 0), 0);
    });
}

TEST_F(HostileSettings, SagactlSaysWhatALoginMayNotDo) {
    const TestDatabase database;
    for (const std::string& dsn : {database.dsns().worker, database.dsns().api}) {
        write("dsn", dsn);
        write("sagactl.toml", "engine_dsn = \"file:" + folder_.string() + "/dsn\"\n");
        const Ended ended = run("sagactl --config sagactl.toml token list");
        EXPECT_EQ(ended.code, 5) << ended.output;
        EXPECT_NE(ended.output.find("this login may not do that"), std::string::npos) << ended.output;
    }
}

TEST_F(HostileSettings, ADatabaseThatIsNotThereIsTold) {
    write("dsn", "postgresql://a:hidden-word@127.0.0.1:1/x");
    write("url", "amqp://a:hidden-word@127.0.0.1:1/");
    write("keys", runtime::new_key_line());
    const std::string here = "file:" + folder_.string();
    write(
        "away.toml", "[engine]\ndsn = \"" + here + "/dsn\"\n[api]\ndsn = \"" + here + "/dsn\"\n[amqp]\nurl = \"" +
                         here + "/url\"\n[credentials]\nkeys = \"" + here + "/keys\"\n");
    const Ended ended = run("orchestrator --config away.toml");
    EXPECT_EQ(ended.code, 3) << ended.output;
    EXPECT_EQ(ended.output.find("hidden-word"), std::string::npos) << "a password was printed: " << ended.output;
}

}  // namespace
}  // namespace ordersaga::test
