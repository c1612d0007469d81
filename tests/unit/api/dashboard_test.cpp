// The page and its files, as a browser and as a program ask for them.
#include "orchestrator/api/dashboard_assets.hpp"
#include "tests/unit/api/listener_fixture.hpp"

#include <gmock/gmock.h>

namespace ordersaga::api {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string header_of(const HttpResponse& response, const std::string& name) {
    const std::string* value = runtime::find_header(response.headers, name);
    return value == nullptr ? "" : *value;
}

class DashboardTest : public ListenerTest {
protected:
    HttpResponse browse(const std::string& target) {
        HttpRequest request = a_request("GET", target, "");
        request.headers.emplace_back("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
        return ask(request);
    }
};

TEST_F(DashboardTest, IsThePageForABrowserAndTheListOfPathsForAProgram) {
    const HttpResponse page = browse("/");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
    EXPECT_THAT(page.body, HasSubstr("<div id=\"app\">"));
    EXPECT_EQ(header_of(page, "Cache-Control"), "no-store");
    EXPECT_EQ(header_of(page, "Vary"), "Accept");

    HttpRequest program = a_request("GET", "/", "");
    EXPECT_EQ(ask(program).content_type, "application/json");
    program.headers.emplace_back("Accept", "*/*");
    EXPECT_EQ(ask(program).content_type, "application/json");
}

TEST_F(DashboardTest, LetsThePageRunAndLoadNothingButItsOwnFiles) {
    EXPECT_EQ(
        header_of(browse("/"), "Content-Security-Policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; frame-ancestors 'none'; form-action 'self'");
    EXPECT_EQ(header_of(browse("/"), "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(header_of(browse("/"), "Referrer-Policy"), "no-referrer");
    const std::string page(dashboard_page());
    EXPECT_THAT(page, Not(HasSubstr("<style")));
    EXPECT_THAT(page, Not(HasSubstr("http:")));
    EXPECT_THAT(page, Not(HasSubstr("https:")));
    // Every script of the page is a file: one <script, and it has a src.
    EXPECT_EQ(page.find("<script"), page.rfind("<script"));
    EXPECT_THAT(page, HasSubstr("<script type=\"module\" src=\"/assets/dashboard-"));
    EXPECT_THAT(page, HasSubstr("\"></script>"));
}

TEST_F(DashboardTest, ServesEveryFileThatThePageNamesAndKeepsItForEver) {
    ASSERT_EQ(dashboard_assets().size(), 3U);
    for (const DashboardAsset& asset : dashboard_assets()) {
        EXPECT_THAT(std::string(dashboard_page()), HasSubstr("\"" + std::string(asset.path) + "\""));
        EXPECT_THAT(std::string(asset.path), testing::MatchesRegex("/assets/[a-z]+-[0-9a-f]+\\.(js|css|svg)"));
        const HttpResponse file = browse(std::string(asset.path));
        EXPECT_EQ(file.status, 200);
        EXPECT_EQ(file.content_type, asset.content_type);
        EXPECT_EQ(file.body, asset.body);
        EXPECT_FALSE(file.body.empty());
        EXPECT_EQ(header_of(file, "Cache-Control"), "public, max-age=31536000, immutable");
        EXPECT_EQ(header_of(file, "X-Content-Type-Options"), "nosniff");
    }
}

TEST_F(DashboardTest, WritesNoMarkupAndNoStyleAroundTheView) {
    for (const DashboardAsset& asset : dashboard_assets()) {
        if (!asset.path.ends_with(".js")) continue;
        const std::string script(asset.body);
        for (const std::string way :
             {"document.write", "insertAdjacentHTML", "eval(", "new Function", "outerHTML", "srcdoc"})
            EXPECT_THAT(script, Not(HasSubstr(way)));
        EXPECT_THAT(script, HasSubstr("Holds Preact"));
        EXPECT_THAT(script, HasSubstr("Permission is hereby granted"));
    }
}

TEST_F(DashboardTest, HasNoOtherFiles) {
    for (const std::string target :
         {"/assets/", "/assets/dashboard.js", "/assets/../page.html", "/assets/dashboard-000000000000.js",
          "/index.html", "/favicon.ico"}) {
        EXPECT_EQ(browse(target).status, 404) << target;
    }
    EXPECT_EQ(ask(a_request("POST", std::string(dashboard_assets()[0].path))).status, 405);
}

TEST_F(DashboardTest, GivesTheDiagramAsNumbers) {
    const HttpResponse response = ask(a_request("GET", "/api/v1/sagas/" + known_saga + "/diagram", "reader"));
    const json drawing = json::parse(response.body).at("drawing");
    EXPECT_EQ(drawing.at("states").size(), 15U);
    std::set<std::string> names;
    for (const json& state : drawing.at("states"))
        names.insert(state.at("name"));
    EXPECT_TRUE(names.contains("OnHold"));
    for (const json& arrow : drawing.at("arrows")) {
        EXPECT_TRUE(names.contains(arrow.at("from")) && names.contains(arrow.at("to")));
        EXPECT_FALSE(arrow.at("events").empty());
        EXPECT_EQ(arrow.at("path").get<std::string>().front(), 'M');
    }
}

}  // namespace
}  // namespace ordersaga::api
