// Answers by script in place of the database and the engine.
#pragma once

#include "orchestrator/api/engine_port.hpp"
#include "orchestrator/api/queries.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::api {

using engine::InputResult;
using nlohmann::json;

inline const std::string known_saga = "0190a000-0000-7000-8000-000000000001";

// Shared by the query threads; a test fills it before it asks.
struct Script {
    std::map<std::string, Principal> tokens;    // by hash
    std::map<std::string, Principal> sessions;  // by hash
    SignInAttempt attempt;                      // of every name but "anna": the default, nobody
    SignInAttempt annas_attempt;
    std::map<std::string, KeyClaim> claims;  // by principal and key, as they are found by the next who claims
    std::map<std::string, std::string> fingerprints;
    int schema = 2;
    std::function<void()> before_each;  // may throw
    std::optional<EarlierCommand> earlier;
    std::optional<std::int64_t> adjusted;
    std::optional<LedgerKey> ledger = LedgerKey{4, 2, 9};
    bool dismissed = true;
    std::optional<sagas::StoreId> store = sagas::StoreId{3};
    json incident = {
        {"incident_key", "flush:x"},
        {"saga_id", nullptr},
        {"saga_state", nullptr},
        {"saga_final", nullptr},
        {"closed_at", nullptr}};
    std::optional<ParkedWebhook> parked =
        ParkedWebhook{11, "shopify", "orders/delete", "w-1", R"({"id":5})", "eu.myshopify.com"};
    std::atomic<int> asked{0};
    std::string last;  // what was asked last, by name
    MerchantId last_merchant;
    std::string next;  // of every page
};

class ScriptedQueries final : public Queries {
public:
    explicit ScriptedQueries(Script& script) : script_(script) {}

    std::optional<Principal> find_token(const std::string& hash) override {
        begin("find_token");
        const auto found = script_.tokens.find(hash);
        return found == script_.tokens.end() ? std::nullopt : std::optional(found->second);
    }
    std::optional<Principal> find_session(const std::string& hash) override {
        begin("find_session");
        const auto found = script_.sessions.find(hash);
        return found == script_.sessions.end() ? std::nullopt : std::optional(found->second);
    }
    SignInAttempt begin_sign_in(const std::string& name) override {
        begin("sign in " + name);
        return name == "anna" ? script_.annas_attempt : script_.attempt;
    }
    bool open_session(const SignInAttempt& attempt, const std::string& name, const std::string& hash) override {
        begin("open session");
        script_.sessions[hash] = {
            {}, name, Role::operator_, "operator." + std::to_string(attempt.operator_id), {{{1}, "Shirts"}}};
        return true;
    }
    void end_session(const std::string& hash) override {
        begin("end session");
        script_.sessions.erase(hash);
    }
    KeyClaim claim_key(const KeptUnder& under, const std::string& fingerprint) override {
        begin("claim");
        const std::string name = name_of(under);
        const auto found = script_.claims.find(name);
        if (found == script_.claims.end()) {
            script_.claims[name].kind = KeyClaim::Kind::under_way;
            script_.fingerprints[name] = fingerprint;
            return {};
        }
        if (script_.fingerprints[name] != fingerprint) return {KeyClaim::Kind::another_command, {}};
        return found->second;
    }
    void keep_answer(const KeptUnder& under, const KeptAnswer& answer) override {
        begin("keep");
        script_.claims[name_of(under)] = {KeyClaim::Kind::answered, answer};
    }
    void give_key_back(const KeptUnder& under) override {
        begin("give back");
        script_.claims.erase(name_of(under));
    }
    int stored_schema_version() override {
        begin("schema");
        return script_.schema;
    }
    int wanted_schema_version() const override { return 2; }
    json sagas(MerchantId, const SagaFilter& filter, const Page& page) override {
        return page_for(
            "sagas state=" + filter.state + " limit=" + std::to_string(page.limit) + " after=" + page.after);
    }
    json saga(MerchantId, const std::string& id, bool with_data) override {
        begin("saga");
        if (id != known_saga) return nullptr;
        json saga = {{"saga_id", id}, {"kind", "order"}, {"state", "OnHold"}, {"version", 7}};
        saga["commands"] = {{{"activity", "RequestFulfillment"}}};
        if (with_data) saga["data"] = json::object();
        return saga;
    }
    json history(MerchantId, const std::string&, bool with_details, const Page&) override {
        return page_for(with_details ? "history with details" : "history");
    }
    json order(MerchantId, const std::string& store, const std::string& order) override {
        begin("order");
        return store == "eu" && order == "1" ? json{{"saga_id", known_saga}} : json();
    }
    json stock(MerchantId, const std::string& sku, const std::string&, const Page&) override {
        return page_for("stock " + sku);
    }
    json movements(MerchantId, const std::string& sku, const Page&) override {
        json page = page_for("movements " + sku);
        return sku == "none" ? json() : page;
    }
    std::optional<LedgerKey> ledger(MerchantId, const std::string&, const std::string&) override {
        begin("ledger");
        return script_.ledger;
    }
    std::optional<std::int64_t> adjusted_before(MerchantId, const LedgerKey&, const std::string&) override {
        return script_.adjusted;
    }
    json listings(MerchantId, const std::string&, const std::string&, bool, const Page&) override {
        return page_for("listings");
    }
    std::optional<sagas::StoreId> store_of_listing(MerchantId, const std::string&) override { return script_.store; }
    std::optional<sagas::StoreId> find_store(MerchantId, const std::string&) override { return script_.store; }
    json stores(MerchantId merchant, const Page&) override {
        script_.last_merchant = merchant;
        return page_for("stores");
    }
    json lanes(MerchantId, const Page&) override { return page_for("lanes"); }
    json incidents(MerchantId, bool, const Page&) override { return page_for("incidents"); }
    json incident(MerchantId, const std::string&) override {
        begin("incident");
        return script_.incident;
    }
    json parked(MerchantId, const Page&) override { return page_for("parked"); }
    json parked_item(MerchantId, const std::string&, bool with_input) override {
        begin(with_input ? "parked item with input" : "parked item");
        return {{"item_id", "5"}};
    }
    json audit(MerchantId, const Page&) override { return page_for("audit"); }
    json summary(MerchantId) override {
        begin("summary");
        return {{"sagas", json::object()}};
    }
    json verify(bool) override {
        begin("verify");
        return {{"all_hold", true}, {"laws", json::array()}};
    }
    std::optional<EarlierCommand> find_command(const KeptUnder&) override { return script_.earlier; }
    std::optional<ParkedWebhook> parked_webhook(MerchantId, const std::string&) override { return script_.parked; }
    bool settle_parked(MerchantId, const std::string&, const std::string& how, const std::string&, const std::string&)
        override {
        script_.last = "settle " + how;
        return script_.dismissed;
    }

private:
    static std::string name_of(const KeptUnder& under) { return under.principal + " " + under.key; }
    void begin(const std::string& name) {
        ++script_.asked;
        script_.last = name;
        if (script_.before_each) script_.before_each();
    }
    json page_for(const std::string& name) {
        begin(name);
        json next;
        if (!script_.next.empty()) next = script_.next;
        return {{"items", json::array()}, {"next", next}};
    }

    Script& script_;
};

class ScriptedEngine final : public EnginePort {
public:
    bool has_room(const std::string&) const override { return true; }
    std::chrono::seconds return_in() override { return std::chrono::seconds(2); }
    bool offer(engine::Input input) override {
        offered.push_back(input.content);
        if (full) return false;
        if (result) input.done(*result);
        return true;
    }
    bool offer_preview(PreviewRequest request) override {
        previewed.push_back(request.event);
        request.done(preview);
        return true;
    }

    bool full = false;
    std::optional<InputResult> result = InputResult{InputResult::Kind::applied, "", known_saga, "Compensated", 8};
    runtime::Result<json> preview = json{{"commands", json::array()}};
    std::vector<decltype(engine::Input::content)> offered;
    std::vector<sagas::Event> previewed;
};

}  // namespace ordersaga::api
