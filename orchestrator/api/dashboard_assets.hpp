// The dashboard's files, built by dashboard/ and compiled into the program. A name holds a digest of the content, so a file
// never changes under its name and may be kept for ever; only the page itself is asked for each time.
#pragma once

#include <span>
#include <string_view>

namespace ordersaga::api {

struct DashboardAsset {
    std::string_view path;  // "/assets/app-0123abcd.js"
    std::string_view content_type;
    std::string_view body;
};

// The page at "/", which names the other files. Both live as long as the program.
std::string_view dashboard_page();
std::span<const DashboardAsset> dashboard_assets();

}  // namespace ordersaga::api
