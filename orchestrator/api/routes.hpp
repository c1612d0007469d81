// The whole REST surface on one screen. The OpenAPI document is held to this table by a test.
#pragma once

#include "orchestrator/api/principal.hpp"

#include <array>
#include <string_view>

namespace ordersaga::api {

enum class Operation {
    list_sagas,
    show_saga,
    show_history,
    show_diagram,
    show_order,
    list_stock,
    list_movements,
    list_listings,
    list_stores,
    list_lanes,
    list_incidents,
    show_incident,
    list_parked,
    show_parked,
    list_audit,
    show_summary,
    watch_live,
    retry_saga,
    compensate_saga,
    cancel_saga,
    hold_saga,
    release_saga,
    adjust_stock,
    retry_parked,
    dismiss_parked,
    close_incident,
    unpark_listing,
    activate_store,
    deactivate_store,
    set_store_mode,
    verify_laws,
};

struct Route {
    std::string_view method;
    std::string_view path;  // below /api/v1; {name} stands for one segment
    Role role;
    Operation operation;
};

// clang-format off
inline constexpr std::array routes{
    Route{"GET",  "/sagas",                      Role::read,      Operation::list_sagas},
    Route{"GET",  "/sagas/{id}",                 Role::read,      Operation::show_saga},
    Route{"GET",  "/sagas/{id}/history",         Role::read,      Operation::show_history},
    Route{"GET",  "/sagas/{id}/diagram",         Role::read,      Operation::show_diagram},
    Route{"GET",  "/orders/{store}/{order}",     Role::read,      Operation::show_order},
    Route{"GET",  "/stock",                      Role::read,      Operation::list_stock},
    Route{"GET",  "/stock/{sku}/movements",      Role::read,      Operation::list_movements},
    Route{"GET",  "/listings",                   Role::read,      Operation::list_listings},
    Route{"GET",  "/stores",                     Role::read,      Operation::list_stores},
    Route{"GET",  "/lanes",                      Role::read,      Operation::list_lanes},
    Route{"GET",  "/incidents",                  Role::read,      Operation::list_incidents},
    Route{"GET",  "/incidents/{incident}",       Role::read,      Operation::show_incident},
    Route{"GET",  "/parked",                     Role::read,      Operation::list_parked},
    Route{"GET",  "/parked/{item}",              Role::read,      Operation::show_parked},
    Route{"GET",  "/audit",                      Role::read,      Operation::list_audit},
    Route{"GET",  "/summary",                    Role::read,      Operation::show_summary},
    Route{"GET",  "/live",                       Role::read,      Operation::watch_live},
    Route{"GET",  "/verify",                     Role::admin,     Operation::verify_laws},
    Route{"POST", "/sagas/{id}/retry",           Role::operator_, Operation::retry_saga},
    Route{"POST", "/sagas/{id}/compensate",      Role::operator_, Operation::compensate_saga},
    Route{"POST", "/sagas/{id}/cancel",          Role::operator_, Operation::cancel_saga},
    Route{"POST", "/sagas/{id}/hold",            Role::operator_, Operation::hold_saga},
    Route{"POST", "/sagas/{id}/release",         Role::operator_, Operation::release_saga},
    Route{"POST", "/stock/{sku}/adjust",         Role::operator_, Operation::adjust_stock},
    Route{"POST", "/parked/{item}/retry",        Role::operator_, Operation::retry_parked},
    Route{"POST", "/parked/{item}/dismiss",      Role::operator_, Operation::dismiss_parked},
    Route{"POST", "/incidents/{incident}/close", Role::operator_, Operation::close_incident},
    Route{"POST", "/listings/{listing}/unpark",  Role::operator_, Operation::unpark_listing},
    Route{"POST", "/stores/{store}/activate",    Role::operator_, Operation::activate_store},
    Route{"POST", "/stores/{store}/deactivate",  Role::operator_, Operation::deactivate_store},
    Route{"POST", "/stores/{store}/mode",        Role::operator_, Operation::set_store_mode},
};
// clang-format on

// Served beside them, without any role: what is here, health, and the way in. Paths from the root.
struct OpenRoute {
    std::string_view method;
    std::string_view path;
};

inline constexpr std::array open_routes{
    OpenRoute{"GET", "/"},         OpenRoute{"GET", "/assets/{file}"}, OpenRoute{"GET", "/healthz"},
    OpenRoute{"GET", "/readyz"},   OpenRoute{"GET", "/metrics"},       OpenRoute{"GET", "/api/v1/openapi.json"},
    OpenRoute{"POST", "/session"}, OpenRoute{"GET", "/session"},       OpenRoute{"DELETE", "/session"},
};

}  // namespace ordersaga::api
