#include "activities/shopify/store_client.hpp"

#include "activities/call_scope.hpp"
#include "runtime/http_client.hpp"

#include <utility>

namespace ordersaga::activities::shopify {

using boost::asio::awaitable;

StoreClient::StoreClient(StoreSettings settings, runtime::HttpTransport& transport)
    : settings_(std::move(settings)), transport_(transport) {}

awaitable<Answer> StoreClient::ask(const Document& document, nlohmann::json variables, CallScope& scope) const {
    const nlohmann::json request{{"query", document.text}, {"variables", std::move(variables)}};
    std::string body = request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    Answer answer = co_await send(document, std::move(body), scope);
    co_return answer;
}

awaitable<Answer> StoreClient::send(const Document& document, std::string body, CallScope& scope) const {
    PeerCall call;
    call.method = "POST";
    call.url = settings_.base_url + "/admin/api/" + settings_.api_version + "/graphql.json";
    call.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    call.body = std::move(body);
    call.is_write = document.is_write;
    TokenHeader header{"X-Shopify-Access-Token", ""};
    const PeerAnswer peer = co_await exchange(transport_, std::move(call), std::move(header), settings_.access, scope);
    scope.last_request_id = std::string(peer.header("x-request-id"));
    Answer answer = read_answer(document, peer);
    note_cost(answer, scope.lane);
    co_return answer;
}

}  // namespace ordersaga::activities::shopify
