// sagactl as a function, against a scripted service on loopback.
#include "orchestrator/cli/command_line.hpp"

#include "runtime/http_server.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace ordersaga::cli {
namespace {

using nlohmann::json;

const std::string saga_id = "0190a000-0000-7000-8000-000000000001";

class ScriptedService {
public:
    ScriptedService()
        : server_(context_.get_executor(), {}, [this](runtime::HttpRequest request) {
              return answer(std::move(request));
          }) {
        server_.start();
        thread_ = std::thread([this] { context_.run(); });
    }
    ~ScriptedService() {
        server_.stop_and_wait(std::chrono::seconds(5));
        context_.stop();
        thread_.join();
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }

    std::map<std::string, std::pair<int, json>> answers;  // by "METHOD target"
    int busy = 0;                                         // so many requests are told to come again at once
    std::vector<runtime::HttpRequest> requests;           // read only while no verb runs

private:
    boost::asio::awaitable<runtime::HttpResponse> answer(runtime::HttpRequest request) {
        runtime::HttpResponse response;
        if (busy > 0) {
            --busy;
            response.status = 429;
            response.headers.emplace_back("Retry-After", "0");
            co_return response;
        }
        const auto found = answers.find(request.method + " " + request.target);
        response.status = found == answers.end() ? 404 : found->second.first;
        response.body = found == answers.end() ? R"({"detail":"there is no such thing"})" : found->second.second.dump();
        requests.push_back(std::move(request));
        co_return response;
    }

    boost::asio::io_context context_;
    runtime::HttpServer server_;
    std::thread thread_;
};

class CommandLineTest : public testing::Test {
protected:
    ExitCode run(const std::vector<std::string>& arguments) {
        out_.str("");
        err_.str("");
        Surroundings world{out_, err_, runtime::fixed_environment(environment_)};
        return run_command_line(arguments, world);
    }

    ScriptedService service_;
    std::map<std::string, std::string> environment_{
        {"ORDERSAGA_URL", service_.url()},
        {"ORDERSAGA_TOKEN", "secret-token"}};
    std::ostringstream out_, err_;
};

TEST_F(CommandLineTest, RefusesWrongArguments) {
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {},
             {"nonsense"},
             {"show"},
             {"list", "--limit", "0"},
             {"list", "--limit", "x"},
             {"cancel", saga_id},
             {"cancel", saga_id, "-r", "  "},
             {"stock"},
             {"stock", "adjust", "S", "--by", "1.5", "-r", "x"},
             {"token", "create", "x", "--role", "king", "-r", "x"},
             {"show", "a", "b"},
             {"--nonsense"},
             {"show", "0190"},
             {"show", "*"},
             {"show", ""},
             {"retry", saga_id.substr(0, 8), "-r", "x"},
             {"migrate", "--write-env", "f"},
             {"setup", "/nowhere/shop.toml"},
             {"--config", "/nowhere/x.toml", "stores"},
             {"--url", "ftp://x", "stores"},
             {"--token-file", "/nowhere", "stores"},
         }) {
        EXPECT_EQ(run(arguments), ExitCode::usage) << testing::PrintToString(arguments) << err_.str();
        EXPECT_FALSE(err_.str().empty());
    }
    EXPECT_TRUE(service_.requests.empty());
}

// What stands on a command line stands in histories and in the list of processes.
TEST_F(CommandLineTest, TakesNoSecretOnTheCommandLine) {
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {"--token", "hidden-word", "stores"},
             {"migrate", "--dsn", "hidden-word"},
             {"migrate", "--password", "hidden-word"},
             {"operator", "create", "anna", "--role", "read", "--password", "hidden-word"},
             {"operator", "password", "anna", "hidden-word"},
             {"credential", "set", "store:eu", "--token", "hidden-word"},
             {"credential", "set", "store:eu", "--client-secret", "hidden-word"},
         }) {
        EXPECT_EQ(run(arguments), ExitCode::usage) << testing::PrintToString(arguments);
        EXPECT_EQ(out_.str().find("hidden-word"), std::string::npos);
    }
    EXPECT_TRUE(service_.requests.empty());
}

TEST_F(CommandLineTest, NamesTheVerbThatIsNoneAndWhereHelpIs) {
    run({"cancle", saga_id, "-r", "x"});
    EXPECT_EQ(err_.str(), "sagactl: there is no verb 'cancle' here; see: sagactl --help\n");
    run({"--json", "--url", "http://x", "parked", "\x1b[31m"});
    EXPECT_EQ(err_.str(), "sagactl: there is no verb '\\x1b[31m' here; see: sagactl parked --help\n");
    run({"parked", "replay"});
    EXPECT_EQ(err_.str(), "sagactl: ITEM is required; see: sagactl parked retry --help\n");
}

TEST_F(CommandLineTest, HelpsAndTellsItsVersion) {
    EXPECT_EQ(run({"--help"}), ExitCode::ok);
    EXPECT_NE(out_.str().find("Exit codes"), std::string::npos);
    EXPECT_EQ(run({"compensate", "--help"}), ExitCode::ok);
    EXPECT_NE(out_.str().find("--dry-run"), std::string::npos);
    EXPECT_EQ(run({"--version"}), ExitCode::ok);
}

TEST_F(CommandLineTest, TurnsAnswersIntoExitCodes) {
    const std::vector<std::pair<int, ExitCode>> table{
        {400, ExitCode::usage},         {401, ExitCode::not_allowed},   {403, ExitCode::not_allowed},
        {404, ExitCode::not_found},     {409, ExitCode::conflict},      {412, ExitCode::conflict},
        {422, ExitCode::usage},         {429, ExitCode::not_reachable}, {500, ExitCode::refused},
        {503, ExitCode::not_reachable},
    };
    for (const auto& [status, code] : table) {
        service_.answers["GET /api/v1/summary"] = {status, {{"detail", "no\x1b[31m"}}};
        EXPECT_EQ(run({"summary"}), code) << status;
        EXPECT_EQ(err_.str(), "sagactl: no\\x1b[31m\n");
    }
    environment_["ORDERSAGA_URL"] = "http://127.0.0.1:1";
    EXPECT_EQ(run({"summary"}), ExitCode::not_reachable);
    EXPECT_NE(err_.str().find("Is the orchestrator running?"), std::string::npos);
    environment_.erase("ORDERSAGA_TOKEN");
    EXPECT_EQ(run({"summary"}), ExitCode::usage);
}

TEST_F(CommandLineTest, ListsOverSeveralPages) {
    service_.answers["GET /api/v1/sagas?state=OnHold&limit=3"] = {
        200, {{"items", {{{"saga_id", "a"}, {"state", "OnHold"}}, {{"saga_id", "b"}}}}, {"next", "c 1"}}};
    service_.answers["GET /api/v1/sagas?state=OnHold&limit=1&after=c%201"] = {
        200, {{"items", {{{"saga_id", "c"}}}}, {"next", "d"}}};
    EXPECT_EQ(run({"list", "--state", "OnHold", "--limit", "3", "--json"}), ExitCode::ok) << err_.str();
    EXPECT_EQ(json::parse(out_.str()).size(), 3U);
    EXPECT_EQ(*service_.requests.at(0).header("authorization"), "Bearer secret-token");
    EXPECT_EQ(run({"list", "--state", "OnHold", "--limit", "3"}), ExitCode::ok);
    EXPECT_NE(out_.str().find("SUBJECT"), std::string::npos);
}

TEST_F(CommandLineTest, FindsASagaByItsOrder) {
    service_.answers["GET /api/v1/orders/eu/1001"] = {200, {{"saga_id", saga_id}}};
    service_.answers["GET /api/v1/orders/eu/1002"] = {200, {{"saga_id", nullptr}, {"reason", "before go-live"}}};
    service_.answers["GET /api/v1/sagas/" + saga_id] = {
        200, {{"saga_id", saga_id}, {"state", "OnHold"}, {"version", 7}}};
    EXPECT_EQ(run({"show", "eu/1001"}), ExitCode::ok);
    EXPECT_NE(out_.str().find("OnHold"), std::string::npos);
    EXPECT_EQ(run({"show", "eu/1002"}), ExitCode::not_found);
    EXPECT_NE(err_.str().find("before go-live"), std::string::npos);
    EXPECT_EQ(run({"show", "eu/9"}), ExitCode::not_found);
}

TEST_F(CommandLineTest, SendsReasonKeyAndVersion) {
    service_.answers["POST /api/v1/sagas/" + saga_id + "/cancel"] = {
        200, {{"result", "applied"}, {"state", "CancellingFulfillment"}, {"version", 8}}};
    EXPECT_EQ(run({"cancel", saga_id, "-r", "customer called", "--if-version", "7"}), ExitCode::ok) << err_.str();
    const runtime::HttpRequest& request = service_.requests.at(0);
    EXPECT_EQ(json::parse(request.body), (json{{"reason", "customer called"}}));
    EXPECT_EQ(*request.header("if-match"), "\"7\"");
    EXPECT_EQ(request.header("idempotency-key")->size(), 36U);
    EXPECT_NE(out_.str().find("CancellingFulfillment"), std::string::npos);
}

TEST_F(CommandLineTest, PrintsWhatACompensationWouldDo) {
    const json path = {{{"event", "CancelRequested"}, {"from", "Reserved"}, {"to", "ReleasingStock"}, {"note", ""}}};
    const json calls = {
        {{"activity", "CancelFulfillment"},
         {"lane", "warehouse:1"},
         {"key", "cancel"},
         {"payload", {{"reference", "eu.1.1.1"}}},
         {"already_under_way", false}}};
    const json changes = {
        {{"kind", "stock"}, {"sku", "SHIRT"}, {"move", "release"}, {"available", 2}, {"reserved", -2}}};
    service_.answers["POST /api/v1/sagas/" + saga_id + "/compensate"] = {
        200,
        {{"saga_id", saga_id}, {"ends_in", "Compensated"}, {"path", path}, {"calls", calls}, {"changes", changes}}};

    EXPECT_EQ(run({"compensate", saga_id, "-r", "x", "--dry-run"}), ExitCode::ok) << err_.str();

    EXPECT_TRUE(json::parse(service_.requests.at(0).body).at("dry_run"));
    for (const std::string part :
         {"Compensated", "CancelRequested", "CancelFulfillment", "eu.1.1.1", "available +2, reserved -2",
          "Nothing was changed"}) {
        EXPECT_NE(out_.str().find(part), std::string::npos) << part << "\nin\n" << out_.str();
    }
}

TEST_F(CommandLineTest, AdjustsTheLedgerThatItHasRead) {
    service_.answers["GET /api/v1/stock?sku=A%2FB&limit=100"] = {
        200, {{"items", {{{"sku", "A/B"}, {"warehouse", "main"}, {"version", 9}}}}, {"next", nullptr}}};
    service_.answers["POST /api/v1/stock/A%2FB/adjust"] = {200, {{"result", "applied"}}};
    EXPECT_EQ(run({"stock", "adjust", "A/B", "--by", "-2", "-r", "damaged"}), ExitCode::ok) << err_.str();
    const json body = json::parse(service_.requests.at(1).body);
    EXPECT_EQ(body, (json{{"warehouse", "main"}, {"difference", -2}, {"expected_version", 9}, {"reason", "damaged"}}));
}

TEST_F(CommandLineTest, WaitsWhenItAsksTooOften) {
    service_.answers["GET /api/v1/stock?limit=200"] = {200, {{"items", json::array()}, {"next", nullptr}}};
    service_.busy = 3;
    EXPECT_EQ(run({"stock", "list"}), ExitCode::ok) << err_.str();
    service_.busy = 100;
    EXPECT_EQ(run({"stock", "list"}), ExitCode::not_reachable);
    EXPECT_EQ(service_.busy, 94) << "patience has an end";
}

class StockImportTest : public CommandLineTest {
protected:
    StockImportTest() {
        service_.answers["GET /api/v1/stock?limit=200"] = {
            200,
            {{"items", {ledger("SHIRT", "main", 20, 9), ledger("HAT", "main", 3, 4), ledger("CAP", "main", 5, 1)}},
             {"next", "more"}}};
        service_.answers["GET /api/v1/stock?limit=200&after=more"] = {
            200, {{"items", {ledger("BELT", "main", 7, 2)}}, {"next", nullptr}}};
        for (const std::string sku : {"SHIRT", "HAT", "BELT"})
            service_.answers["POST /api/v1/stock/" + sku + "/adjust"] = {200, {{"result", "applied"}}};
    }
    ~StockImportTest() override { std::filesystem::remove(file_); }

    static json ledger(const std::string& sku, const std::string& warehouse, int on_hand, int version) {
        return {{"sku", sku}, {"warehouse", warehouse}, {"on_hand", on_hand}, {"version", version}};
    }

    ExitCode import(const std::string& content, const std::vector<std::string>& flags = {}) {
        std::ofstream(file_) << content;
        service_.requests.clear();
        std::vector<std::string> arguments{"stock", "import", file_.string(), "-r", "count of July"};
        arguments.insert(arguments.end(), flags.begin(), flags.end());
        return run(arguments);
    }

    std::vector<json> adjustments() const {
        std::vector<json> bodies;
        for (const runtime::HttpRequest& request : service_.requests) {
            if (request.method == "POST") bodies.push_back(json::parse(request.body));
        }
        return bodies;
    }

    std::filesystem::path file_ =
        std::filesystem::temp_directory_path() / ("stock_import_" + std::to_string(::getpid()) + ".csv");
};

TEST_F(StockImportTest, AdjustsWhatDiffersByTheDifferenceToTheVersionRead) {
    EXPECT_EQ(import("sku,on_hand\nSHIRT,18\nHAT,3\nBELT,12\n"), ExitCode::ok) << err_.str();
    const std::vector<json> bodies = adjustments();
    ASSERT_EQ(bodies.size(), 2U);
    EXPECT_EQ(
        bodies[0],
        (json{{"warehouse", "main"}, {"difference", -2}, {"expected_version", 9}, {"reason", "count of July"}}));
    EXPECT_EQ(
        bodies[1],
        (json{{"warehouse", "main"}, {"difference", 5}, {"expected_version", 2}, {"reason", "count of July"}}));
}

TEST_F(StockImportTest, OnlyPrintsTheMovesOfADryRun) {
    EXPECT_EQ(import("sku,on_hand\nSHIRT,18\nSOCK,1\n", {"--dry-run"}), ExitCode::ok) << err_.str();
    EXPECT_TRUE(adjustments().empty());
    EXPECT_NE(out_.str().find("SHIRT"), std::string::npos);
    EXPECT_NE(out_.str().find("-2"), std::string::npos);
    EXPECT_NE(err_.str().find("line 3: SOCK"), std::string::npos);
}

TEST_F(StockImportTest, ListsUnknownSkusAndChangesNothingUnlessToldTo) {
    const std::string file = "sku,warehouse,on_hand\nSHIRT,main,18\nSOCK,main,1\nHAT,attic,1\n";
    EXPECT_EQ(import(file), ExitCode::not_found);
    EXPECT_TRUE(adjustments().empty());
    EXPECT_NE(err_.str().find("line 3: SOCK"), std::string::npos);
    EXPECT_NE(err_.str().find("line 4: HAT in 'attic'"), std::string::npos);

    EXPECT_EQ(import(file, {"--skip-unknown", "--json"}), ExitCode::ok) << err_.str();
    EXPECT_EQ(adjustments().size(), 1U);
    EXPECT_EQ(json::parse(out_.str()).at("unknown").size(), 2U);
}

TEST_F(StockImportTest, GoesOnAfterALedgerThatMovedAndSaysSo) {
    service_.answers["POST /api/v1/stock/SHIRT/adjust"] = {409, {{"detail", "the stock is at version 10 now"}}};
    EXPECT_EQ(import("sku,on_hand\nSHIRT,18\nHAT,4\n"), ExitCode::conflict);
    EXPECT_EQ(adjustments().size(), 2U);
    EXPECT_NE(out_.str().find("refused: the stock is at version 10 now"), std::string::npos);
    EXPECT_NE(out_.str().find("applied"), std::string::npos);
}

TEST_F(StockImportTest, TellsWhatWasDoneBeforeTheServiceFailed) {
    service_.answers["POST /api/v1/stock/HAT/adjust"] = {503, {{"detail", "not stored in time"}}};
    EXPECT_EQ(import("sku,on_hand\nSHIRT,18\nHAT,4\nBELT,1\n"), ExitCode::not_reachable);
    EXPECT_EQ(adjustments().size(), 2U);
    EXPECT_NE(out_.str().find("applied"), std::string::npos);
    EXPECT_NE(out_.str().find("not done"), std::string::npos);
}

TEST_F(StockImportTest, TellsAllFaultsOfTheFileAtOnceAndChangesNothing) {
    EXPECT_EQ(import("sku,on_hand\nSHIRT,18\nHAT,-1\nBELT,1.5\nSHIRT,4\n,4\nCAP,9999999999\n"), ExitCode::usage);
    EXPECT_TRUE(adjustments().empty());
    for (const char* line : {":3: ", ":4: ", ":5: ", ":6: ", ":7: "})
        EXPECT_NE(err_.str().find(line), std::string::npos) << line << err_.str();
    EXPECT_EQ(import("sku,quantity\nSHIRT,18\n"), ExitCode::usage);
    EXPECT_EQ(import("sku,on_hand\n"), ExitCode::usage);
}

TEST_F(CommandLineTest, SurvivesAServiceThatTalksNonsense) {
    service_.answers["GET /api/v1/stores"] = {200, "text"};
    EXPECT_EQ(run({"stores"}), ExitCode::not_found);  // the query differs: 404
    service_.answers["GET /api/v1/stores?limit=200"] = {200, "text"};
    EXPECT_EQ(run({"stores"}), ExitCode::refused);
    service_.answers["GET /api/v1/stores?limit=200"] = {
        200, {{"items", {1, nullptr, "x", {{"key", {1, 2}}}}}, {"next", nullptr}}};
    EXPECT_EQ(run({"stores"}), ExitCode::ok);
}

TEST_F(CommandLineTest, NeedsADatabaseAddressForDatabaseVerbs) {
    EXPECT_EQ(run({"migrate"}), ExitCode::usage);
    EXPECT_NE(err_.str().find("ORDERSAGA_MIGRATOR_DSN"), std::string::npos);
    environment_["ORDERSAGA_MIGRATOR_DSN"] = "host=127.0.0.1 port=1 user=x password=hidden dbname=x";
    EXPECT_EQ(run({"migrate"}), ExitCode::not_reachable);
    EXPECT_EQ(err_.str().find("hidden"), std::string::npos);
    environment_["ORDERSAGA_ENGINE_DSN"] = environment_["ORDERSAGA_MIGRATOR_DSN"];
    EXPECT_EQ(run({"verify"}), ExitCode::not_reachable);
    EXPECT_EQ(run({"token", "create", "anna", "--role", "read", "-r", "x"}), ExitCode::not_reachable);
    EXPECT_EQ(out_.str(), "");
}

}  // namespace
}  // namespace ordersaga::cli
