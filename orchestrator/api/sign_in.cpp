#include "orchestrator/api/sign_in.hpp"

#include "orchestrator/api/problem.hpp"
#include "orchestrator/api/request_reader.hpp"
#include "runtime/crypto.hpp"
#include "runtime/json.hpp"
#include "runtime/password.hpp"
#include "runtime/random.hpp"
#include "runtime/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace ordersaga::api {

namespace {

namespace asio = boost::asio;
using nlohmann::json;
using runtime::HttpRequest;
using runtime::HttpResponse;

constexpr int most_at_once = 2;

// Nobody's password: a name that nobody has takes as long as a wrong password.
constexpr std::string_view nobodys_password =
    "$scrypt$ln=15,r=8,p=3$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

struct Outcome {
    std::optional<std::chrono::seconds> locked_for;
    std::optional<Principal> who;  // empty: wrong name or password
};

// On a query thread: slow on purpose.
Outcome try_password(Queries& ask, const std::string& name, const std::string& password, const std::string& session) {
    const SignInAttempt attempt = ask.begin_sign_in(name);
    if (attempt.locked_for) return {attempt.locked_for, {}};
    const bool known = attempt.operator_id != 0;
    const bool fits = runtime::password_fits(password, known ? std::string_view(attempt.password) : nobodys_password);
    if (!known || !fits || !ask.open_session(attempt, name, session)) return {};
    return {{}, ask.find_session(session)};
}

HttpResponse session_answer(const Principal& who, const std::string& csrf_token) {
    json merchants = json::array();
    for (const MerchantName& merchant : who.merchants)
        merchants.push_back(merchant.name);
    HttpResponse response;
    response.body = runtime::dump_json(
        {{"operator", who.name}, {"role", name_of(who.role)}, {"merchants", merchants}, {"csrf_token", csrf_token}});
    response.headers.emplace_back("Cache-Control", "no-store");
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    return response;
}

}  // namespace

std::string_view name_of(Role role) {
    switch (role) {
        case Role::read: return "read";
        case Role::operator_: return "operator";
        case Role::admin: return "admin";
    }
    return "read";
}

asio::awaitable<HttpResponse> SignIn::answer(const HttpRequest& request) {
    QueryReader(request).finish();
    HttpResponse response;
    if (request.method == "POST") {
        response = co_await open(request);
    } else if (request.method == "DELETE") {
        response = co_await close(request);
    } else {
        response = co_await show(request);
    }
    co_return response;
}

asio::awaitable<HttpResponse> SignIn::open(const HttpRequest& request) {
    // A page of another site cannot send this type without asking first, and we do not answer such questions.
    if (request.header("content-type") == nullptr) throw Problem(415, "the body must be application/json");
    const json body = body_of(request, {"name", "password"});
    const std::string name = runtime::lower(text_of(body, "name", 64));
    const std::string password = text_of(body, "password", 200);
    gate_.require_no_guessing(request.remote_address, clock_.now());

    const std::shared_ptr<std::atomic<int>> count = under_way_;
    const std::shared_ptr<void> place(nullptr, [count](void*) { --*count; });
    if (++*count > most_at_once) throw Problem(429, "too many sign-ins at once; try again");

    const std::string id = runtime::random_token(32);
    const std::string hash = runtime::sha256_hex(id);
    std::function<Outcome(Queries&)> question = [name, password, hash, place](Queries& ask) {
        return try_password(ask, name, password, hash);
    };
    const Outcome outcome = co_await queries_.ask(std::move(question));
    if (outcome.locked_for) throw Problem(429, "too many attempts under this name; wait", *outcome.locked_for);
    if (!outcome.who) {
        gate_.note_wrong_guess(request.remote_address, clock_.now());
        throw Problem(401, "name or password is wrong");
    }
    HttpResponse response = session_answer(*outcome.who, csrf_token_of(id));
    response.headers.emplace_back("Set-Cookie", cookie(id, ""));
    co_return response;
}

asio::awaitable<HttpResponse> SignIn::show(const HttpRequest& request) {
    const Credential credential = session_of(request);
    std::function<std::optional<Principal>(Queries&)> question = [hash = credential.hash](Queries& ask) {
        return ask.find_session(hash);
    };
    const std::optional<Principal> who = co_await queries_.ask(std::move(question));
    if (!who) throw Problem(401, "there is no such session, or it has ended");
    gate_.admit(credential.hash, clock_.now());
    co_return session_answer(*who, credential.csrf_token);
}

asio::awaitable<HttpResponse> SignIn::close(const HttpRequest& request) {
    const Credential credential = session_of(request);
    Gate::require_csrf_token(credential, request);
    std::function<bool(Queries&)> question = [hash = credential.hash](Queries& ask) {
        ask.end_session(hash);
        return true;
    };
    co_await queries_.ask(std::move(question));
    HttpResponse response;
    response.status = 204;
    response.headers.emplace_back("Set-Cookie", cookie("", "; Max-Age=0"));
    co_return response;
}

Credential SignIn::session_of(const HttpRequest& request) {
    Credential credential = gate_.credential_of(request, clock_.now());
    if (credential.kind != Credential::Kind::session) throw Problem(401, "a token is no session");
    return credential;
}

std::string SignIn::cookie(const std::string& value, const std::string& attributes) const {
    return std::string(session_cookie) + "=" + value + "; HttpOnly; SameSite=Strict; Path=/" +
           (secure_ ? "; Secure" : "") + attributes;
}

}  // namespace ordersaga::api
