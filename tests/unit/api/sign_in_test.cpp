#include "db/errors.hpp"
#include "runtime/log.hpp"
#include "runtime/password.hpp"
#include "tests/unit/api/listener_fixture.hpp"

namespace ordersaga::api {
namespace {

class SignInTest : public ListenerTest {
protected:
    SignInTest() { script_.annas_attempt = {{}, 1, 7, runtime::hash_password("open sesame", {4, 1, 1})}; }

    static HttpRequest a_sign_in(const std::string& name, const std::string& password) {
        HttpRequest request = a_request("POST", "/session", "");
        request.headers.emplace_back("Content-Type", "application/json");
        request.body = json{{"name", name}, {"password", password}}.dump();
        return request;
    }

    static std::string cookie_of(const HttpResponse& response) {
        const std::string* field = runtime::find_header(response.headers, "set-cookie");
        return field == nullptr ? "" : field->substr(0, field->find(';'));
    }

    static HttpRequest with_cookie(HttpRequest request, const std::string& cookie) {
        request.headers.emplace_back("Cookie", "theme=dark; " + cookie);
        return request;
    }
};

TEST_F(SignInTest, GivesACookieThatScriptsCannotReadAndATokenThatOthersCannotHave) {
    const HttpResponse response = ask(a_sign_in("Anna", "open sesame"));

    ASSERT_EQ(response.status, 200) << response.body;
    const json body = json::parse(response.body);
    EXPECT_EQ(body.at("operator"), "anna");
    EXPECT_EQ(body.at("role"), "operator");
    EXPECT_EQ(body.at("merchants"), json::array({"Shirts"}));
    EXPECT_EQ(body.at("csrf_token").get<std::string>().size(), 64U);
    const std::string cookie = *runtime::find_header(response.headers, "set-cookie");
    EXPECT_EQ(cookie.substr(0, 18), "ordersaga_session=");
    EXPECT_EQ(cookie.substr(18 + 64), "; HttpOnly; SameSite=Strict; Path=/");
    EXPECT_EQ(*runtime::find_header(response.headers, "cache-control"), "no-store");
    // Neither the id itself nor the CSRF token is stored.
    ASSERT_EQ(script_.sessions.size(), 1U);
    EXPECT_EQ(script_.sessions.begin()->first, runtime::sha256_hex(cookie.substr(18, 64)));

    const HttpResponse shown = ask(with_cookie(a_request("GET", "/session", ""), cookie_of(response)));
    EXPECT_EQ(shown.status, 200);
    EXPECT_EQ(shown.body, response.body);
}

TEST_F(SignInTest, SendsTheCookieOverHttpsOnlyWhenPeopleUseHttps) {
    PrivateListenerOptions options = options_for(broker_is_up_);
    options.secure_cookie = true;
    handler_ = make_private_handler(queries_, engine_, clock_, metrics_, options);
    const HttpResponse response = ask(a_sign_in("anna", "open sesame"));
    EXPECT_NE(runtime::find_header(response.headers, "set-cookie")->find("; Secure"), std::string::npos);
}

TEST_F(SignInTest, SaysTheSameOfAWrongNameAndAWrongPassword) {
    const HttpResponse name = ask(a_sign_in("nobody", "open sesame"));
    const HttpResponse password = ask(a_sign_in("anna", "close sesame"));
    EXPECT_EQ(name.status, 401);
    EXPECT_EQ(name.content_type, "application/problem+json");
    EXPECT_EQ(password.status, 401);
    EXPECT_EQ(name.body, password.body);
    EXPECT_EQ(cookie_of(name), "");
    EXPECT_TRUE(script_.sessions.empty());
}

TEST_F(SignInTest, SaysHowLongANameIsLocked) {
    script_.annas_attempt.locked_for = std::chrono::seconds(897);
    const HttpResponse response = ask(a_sign_in("anna", "open sesame"));
    EXPECT_EQ(response.status, 429);
    EXPECT_EQ(*runtime::find_header(response.headers, "retry-after"), "897");
    EXPECT_TRUE(script_.sessions.empty());
}

TEST_F(SignInTest, SlowsAnAddressThatGuessesDown) {
    for (int guess = 0; guess < 10; ++guess)
        EXPECT_EQ(ask(a_sign_in("anna", "wrong")).status, 401);
    EXPECT_EQ(ask(a_sign_in("anna", "open sesame")).status, 429);
    clock_.advance(std::chrono::seconds(2));
    EXPECT_EQ(ask(a_sign_in("anna", "open sesame")).status, 200);
}

TEST_F(SignInTest, RefusesWhatAPageOfAnotherSiteCouldSend) {
    HttpRequest untyped = a_sign_in("anna", "open sesame");
    untyped.headers.pop_back();
    EXPECT_EQ(ask(untyped).status, 415);
    HttpRequest form = a_sign_in("anna", "open sesame");
    form.headers.back().second = "text/plain";
    EXPECT_EQ(ask(form).status, 415);
    for (const std::string body :
         {"", "{}", R"({"name":"anna"})", R"({"name":"anna","password":""})", R"({"name":7,"password":"x"})",
          R"({"name":"anna","password":"open sesame","role":"admin"})"}) {
        HttpRequest request = a_sign_in("", "");
        request.body = body;
        EXPECT_EQ(ask(request).status, 400) << body;
    }
    EXPECT_TRUE(script_.sessions.empty());
}

TEST_F(SignInTest, ASessionCommandsOnlyWithItsCsrfToken) {
    const HttpResponse opened = ask(a_sign_in("anna", "open sesame"));
    const std::string csrf = json::parse(opened.body).at("csrf_token");
    const auto command = [&](const std::vector<std::string>& tokens) {
        HttpRequest request =
            with_cookie(a_command("/sagas/" + known_saga + "/cancel", {{"reason", "r"}}, ""), cookie_of(opened));
        for (const std::string& token : tokens)
            request.headers.emplace_back("X-CSRF-Token", token);
        return ask(request).status;
    };
    EXPECT_EQ(ask(with_cookie(a_request("GET", "/api/v1/sagas", ""), cookie_of(opened))).status, 200);
    EXPECT_EQ(command({}), 403);
    EXPECT_EQ(command({""}), 403);
    EXPECT_EQ(command({std::string(64, 'a')}), 403);
    EXPECT_EQ(command({csrf, csrf}), 403);
    EXPECT_TRUE(engine_.offered.empty());
    EXPECT_EQ(command({csrf}), 200);
    EXPECT_EQ(std::get<engine::SagaTold>(engine_.offered.back()).audit->actor, "anna");
}

TEST_F(SignInTest, IsOverAfterSigningOut) {
    const HttpResponse opened = ask(a_sign_in("anna", "open sesame"));
    HttpRequest sign_out = with_cookie(a_request("DELETE", "/session", ""), cookie_of(opened));
    EXPECT_EQ(ask(sign_out).status, 403);
    sign_out.headers.emplace_back("X-CSRF-Token", json::parse(opened.body).at("csrf_token"));
    const HttpResponse closed = ask(sign_out);
    EXPECT_EQ(closed.status, 204);
    EXPECT_NE(runtime::find_header(closed.headers, "set-cookie")->find("Max-Age=0"), std::string::npos);
    EXPECT_EQ(ask(with_cookie(a_request("GET", "/session", ""), cookie_of(opened))).status, 401);
    EXPECT_EQ(ask(with_cookie(a_request("GET", "/api/v1/sagas", ""), cookie_of(opened))).status, 401);
}

TEST_F(SignInTest, ForgetsMadeUpSessions) {
    const std::string cookie = cookie_of(ask(a_sign_in("anna", "open sesame")));
    for (int made_up = 0; made_up < 300; ++made_up) {
        const std::string id = runtime::sha256_hex(std::to_string(made_up));
        EXPECT_EQ(ask(with_cookie(a_request("GET", "/session", ""), "ordersaga_session=" + id)).status, 401);
    }
    // Had they counted as sessions, their rates would be kept, and a token of the same text would pass for one known.
    HttpRequest as_token = a_request("GET", "/api/v1/sagas", runtime::sha256_hex("0"));
    for (int guess = 0; guess < 10; ++guess)
        EXPECT_EQ(ask(as_token).status, 401);
    EXPECT_EQ(ask(as_token).status, 429);
    EXPECT_EQ(ask(with_cookie(a_request("GET", "/session", ""), cookie)).status, 200);
}

TEST_F(SignInTest, LogsNoSecret) {
    const runtime::LogCapture log;
    const HttpResponse opened = ask(a_sign_in("anna", "open sesame"));
    const std::string cookie = cookie_of(opened);
    const std::string csrf = json::parse(opened.body).at("csrf_token");
    ask(a_sign_in("anna", "a wrong sesame"));
    ask(a_request("GET", "/api/v1/sagas", "a-wrong-token"));
    ask(a_request("GET", "/api/v1/sagas?access_token=a-token-in-the-url", ""));
    script_.before_each = [] {
        throw db::Misuse("no such column", "42703", "");
    };
    ask(a_sign_in("anna", "open sesame"));
    ask(with_cookie(a_request("GET", "/session", ""), cookie));
    ask(a_request("GET", "/api/v1/sagas", "a-wrong-token"));
    EXPECT_FALSE(log.lines().empty()) << "the faults are logged";
    for (const std::string& secret :
         {std::string("sesame"), std::string("a-wrong-token"), std::string("in-the-url"), csrf, cookie.substr(18),
          runtime::sha256_hex(cookie.substr(18))})
        EXPECT_FALSE(log.contains(secret)) << secret;
}

TEST_F(SignInTest, TakesNoCookieThatIsNotWhollyRight) {
    const std::string cookie = cookie_of(ask(a_sign_in("anna", "open sesame")));
    EXPECT_EQ(ask(with_cookie(a_request("GET", "/session", ""), cookie + "; " + cookie)).status, 401);
    EXPECT_EQ(ask(with_cookie(a_request("GET", "/session", ""), cookie + "0")).status, 401);
    EXPECT_EQ(ask(with_cookie(a_request("GET", "/session", ""), "x" + cookie)).status, 401);
    EXPECT_EQ(ask(a_request("GET", "/session", "")).status, 401);
    EXPECT_EQ(ask(a_request("GET", "/session", "admin")).status, 401);
    EXPECT_EQ(ask(a_request("PUT", "/session", "admin")).status, 405);
    // A token that is shown counts alone, also when it is wrong.
    EXPECT_EQ(ask(with_cookie(a_request("GET", "/api/v1/sagas", "wrong"), cookie)).status, 401);
}

}  // namespace
}  // namespace ordersaga::api
