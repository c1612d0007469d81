// How libFuzzer reaches a target.
#include "runtime/log.hpp"
#include "tests/fuzz/target.hpp"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    ordersaga::runtime::configure_log({.level = ordersaga::runtime::LogLevel::off, .program = {}, .file = {}});
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ordersaga::fuzz::one_input({reinterpret_cast<const char*>(data), size});
    return 0;
}
