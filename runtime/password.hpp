// Passwords as they are kept: scrypt, in one line of text that holds the parameters and a salt of its own. Pure but for the
// salt; any thread. Slow on purpose: never on a thread that serves sockets.
#pragma once

#include <string>
#include <string_view>

namespace ordersaga::runtime {

// Memory 128 * 2^log_n * r bytes (32 MiB), and p passes over it.
struct PasswordCost {
    int log_n = 15;
    int r = 8;
    int p = 3;
};

// "$scrypt$ln=15,r=8,p=3$SALT$KEY". Throws std::runtime_error only if the library itself fails.
std::string hash_password(std::string_view password, PasswordCost cost = {});

// Takes as long as the parameters in `stored` say. False also for text that is no such hash.
bool password_fits(std::string_view password, std::string_view stored);

}  // namespace ordersaga::runtime
