// The tokens of one stand-in shop: its OAuth endpoints, and how long what they grant is good for.
//
// With `token_lifetime_s` 0 in the shop's settings the one token of the settings is good for ever. Otherwise that one is good
// for nothing, and tokens are granted to whoever knows the client: by client credentials, or by an authorization code
// with a refresh token that changes at each use. The used refresh token stays good until a token of its successor's grant
// was used, so that a lost answer can be asked for again.
//
// Pure and single-threaded.
#pragma once

#include "runtime/clock.hpp"
#include "sandbox/peer_answer.hpp"
#include "sandbox/shopify_store.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::sandbox {

class ShopTokens {
public:
    explicit ShopTokens(ShopifyStore& store) : store_(store) {}

    // POST /admin/oauth/access_token with a form.
    PeerAnswer grant(const std::string& form, runtime::Instant now);
    // GET /admin/oauth/authorize, with the merchant's yes given at once: a redirect that carries a code.
    PeerAnswer authorize(const std::vector<std::pair<std::string, std::string>>& query, runtime::Instant now);

    // Whether a call with this token is served; counts those that come after a token's end.
    bool admits(const std::string& token, runtime::Instant now);

    // What was granted so far is good for nothing any more.
    void revoke_all();

    // {"granted", "calls_after_expiry"}
    [[nodiscard]] nlohmann::json account() const;

private:
    struct Issued {
        runtime::Instant expires_at;
        std::string replaces;  // the refresh token that this grant was made for
    };

    PeerAnswer issue(runtime::Instant now, bool with_refresh_token, const std::string& replaces);

    ShopifyStore& store_;
    std::map<std::string, Issued> issued_;
    std::map<std::string, bool> refresh_tokens_;     // token → still good
    std::map<std::string, runtime::Instant> codes_;  // code → good until
    std::int64_t granted_ = 0;
    std::int64_t calls_after_expiry_ = 0;
};

}  // namespace ordersaga::sandbox
