// What is said to a store about tokens, and how its answers are read: grants, and the scopes of an installation. Pure.
//
//   POST {store}/admin/oauth/access_token   grant_type=client_credentials&client_id=..&client_secret=..
//   200 {"access_token": "shpat_..", "scope": "write_orders,..", "expires_in": 86399, "refresh_token": ".."}
#pragma once

#include "db/credentials.hpp"
#include "runtime/error.hpp"
#include "runtime/http_client.hpp"

#include <string>
#include <utility>
#include <vector>

namespace ordersaga::credentials {

// Client credentials are asked for anew; a grant by authorization is prolonged with its refresh token.
runtime::HttpCall renewal_call(const db::Renewal& renewal);

using Fields = std::vector<std::pair<std::string, std::string>>;

// Where a person says yes to an app: the store asks, and comes back to `callback` with a code and this state.
std::string authorization_url(
    const db::CredentialRow& credential,
    const std::string& callback,
    const std::string& state);
// Whether what came back through the browser was signed with the app's secret: "hmac", over all other fields by name.
bool is_signed_with(const std::string& client_secret, Fields fields);
std::string field_of(const Fields& fields, const std::string& name);  // empty when it is not there
// Trades the code for the first tokens.
runtime::HttpCall code_call(const db::Renewal& renewal, const std::string& code);

// The error is one line for an operator; it holds nothing of the answer but the store's own error code.
runtime::Result<db::Grant> read_grant(const runtime::HttpOutcome& outcome);

runtime::HttpCall scopes_call(const std::string& base_url, const std::string& api_version, const std::string& token);
runtime::Result<std::vector<std::string>> read_scopes(const runtime::HttpOutcome& outcome);

// What the calls of this program need and the granted scopes do not give. Whoever may write may read.
std::vector<std::string> missing_scopes(const std::vector<std::string>& granted);

}  // namespace ordersaga::credentials
