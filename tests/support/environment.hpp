// What a suite is told by the environment that ./dev test makes.
#pragma once

#include <cstdlib>
#include <string>

namespace ordersaga::test {

// Empty when it is not set.
inline std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : value;
}

// Has a demo give the roles the passwords by which other suites know them: roles belong to the whole server.
inline void keep_role_passwords() {
    setenv("ORDERSAGA_MIGRATOR_PASSWORD", "migrator-test", 1);
    setenv("ORDERSAGA_ENGINE_PASSWORD", "engine-test", 1);
    setenv("ORDERSAGA_WORKER_PASSWORD", "worker-test", 1);
    setenv("ORDERSAGA_API_PASSWORD", "api-test", 1);
    setenv("ORDERSAGA_NOTIFIER_PASSWORD", "notifier-test", 1);
}

}  // namespace ordersaga::test
