// write_reference PAGE: writes the reference in docs/api.md anew. Called by ./dev docs.

#include "orchestrator/api/reference.hpp"

#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: write_reference PAGE\n";
        return 2;
    }
    try {
        std::ifstream old(argv[1], std::ios::binary);
        const std::string page{std::istreambuf_iterator<char>(old), std::istreambuf_iterator<char>()};
        const std::string written = ordersaga::api::with_reference(page);
        std::ofstream file(argv[1], std::ios::binary);
        file << written;
        file.close();
        if (file) return 0;
        std::cerr << "write_reference: " << argv[1] << " cannot be written\n";
    } catch (const std::exception& fault) {
        std::cerr << "write_reference: " << argv[1] << ": " << fault.what() << "\n";
    }
    return 1;
}
