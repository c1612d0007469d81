#include "runtime/planted.hpp"

#ifdef ORDERSAGA_PLANTED_FAULTS

#include <cstdio>
#include <cstdlib>

namespace ordersaga::runtime {
namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

struct Choice {
    std::string fault = variable("ORDERSAGA_PLANTED");
    std::string from = variable("ORDERSAGA_PLANTED_FROM");
    std::string to = variable("ORDERSAGA_PLANTED_TO");
    int row = fault.starts_with("row:") ? std::atoi(fault.c_str() + 4) : -1;

    // Nobody shall run with it and not know.
    Choice() {
        if (!fault.empty()) std::fprintf(stderr, "ORDERSAGA_PLANTED is set: this process is wrong on purpose\n");
    }
};

const Choice& choice() {
    static const Choice instance;
    return instance;
}

}  // namespace

bool planted(std::string_view fault) noexcept {
    return choice().fault == fault;
}

int planted_row() noexcept {
    return choice().row;
}

std::string planted_statement(std::string_view statement) {
    std::string text(statement);
    if (choice().fault != "sql" || choice().from.empty()) return text;
    if (const std::size_t at = text.find(choice().from); at != std::string::npos)
        text.replace(at, choice().from.size(), choice().to);
    return text;
}

}  // namespace ordersaga::runtime

#endif
