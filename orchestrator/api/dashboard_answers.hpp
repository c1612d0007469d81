// What the private listener answers a browser that has not signed in: the dashboard's page and its files. They hold no data.
#pragma once

#include "runtime/http_server.hpp"

#include <optional>
#include <string_view>

namespace ordersaga::api {

// A browser asks for text/html; who takes anything (*/*) is a program.
bool wants_page(const runtime::HttpRequest& request);
runtime::HttpResponse page_answer();
// nullopt: there is no such file.
std::optional<runtime::HttpResponse> asset_answer(std::string_view path);

}  // namespace ordersaga::api
