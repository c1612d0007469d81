#include "orchestrator/api/private_listener.hpp"

#include "orchestrator/api/cursor.hpp"
#include "orchestrator/api/dashboard_answers.hpp"
#include "orchestrator/api/diagram.hpp"
#include "orchestrator/api/gate.hpp"
#include "orchestrator/api/live_stream.hpp"
#include "orchestrator/api/problem.hpp"
#include "orchestrator/api/request_reader.hpp"
#include "orchestrator/api/routes.hpp"
#include "orchestrator/api/sign_in.hpp"
#include "orchestrator/orders/arrivals.hpp"
#include "orchestrator/webhook/shipbob_webhook.hpp"
#include "orchestrator/webhook/shopify_webhook.hpp"
#include "runtime/crypto.hpp"
#include "runtime/json.hpp"
#include "runtime/log.hpp"
#include "runtime/metrics.hpp"
#include "runtime/random.hpp"
#include "sagas/order_saga.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace ordersaga::api {

namespace {

namespace asio = boost::asio;
using engine::InputResult;
using nlohmann::json;
using runtime::HttpRequest;
using runtime::HttpResponse;

HttpResponse json_answer(const json& body, int status = 200) {
    HttpResponse response;
    response.status = status;
    response.body = runtime::dump_json(body);
    response.headers.emplace_back("Cache-Control", "no-store");
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    return response;
}

HttpResponse text_answer(std::string content_type, std::string body) {
    HttpResponse response;
    response.content_type = std::move(content_type);
    response.body = std::move(body);
    response.headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
    return response;
}

HttpResponse front_page() {
    json paths = json::object();
    for (const Route& route : routes)
        paths["/api/v1" + std::string(route.path)] = route.method;
    return json_answer({
        {"service", "ordersaga, private listener"},
        {"openapi", "/api/v1/openapi.json"},
        {"health", {"/healthz", "/readyz", "/metrics"}},
        {"paths", std::move(paths)},
    });
}

// The event that a command tells the saga, and the word for the audit.
struct SagaCommand {
    std::string_view word;
    std::string_view event;
    bool says_by_whom = false;
};

SagaCommand command_of(Operation operation) {
    switch (operation) {
        case Operation::retry_saga: return {"retry", "OperatorRetried"};
        case Operation::hold_saga: return {"hold", "HoldPlaced"};
        case Operation::release_saga: return {"release", "HoldReleased"};
        case Operation::cancel_saga: return {"cancel", "CancelRequested", true};
        // What is done is undone step by step: the same way back that a cancelled order goes.
        case Operation::compensate_saga: return {"compensate", "CancelRequested", true};
        default: throw Problem(500, "not a command of a saga");
    }
}

std::string_view name_of(InputResult::Kind kind) {
    switch (kind) {
        case InputResult::Kind::applied: return "applied";
        case InputResult::Kind::duplicate: return "duplicate";
        case InputResult::Kind::ignored: return "ignored";
        case InputResult::Kind::parked: return "parked";
        case InputResult::Kind::refused: return "refused";
        case InputResult::Kind::unavailable: return "unavailable";
    }
    return "unavailable";
}

// The id as the database writes it, so that the engine and the audit see one spelling.
std::string saga_id_of(const std::string& text) {
    if (!runtime::is_uuid(text)) throw Problem(404, "there is no such saga");
    std::string id = text;
    std::transform(id.begin(), id.end(), id.begin(), [](char c) {
        return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return id;
}

std::string_view missing_text(Operation operation) {
    switch (operation) {
        case Operation::show_order: return "there is no such order";
        case Operation::list_movements: return "there is no such SKU";
        case Operation::show_incident: return "there is no such incident";
        case Operation::show_parked: return "there is no such open item";
        default: return "there is no such saga";
    }
}

bool is_state(const std::string& name) {
    const std::vector<std::string>& states = sagas::OrderSaga::states();
    return std::find(states.begin(), states.end(), name) != states.end();
}

using Question = std::function<json(Queries&)>;

// What a read asks of the database. Throws Problem for a malformed request.
Question question_of(const Match& match, const HttpRequest& request, const Principal& who) {
    QueryReader query(request);
    const MerchantId merchant = who.merchant;
    const bool may_see_details = who.role >= Role::operator_;
    Question question;
    switch (match.route->operation) {
        case Operation::list_sagas: {
            SagaFilter filter{
                .state = query.text("state"),
                .store = query.text("store"),
                .sku = query.text("sku"),
                .text = query.text("text"),
                .only_open = query.flag("open"),
                .with_incident = query.flag("incident"),
                .older_than = query.duration("older_than")};
            if (!filter.state.empty() && !is_state(filter.state))
                throw Problem(400, "there is no such state; states are those of the diagram, as in OnHold");
            question = [merchant, filter = std::move(filter), page = query.page(match.route->path)](Queries& ask) {
                return ask.sagas(merchant, filter, page);
            };
            break;
        }
        case Operation::show_saga: {
            const bool with_data = query.flag("data");
            if (with_data && who.role < Role::admin)
                throw Problem(403, "a saga's data holds addresses: only an admin may see it");
            question = [merchant, id = saga_id_of(match.parameters[0]), with_data](Queries& ask) {
                return ask.saga(merchant, id, with_data);
            };
            break;
        }
        case Operation::show_diagram:
            question = [merchant, id = saga_id_of(match.parameters[0])](Queries& ask) {
                return ask.saga(merchant, id, false);
            };
            break;
        case Operation::show_history:
            question = [merchant, id = saga_id_of(match.parameters[0]), may_see_details,
                        page = query.page(match.route->path)](Queries& ask) {
                if (page.after.empty() && ask.saga(merchant, id, false).is_null()) return json();
                return ask.history(merchant, id, may_see_details, page);
            };
            break;
        case Operation::show_order:
            question = [merchant, names = match.parameters](Queries& ask) {
                return ask.order(merchant, names[0], names[1]);
            };
            break;
        case Operation::list_stock: {
            const std::string sku = query.text("sku"), warehouse = query.text("warehouse");
            question = [merchant, sku, warehouse, page = query.page(match.route->path)](Queries& ask) {
                return ask.stock(merchant, sku, warehouse, page);
            };
            break;
        }
        case Operation::list_movements:
            question = [merchant, sku = match.parameters[0], page = query.page(match.route->path)](Queries& ask) {
                return ask.movements(merchant, sku, page);
            };
            break;
        case Operation::list_listings: {
            const std::string store = query.text("store"), sku = query.text("sku");
            const bool only_parked = query.flag("parked");
            question = [merchant, store, sku, only_parked, page = query.page(match.route->path)](Queries& ask) {
                return ask.listings(merchant, store, sku, only_parked, page);
            };
            break;
        }
        case Operation::list_stores:
            question = [merchant, page = query.page(match.route->path)](Queries& ask) {
                return ask.stores(merchant, page);
            };
            break;
        case Operation::list_lanes:
            question = [merchant, page = query.page(match.route->path)](Queries& ask) {
                return ask.lanes(merchant, page);
            };
            break;
        case Operation::list_incidents: {
            const bool closed_too = query.flag("closed");
            question = [merchant, closed_too, page = query.page(match.route->path)](Queries& ask) {
                return ask.incidents(merchant, closed_too, page);
            };
            break;
        }
        case Operation::show_incident:
            question = [merchant, id = match.parameters[0]](Queries& ask) {
                return ask.incident(merchant, id);
            };
            break;
        case Operation::show_parked: {
            const bool with_input = query.flag("data");
            if (with_input && who.role < Role::admin)
                throw Problem(403, "what was parked is about persons: only an admin may see it");
            question = [merchant, id = match.parameters[0], with_input](Queries& ask) {
                return ask.parked_item(merchant, id, with_input);
            };
            break;
        }
        case Operation::list_parked:
            question = [merchant, page = query.page(match.route->path)](Queries& ask) {
                return ask.parked(merchant, page);
            };
            break;
        case Operation::list_audit:
            question = [merchant, page = query.page(match.route->path)](Queries& ask) {
                return ask.audit(merchant, page);
            };
            break;
        case Operation::show_summary:
            question = [merchant](Queries& ask) {
                return ask.summary(merchant);
            };
            break;
        case Operation::verify_laws: {
            const bool at_rest = query.flag("at_rest");
            question = [at_rest](Queries& ask) {
                return ask.verify(at_rest);
            };
            break;
        }
        default: throw Problem(500, "not a read");
    }
    query.finish();
    return question;
}

HttpResponse answer_of_read(Operation operation, json answer) {
    if (answer.is_null()) throw Problem(404, std::string(missing_text(operation)));
    if (operation == Operation::show_diagram) {
        if (answer.at("kind") != "order") throw Problem(404, "there is no diagram of this kind of saga");
        return json_answer(diagram_document(answer.at("saga_id"), answer.at("state")));
    }
    HttpResponse response = json_answer(answer);
    if (operation == Operation::show_saga)
        response.headers.emplace_back("ETag", "\"" + answer.at("version").dump() + "\"");
    return response;
}

// A page's own cursor in place of the database's.
void seal_next(const Route& route, json& page) {
    const auto next = page.is_object() ? page.find("next") : page.end();
    if (next != page.end() && next->is_string()) *next = seal_cursor(route.path, next->get<std::string>());
}

HttpResponse kept_answer(const KeptAnswer& kept) {
    HttpResponse response;
    response.status = kept.status;
    if (kept.status >= 400) response.content_type = "application/problem+json";
    response.body = kept.body;
    response.headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
    if (!kept.etag.empty()) response.headers.emplace_back("ETag", kept.etag);
    response.headers.emplace_back("Idempotency-Replayed", "true");
    return response;
}

// A name in braces stands for all that may follow.
bool leads_to(const OpenRoute& route, std::string_view path) {
    const std::size_t brace = route.path.find('{');
    return brace == std::string_view::npos ? path == route.path : path.starts_with(route.path.substr(0, brace));
}

// The methods of an open path, "" for any other.
std::string open_methods_of(std::string_view path) {
    std::string methods;
    for (const OpenRoute& route : open_routes) {
        if (leads_to(route, path)) methods += (methods.empty() ? "" : ", ") + std::string(route.method);
    }
    return methods;
}

bool is_open(std::string_view method, std::string_view path) {
    return std::any_of(open_routes.begin(), open_routes.end(), [&](const OpenRoute& route) {
        return leads_to(route, path) && (route.method == method || (method == "HEAD" && route.method == "GET"));
    });
}

class PrivateListener {
public:
    PrivateListener(
        QueryThreads& queries,
        EnginePort& engine,
        runtime::Clock& clock,
        runtime::Metrics& metrics,
        PrivateListenerOptions options)
        : queries_(queries),
          engine_(engine),
          clock_(clock),
          metrics_(metrics),
          options_(std::move(options)),
          gate_(options_.gate),
          sign_in_(queries, gate_, clock, options_.secure_cookie) {}

    asio::awaitable<HttpResponse> answer(HttpRequest request) {
        std::exception_ptr fault;
        HttpResponse response;
        runtime::HttpHeaders rate;
        try {
            response = co_await answer_or_throw(request, rate);
        } catch (...) {
            fault = std::current_exception();
        }
        if (fault) response = answer_of_fault(fault);
        response.headers.insert(response.headers.end(), rate.begin(), rate.end());
        metrics_
            .counter(
                "ordersaga_api_answers_total", "Answers of the private listener by status",
                {{"status", std::to_string(response.status)}})
            .add();
        co_return response;
    }

private:
    // `rate` receives the RateLimit fields once it is known who asks.
    asio::awaitable<HttpResponse> answer_or_throw(const HttpRequest& request, runtime::HttpHeaders& rate) {
        // Probes call a machine by whatever address they have; they learn nothing.
        const bool is_probe = request.path == "/healthz" || request.path == "/readyz";
        if (!is_probe) {
            gate_.require_known_host(request);
            gate_.admit_address(request.remote_address, clock_.now());
        }
        if (const std::string methods = open_methods_of(request.path); !methods.empty()) {
            if (!is_open(request.method, request.path)) co_return method_refused(methods);
            HttpResponse response = co_await open_answer(request);
            co_return response;
        }
        const Match match = find_route(request.method, request.target);
        if (match.route == nullptr) {
            if (!match.allowed.empty()) co_return method_refused(match.allowed);
            throw Problem(404, "nothing is served here");
        }
        const Principal who = co_await authenticate(request, *match.route, rate);
        if (match.route->operation == Operation::watch_live) co_return watch_live(request, who, *match.route);
        if (match.route->method == "GET") {
            Question question = question_of(match, request, who);
            json answer = co_await queries_.ask(std::move(question));
            if (match.route->operation == Operation::show_saga) tell_most_attempts(answer);
            seal_next(*match.route, answer);
            co_return answer_of_read(match.route->operation, std::move(answer));
        }
        HttpResponse response = co_await perform(match, request, who);
        co_return response;
    }

    // The policy is the engine's: the rows do not know it.
    void tell_most_attempts(json& saga) const {
        if (!options_.most_attempts || saga.is_null() || !saga.contains("commands")) return;
        for (json& command : saga.at("commands"))
            command["most_attempts"] = options_.most_attempts(command.at("activity"));
    }

    static HttpResponse method_refused(const std::string& allowed) {
        HttpResponse response = problem_answer(405, "this path serves " + allowed);
        response.headers.emplace_back("Allow", allowed);
        return response;
    }

    asio::awaitable<HttpResponse> open_answer(const HttpRequest& request) {
        HttpResponse response;
        if (request.path == "/session") {
            response = co_await sign_in_.answer(request);
        } else if (request.path == "/readyz") {
            response = co_await readiness();
        } else {
            response = ready_made_answer(request);
        }
        co_return response;
    }

    HttpResponse ready_made_answer(const HttpRequest& request) const {
        const std::string& path = request.path;
        if (path == "/healthz") return json_answer({{"status", "alive"}});
        if (path == "/metrics") return text_answer("text/plain; version=0.0.4; charset=utf-8", metrics_.exposition());
        if (path == "/api/v1/openapi.json") return text_answer("application/json", std::string(openapi_document()));
        if (path == "/") return wants_page(request) ? page_answer() : front_page();
        std::optional<HttpResponse> asset = asset_answer(path);
        if (!asset) throw Problem(404, "nothing is served here");
        return std::move(*asset);
    }

    // The stream outlives this answer, but not the handler, which the server keeps while a connection is open.
    HttpResponse watch_live(const HttpRequest& request, const Principal& who, const Route& route) {
        QueryReader(request).finish();
        std::shared_ptr<LiveFeed::Viewer> viewer = options_.live->join(who.merchant);
        if (!viewer) throw Problem(503, "too many live views are open");
        LiveStreamParts parts;
        parts.feed = options_.live;
        parts.viewer = std::move(viewer);
        parts.merchant = who.merchant;
        parts.count = [this, merchant = who.merchant] {
            return counts_text(merchant);
        };
        parts.may_go_on = [this, request, who, &route] {
            return is_still(request, who, route);
        };
        HttpResponse response = text_answer("text/event-stream", "");
        response.headers.emplace_back("X-Accel-Buffering", "no");  // or a proxy keeps the events to itself
        response.stream = live_stream(std::move(parts));
        return response;
    }

    asio::awaitable<std::string> counts_text(MerchantId merchant) {
        Question question = [merchant](Queries& ask) {
            return ask.summary(merchant);
        };
        const json summary = co_await queries_.ask(std::move(question));
        co_return runtime::dump_json(summary);
    }

    asio::awaitable<bool> is_still(HttpRequest request, Principal who, const Route& route) {
        bool still = false;
        runtime::HttpHeaders rate;  // the stream's head is sent already
        try {
            const Principal now = co_await authenticate(request, route, rate);
            still = now.merchant == who.merchant;
        } catch (const std::exception&) {
            // Ended too early by a database that is away, a view comes back by itself.
        }
        co_return still;
    }

    asio::awaitable<HttpResponse> readiness() {
        json parts = json::object();
        bool ready = true;
        const auto add = [&](const std::string& name, const ReadinessPart& part) {
            parts[name] = {{"ready", part.ready}, {"text", part.text}};
            ready = ready && part.ready;
        };
        const ReadinessPart database = co_await database_readiness();
        add("database", database);
        for (const auto& [name, probe] : options_.probes)
            add(name, probe());
        co_return json_answer({{"ready", ready}, {"parts", std::move(parts)}}, ready ? 200 : 503);
    }

    asio::awaitable<ReadinessPart> database_readiness() {
        ReadinessPart part;
        std::function<std::pair<int, int>(Queries&)> question = [](Queries& ask) {
            return std::pair(ask.stored_schema_version(), ask.wanted_schema_version());
        };
        try {
            const std::pair<int, int> versions = co_await queries_.ask(std::move(question));
            part.ready = versions.first == versions.second;
            part.text = "schema " + std::to_string(versions.first);
            if (!part.ready) part.text += ", but this build needs " + std::to_string(versions.second);
        } catch (const std::exception&) {
            part.text = "cannot be asked";
        }
        co_return part;
    }

    asio::awaitable<Principal> authenticate(
        const HttpRequest& request,
        const Route& route,
        runtime::HttpHeaders& rate) {
        const Credential credential = gate_.credential_of(request, clock_.now());
        const bool by_token = credential.kind == Credential::Kind::token;
        std::function<std::optional<Principal>(Queries&)> question = [hash = credential.hash, by_token](Queries& ask) {
            return by_token ? ask.find_token(hash) : ask.find_session(hash);
        };
        std::optional<Principal> who = co_await queries_.ask(std::move(question));
        if (!who && by_token) gate_.note_wrong_guess(request.remote_address, clock_.now());
        if (!who)
            throw Problem(
                401, by_token ? "the token is not known, has expired or was revoked"
                              : "there is no such session, or it has ended");
        rate = gate_.admit(credential.hash, clock_.now());
        Gate::authorize(*who, credential, route, request);
        co_return std::move(*who);
    }

    // A command as its repeats are recognised by.
    struct Keyed {
        KeptUnder under;
        std::string fingerprint;
        bool only_looked = false;  // a preview: nothing was decided
    };

    // With an Idempotency-Key: once, and the same answer to every repeat.
    asio::awaitable<HttpResponse> perform(const Match& match, const HttpRequest& request, const Principal& who) {
        QueryReader(request).finish();
        Keyed keyed{
            {who.merchant, who.id, idempotency_key_of(request)},
            runtime::sha256_hex(request.method + "\n" + request.target + "\n" + request.body)};
        if (keyed.under.key.empty()) {
            HttpResponse response = co_await perform_once(match, request, who, keyed);
            co_return response;
        }
        const KeyClaim claim = co_await claim_key(keyed);
        if (claim.kind == KeyClaim::Kind::answered) co_return kept_answer(claim.answer);
        std::exception_ptr fault;
        HttpResponse response;
        try {
            response = co_await perform_once(match, request, who, keyed);
        } catch (...) {
            fault = std::current_exception();
        }
        if (fault) response = answer_of_fault(fault);
        co_await settle_key(keyed, response, is_surely_undone(fault));
        co_return response;
    }

    asio::awaitable<KeyClaim> claim_key(const Keyed& keyed) {
        std::function<KeyClaim(Queries&)> question = [keyed](Queries& ask) {
            return ask.claim_key(keyed.under, keyed.fingerprint);
        };
        KeyClaim claim = co_await queries_.ask(std::move(question));
        if (claim.kind == KeyClaim::Kind::under_way)
            throw Problem(409, "a command with this Idempotency-Key is under way");
        if (claim.kind == KeyClaim::Kind::another_command)
            throw Problem(422, "this Idempotency-Key was used for another command");
        co_return claim;
    }

    static bool is_surely_undone(const std::exception_ptr& fault) {
        if (!fault) return false;
        try {
            std::rethrow_exception(fault);
        } catch (const OutcomeNotSeen&) {
            return false;
        } catch (const Problem&) {
            return true;
        } catch (...) {
            return false;
        }
    }

    // Keeps what was decided; gives the key of what was not done back, and of what was only looked at, which may hold
    // addresses. That of an unseen outcome stays claimed: by the time it lapses the command is done, and recognised, or it
    // never will be.
    asio::awaitable<void> settle_key(const Keyed& keyed, const HttpResponse& response, bool surely_undone) {
        const std::string* etag = runtime::find_header(response.headers, "etag");
        const KeptAnswer answer{response.status, etag == nullptr ? std::string() : *etag, response.body};
        const bool decided = answer.status < 500 && !keyed.only_looked;
        if (!decided && !keyed.only_looked && !surely_undone) co_return;
        std::function<bool(Queries&)> question = [under = keyed.under, answer, decided](Queries& ask) {
            if (decided)
                ask.keep_answer(under, answer);
            else
                ask.give_key_back(under);
            return true;
        };
        try {
            co_await queries_.ask(std::move(question));
        } catch (const std::exception& error) {
            // The command has been answered all the same; its repeat is recognised by what it did.
            runtime::log_warn("an answer could not be kept", {{"reason", error.what()}});
        }
    }

    asio::awaitable<HttpResponse> perform_once(
        const Match& match,
        const HttpRequest& request,
        const Principal& who,
        Keyed& keyed) {
        HttpResponse response;
        switch (match.route->operation) {
            case Operation::adjust_stock: response = co_await adjust_stock(match, request, who, keyed); break;
            case Operation::retry_parked: response = co_await retry_parked(match, request, who); break;
            case Operation::dismiss_parked: response = co_await dismiss_parked(match, request, who); break;
            case Operation::close_incident: response = co_await close_incident(match, request, who, keyed); break;
            case Operation::unpark_listing: response = co_await unpark_listing(match, request, who, keyed); break;
            case Operation::activate_store:
            case Operation::deactivate_store: response = co_await switch_store(match, request, who, keyed); break;
            case Operation::set_store_mode: response = co_await set_store_mode(match, request, who, keyed); break;
            default: response = co_await command_saga(match, request, who, keyed); break;
        }
        co_return response;
    }

    // True: this very command was accepted before, though its answer was not kept.
    asio::awaitable<bool> was_done(const Keyed& keyed) {
        if (keyed.under.key.empty()) co_return false;
        std::function<std::optional<EarlierCommand>(Queries&)> question = [under = keyed.under](Queries& ask) {
            return ask.find_command(under);
        };
        const std::optional<EarlierCommand> earlier = co_await queries_.ask(std::move(question));
        if (earlier && earlier->fingerprint != keyed.fingerprint)
            throw Problem(422, "this Idempotency-Key was used for another command");
        co_return earlier.has_value();
    }

    asio::awaitable<json> find_saga(MerchantId merchant, const std::string& saga_id) {
        Question question = [merchant, saga_id](Queries& ask) {
            return ask.saga(merchant, saga_id, false);
        };
        json saga = co_await queries_.ask(std::move(question));
        if (saga.is_null()) throw Problem(404, "there is no such saga");
        co_return saga;
    }

    engine::AuditRow audit_row(
        const Principal& who,
        std::string action,
        std::string subject,
        std::string reason,
        const Keyed& keyed) {
        engine::AuditRow row{who.merchant,       clock_.now(),      who.name,      std::move(action),
                             std::move(subject), std::move(reason), json::object()};
        if (!keyed.under.key.empty())
            row.details = {
                {"idempotency_key", keyed.under.key}, {"fingerprint", keyed.fingerprint}, {"principal", who.id}};
        return row;
    }

    asio::awaitable<HttpResponse> command_saga(
        const Match& match,
        const HttpRequest& request,
        const Principal& who,
        Keyed& keyed) {
        const SagaCommand command = command_of(match.route->operation);
        const bool may_preview = match.route->operation == Operation::compensate_saga;
        std::vector<std::string_view> members{"reason"};
        if (may_preview) members.push_back("dry_run");
        const json body = body_of(request, members);
        const std::string reason = reason_of(body);
        const std::optional<std::int64_t> expected_version = expected_version_of(request);
        const std::string saga_id = saga_id_of(match.parameters[0]);

        const json saga = co_await find_saga(who.merchant, saga_id);
        const bool repeated = co_await was_done(keyed);
        if (repeated)
            co_return command_answer(
                "duplicate", saga_id, saga.at("state"), saga.at("version"), "done before under this key");
        if (expected_version && saga.at("version") != *expected_version)
            throw Problem(412, "the saga has version " + saga.at("version").dump());

        sagas::Event event;
        event.name = command.event;
        event.payload = {{"reason", reason}};
        if (command.says_by_whom) event.payload["by"] = "operator";
        event.cause = "operator " + who.name + ": " + reason;
        const engine::SagaKey saga_key{who.merchant, saga_id};
        if (may_preview && flag_of(body, "dry_run")) {
            keyed.only_looked = true;
            PreviewRequest wanted{saga_key, std::move(event), {}};
            HttpResponse preview = co_await preview_saga(std::move(wanted));
            co_return preview;
        }
        engine::Input input;
        input.content = engine::SagaTold{
            saga_key, std::move(event), expected_version,
            audit_row(who, "saga " + std::string(command.word), saga_id, reason, keyed)};
        const InputResult result = co_await hand_over(std::move(input));
        co_return saga_answer(result, saga_id, saga, expected_version.has_value());
    }

    static HttpResponse command_answer(
        std::string_view result,
        const std::string& saga_id,
        const json& state,
        const json& version,
        const std::string& reason) {
        HttpResponse response = json_answer(
            {{"result", result}, {"saga_id", saga_id}, {"state", state}, {"version", version}, {"reason", reason}});
        response.headers.emplace_back("ETag", "\"" + version.dump() + "\"");
        return response;
    }

    static HttpResponse saga_answer(
        const InputResult& result,
        const std::string& saga_id,
        const json& saga,
        bool versioned) {
        switch (result.kind) {
            case InputResult::Kind::applied:
            case InputResult::Kind::duplicate:
                return command_answer(
                    name_of(result.kind), saga_id, result.state.empty() ? saga.at("state") : json(result.state),
                    result.version, result.reason);
            case InputResult::Kind::ignored: {
                const std::string state = result.state.empty() ? saga.at("state").get<std::string>() : result.state;
                throw Problem(
                    409, "in state " + state + " this changes nothing" +
                             (result.reason.empty() ? "" : ": " + result.reason));
            }
            case InputResult::Kind::refused:
                throw Problem(versioned ? 412 : 409, "the saga has changed meanwhile; look at it again");
            case InputResult::Kind::parked:
                throw Problem(409, "it could not be applied and was parked: " + result.reason);
            case InputResult::Kind::unavailable: break;
        }
        throw Problem(503, "nothing was stored; try again");
    }

    // Offers the input to the engine and waits for its commit.
    asio::awaitable<InputResult> hand_over(engine::Input input) {
        const runtime::Completion<InputResult> stored;
        input.done = [stored](const InputResult& result) {
            stored.complete(result);
        };
        if (!engine_.offer(std::move(input))) throw Problem(503, "too much at once; nothing was stored, try again");
        std::optional<InputResult> result = co_await stored.wait_for(options_.commit_wait);
        if (!result)
            throw OutcomeNotSeen(
                "not stored in time; it may still be: look, or repeat it with the same Idempotency-Key");
        co_return std::move(*result);
    }

    asio::awaitable<HttpResponse> preview_saga(PreviewRequest request) {
        const runtime::Completion<runtime::Result<json>> previewed;
        request.done = [previewed](runtime::Result<json> result) {
            previewed.complete(std::move(result));
        };
        if (!engine_.offer_preview(std::move(request))) throw Problem(503, "too much at once; try again");
        std::optional<runtime::Result<json>> result = co_await previewed.wait_for(options_.commit_wait);
        if (!result) throw Problem(503, "no answer in time; nothing was changed");
        if (!*result)
            throw Problem(result->error().kind == runtime::ErrorKind::unavailable ? 503 : 409, result->error().message);
        co_return json_answer(**result);
    }

    asio::awaitable<HttpResponse> adjust_stock(
        const Match& match,
        const HttpRequest& request,
        const Principal& who,
        const Keyed& keyed) {
        const json body = body_of(request, {"warehouse", "difference", "expected_version", "reason"});
        const std::string warehouse = text_of(body, "warehouse", 31);
        orders::StockAdjustment adjustment;
        adjustment.difference = whole_number_of(body, "difference", -1'000'000'000, 1'000'000'000);
        const std::optional<std::int64_t> if_match = expected_version_of(request);
        const std::optional<std::int64_t> in_body =
            optional_whole_number_of(body, "expected_version", 0, std::numeric_limits<std::int64_t>::max());
        if (!if_match && !in_body) throw Problem(400, "expected_version or If-Match must name the ledger's version");
        if (if_match && in_body && *if_match != *in_body)
            throw Problem(400, "expected_version and If-Match name different versions");
        adjustment.expected_version = if_match ? *if_match : *in_body;
        adjustment.reason = reason_of(body);
        adjustment.actor = who.name;
        if (adjustment.difference == 0) throw Problem(400, "difference must not be 0");
        runtime::SystemRandom random;
        adjustment.adjustment_id = keyed.under.key.empty()
                                       ? runtime::new_uuid_v4(random)
                                       : "key." + runtime::sha256_hex(who.id + "\n" + keyed.under.key);

        const MerchantId merchant = who.merchant;
        using Found = std::pair<LedgerKey, std::optional<std::int64_t>>;
        std::function<std::optional<Found>(Queries&)> question =
            [merchant, sku = match.parameters[0], warehouse,
             id = adjustment.adjustment_id](Queries& ask) -> std::optional<Found> {
            const std::optional<LedgerKey> ledger = ask.ledger(merchant, sku, warehouse);
            if (!ledger) return std::nullopt;
            return Found{*ledger, ask.adjusted_before(merchant, *ledger, id)};
        };
        const std::optional<Found> found = co_await queries_.ask(std::move(question));
        if (!found) throw Problem(404, "this warehouse has no stock of this SKU");
        adjustment.key = {merchant, {found->first.sku_id}, {found->first.warehouse_id}};
        if (found->second) {
            if (*found->second != adjustment.difference)
                throw Problem(422, "this Idempotency-Key was used for another adjustment");
            co_return json_answer({{"result", "duplicate"}, {"sku", match.parameters[0]}, {"warehouse", warehouse}});
        }

        engine::Input input;
        input.content = engine::Arrival{merchant, std::move(adjustment), {}, true};
        const InputResult result = co_await hand_over(std::move(input));
        switch (result.kind) {
            case InputResult::Kind::applied:
            case InputResult::Kind::duplicate:
                co_return json_answer(
                    {{"result", name_of(result.kind)},
                     {"sku", match.parameters[0]},
                     {"warehouse", warehouse},
                     {"reason", result.reason}});
            case InputResult::Kind::unavailable: throw Problem(503, "nothing was stored; try again");
            default:
                throw Problem(
                    if_match ? 412 : 409,
                    result.reason.empty() ? "the ledger has changed meanwhile; look at it again" : result.reason);
        }
    }

    using Content = decltype(engine::Input::content);

    // A change that is no saga's event: once per key, with its audit row in the engine's transaction.
    asio::awaitable<HttpResponse> repair(
        const HttpRequest& request,
        const Principal& who,
        const Keyed& keyed,
        std::string action,
        std::string subject,
        std::function<Content(engine::AuditRow)> content,
        std::vector<std::string_view> members = std::vector<std::string_view>(1, "reason")) {
        const std::string reason = reason_of(body_of(request, members));
        const bool repeated = co_await was_done(keyed);
        if (repeated) co_return json_answer({{"result", "duplicate"}, {"subject", subject}});
        engine::Input input;
        input.content = content(audit_row(who, std::move(action), subject, reason, keyed));
        const InputResult result = co_await hand_over(std::move(input));
        switch (result.kind) {
            case InputResult::Kind::applied:
            case InputResult::Kind::duplicate:
                co_return json_answer({{"result", name_of(result.kind)}, {"subject", subject}});
            case InputResult::Kind::unavailable: throw Problem(503, "nothing was stored; try again");
            default: throw Problem(409, result.reason);
        }
    }

    asio::awaitable<HttpResponse> close_incident(
        const Match& match,
        const HttpRequest& request,
        const Principal& who,
        const Keyed& keyed) {
        const MerchantId merchant = who.merchant;
        Question question = [merchant, id = match.parameters[0]](Queries& ask) {
            return ask.incident(merchant, id);
        };
        const json incident = co_await queries_.ask(std::move(question));
        if (incident.is_null()) throw Problem(404, std::string(missing_text(Operation::show_incident)));
        const json& saga = incident.at("saga_id");
        if (!saga.is_null() && incident.at("saga_final") != true)
            throw Problem(
                409, "the order is not over, it stands in " + incident.at("saga_state").get<std::string>() +
                         ": retry, cancel or compensate it, and its incident closes with that");
        std::function<Content(engine::AuditRow)> content = [&incident, &saga, merchant](engine::AuditRow audit) {
            if (!incident.at("closed_at").is_null()) throw Problem(409, "the incident is closed already");
            return engine::IncidentLookedAfter{
                merchant, saga.is_null() ? std::string() : saga.get<std::string>(), incident.at("incident_key"),
                std::move(audit)};
        };
        HttpResponse response =
            co_await repair(request, who, keyed, "incident close", incident.at("incident_key"), std::move(content));
        co_return response;
    }

    asio::awaitable<HttpResponse> unpark_listing(
        const Match& match,
        const HttpRequest& request,
        const Principal& who,
        const Keyed& keyed) {
        const MerchantId merchant = who.merchant;
        const std::string listing_id = match.parameters[0];
        std::function<std::optional<sagas::StoreId>(Queries&)> question = [merchant, listing_id](Queries& ask) {
            return ask.store_of_listing(merchant, listing_id);
        };
        const std::optional<sagas::StoreId> store = co_await queries_.ask(std::move(question));
        if (!store) throw Problem(404, "there is no such listing");
        const sagas::ListingId id{std::stoll(listing_id)};
        std::function<Content(engine::AuditRow)> content = [merchant, store, id](engine::AuditRow audit) {
            return engine::Arrival{
                merchant, orders::ListingTakenBack{merchant, *store, id, std::move(audit)}, {}, true};
        };
        HttpResponse response =
            co_await repair(request, who, keyed, "listing unpark", "listing:" + listing_id, std::move(content));
        co_return response;
    }

    asio::awaitable<sagas::StoreId> find_store(MerchantId merchant, const std::string& name) {
        std::function<std::optional<sagas::StoreId>(Queries&)> question = [merchant, name](Queries& ask) {
            return ask.find_store(merchant, name);
        };
        const std::optional<sagas::StoreId> store = co_await queries_.ask(std::move(question));
        if (!store) throw Problem(404, "there is no such store");
        co_return *store;
    }

    asio::awaitable<HttpResponse> switch_store(
        const Match& match,
        const HttpRequest& request,
        const Principal& who,
        const Keyed& keyed) {
        const MerchantId merchant = who.merchant;
        const std::string name = match.parameters[0];
        const bool follow = match.route->operation == Operation::activate_store;
        const sagas::StoreId store = co_await find_store(merchant, name);
        std::function<Content(engine::AuditRow)> content = [merchant, store, follow](engine::AuditRow audit) {
            return engine::Arrival{
                merchant, orders::StoreSwitched{merchant, store, follow, std::move(audit)}, {}, true};
        };
        const std::string action = follow ? "store activate" : "store deactivate";
        HttpResponse response = co_await repair(request, who, keyed, action, name, std::move(content));
        co_return response;
    }

    asio::awaitable<HttpResponse> set_store_mode(
        const Match& match,
        const HttpRequest& request,
        const Principal& who,
        const Keyed& keyed) {
        const MerchantId merchant = who.merchant;
        const std::string name = match.parameters[0];
        const sagas::StoreId store = co_await find_store(merchant, name);
        const std::vector<std::string_view> members{"mode", "reason"};
        const std::string mode = text_of(body_of(request, members), "mode", 10);
        if (mode != "live" && mode != "observe") throw Problem(400, "mode must be live or observe");
        std::function<Content(engine::AuditRow)> content = [merchant, store, mode](engine::AuditRow audit) {
            audit.details["mode"] = mode;
            return engine::Arrival{
                merchant, orders::StoreModeSet{merchant, store, mode == "live", std::move(audit)}, {}, true};
        };
        HttpResponse response = co_await repair(request, who, keyed, "store mode", name, std::move(content), members);
        co_return response;
    }

    // Gives a stored webhook to the engine again, as a delivery of its own; what it already did is recognised there by the
    // order's own dates, so doing it twice is harmless.
    asio::awaitable<HttpResponse> retry_parked(const Match& match, const HttpRequest& request, const Principal& who) {
        const std::string reason = reason_of(body_of(request, {"reason"}));
        const std::string item = match.parameters[0];
        const MerchantId merchant = who.merchant;
        std::function<std::optional<ParkedWebhook>(Queries&)> question = [merchant, item](Queries& ask) {
            return ask.parked_webhook(merchant, item);
        };
        const std::optional<ParkedWebhook> parked = co_await queries_.ask(std::move(question));
        if (!parked && item.starts_with("item-"))
            throw Problem(409, "only webhooks can be given again; this item can be dismissed");
        if (!parked) throw Problem(404, "there is no such open item");
        if (parked->body.empty())
            throw Problem(409, "its body was not kept, or was erased; this item can be dismissed");
        engine::Input input;
        input.content = delivered_again(merchant, *parked);
        const InputResult result = co_await hand_over(std::move(input));
        if (result.kind == InputResult::Kind::unavailable) throw Problem(503, "nothing was stored; try again");
        if (result.kind == InputResult::Kind::parked)
            throw Problem(409, "it is still not understood: " + result.reason);
        co_await settle(merchant, item, "retry", who.name, reason);
        co_return json_answer({{"result", name_of(result.kind)}, {"item_id", item}});
    }

    // Throws Problem when it still makes no sense; then nothing is stored.
    engine::Arrival delivered_again(MerchantId merchant, const ParkedWebhook& parked) {
        runtime::SystemRandom random;
        orders::Delivery delivery;
        delivery.receipt.merchant = merchant;
        delivery.receipt.store_id = {parked.sender_id};
        delivery.receipt.source = parked.source;
        delivery.receipt.topic = parked.topic;
        delivery.receipt.webhook_id = parked.webhook_id + ".again." + runtime::new_uuid_v4(random);
        delivery.receipt.received_at = clock_.now();
        delivery.receipt.body = parked.body;
        delivery.receipt.headers = json::object();
        const bool known = parked.source == "shopify"
                               ? webhook::understand_shopify_delivery(delivery, parked.shop_domain)
                               : webhook::understand_shipbob_delivery(delivery);
        if (!known) throw Problem(409, "its topic is not known");
        if (!delivery.fault.empty()) throw Problem(409, "it is still not understood: " + delivery.fault);
        if (delivery.privacy) delivery.receipt.body.clear();
        return {merchant, std::move(delivery), {}};
    }

    asio::awaitable<bool> settle(
        MerchantId merchant,
        std::string item,
        std::string how,
        std::string actor,
        std::string reason) {
        std::function<bool(Queries&)> question = [merchant, item, how, actor, reason](Queries& ask) {
            return ask.settle_parked(merchant, item, how, actor, reason);
        };
        const bool settled = co_await queries_.ask(std::move(question));
        co_return settled;
    }

    asio::awaitable<HttpResponse> dismiss_parked(const Match& match, const HttpRequest& request, const Principal& who) {
        const std::string reason = reason_of(body_of(request, {"reason"}));
        const bool dismissed = co_await settle(who.merchant, match.parameters[0], "dismiss", who.name, reason);
        if (!dismissed) throw Problem(404, "there is no such open item");
        co_return json_answer({{"result", "dismissed"}, {"item_id", match.parameters[0]}});
    }

    QueryThreads& queries_;
    EnginePort& engine_;
    runtime::Clock& clock_;
    runtime::Metrics& metrics_;
    const PrivateListenerOptions options_;
    Gate gate_;
    SignIn sign_in_;
};

}  // namespace

runtime::HttpHandler make_private_handler(
    QueryThreads& queries,
    EnginePort& engine,
    runtime::Clock& clock,
    runtime::Metrics& metrics,
    PrivateListenerOptions options) {
    auto listener = std::make_shared<PrivateListener>(queries, engine, clock, metrics, std::move(options));
    return [listener](HttpRequest request) {
        return listener->answer(std::move(request));
    };
}

}  // namespace ordersaga::api
