#include "orchestrator/api/dashboard_answers.hpp"

#include "orchestrator/api/dashboard_assets.hpp"
#include "runtime/text.hpp"

namespace ordersaga::api {

namespace {

using runtime::HttpResponse;

// Whatever text of an order should slip into the page as markup: it could load, send and frame nothing.
constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

HttpResponse file_answer(std::string_view content_type, std::string_view body) {
    HttpResponse response;
    response.content_type = content_type;
    response.body = body;
    response.headers.emplace_back("Content-Security-Policy", content_security_policy);
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    response.headers.emplace_back("X-Frame-Options", "DENY");
    response.headers.emplace_back("Referrer-Policy", "no-referrer");
    response.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
    response.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
    return response;
}

}  // namespace

bool wants_page(const runtime::HttpRequest& request) {
    const std::string* accept = request.header("accept");
    return accept != nullptr && runtime::lower(*accept).find("text/html") != std::string::npos;
}

HttpResponse page_answer() {
    HttpResponse response = file_answer("text/html; charset=utf-8", dashboard_page());
    // The next release's page names other files.
    response.headers.emplace_back("Cache-Control", "no-store");
    response.headers.emplace_back("Vary", "Accept");
    return response;
}

std::optional<HttpResponse> asset_answer(std::string_view path) {
    for (const DashboardAsset& asset : dashboard_assets()) {
        if (asset.path != path) continue;
        HttpResponse response = file_answer(asset.content_type, asset.body);
        response.headers.emplace_back("Cache-Control", "public, max-age=31536000, immutable");
        return response;
    }
    return std::nullopt;
}

}  // namespace ordersaga::api
