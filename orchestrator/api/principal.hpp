// Who asks: the owner of a token or an operator who has signed in, and what he may do for which merchants.
#pragma once

#include "sagas/ids.hpp"

#include <string>
#include <vector>

namespace ordersaga::api {

// Each may do what the ones before it may.
enum class Role { read, operator_, admin };

struct MerchantName {
    sagas::MerchantId id;
    std::string name;
};

struct Principal {
    sagas::MerchantId merchant;  // the one that this request is about: chosen by Gate::authorize
    std::string name;            // for the audit
    Role role = Role::read;
    std::string id;                       // the same in all its requests, of no use to anybody else
    std::vector<MerchantName> merchants;  // all that it may ask about, by name; never empty
};

}  // namespace ordersaga::api
