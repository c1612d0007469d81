// Who asks: a token's owner, its merchant and what it may do.
#pragma once

#include "sagas/ids.hpp"

#include <string>

namespace ordersaga::api {

// Each may do what the ones before it may.
enum class Role { read, operator_, admin };

struct Principal {
    sagas::MerchantId merchant;
    std::string name;
    Role role = Role::read;
    std::string token_hash;
};

}  // namespace ordersaga::api
