// draw_diagrams FOLDER: writes the order saga's diagrams there. Called by ./dev diagrams.

#include "sagas/diagram.hpp"

#include <fstream>
#include <iostream>
#include <string>
#include <utility>

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: draw_diagrams FOLDER\n";
        return 2;
    }
    const std::pair<const char*, std::string> files[] = {
        {"order_saga.mmd", ordersaga::sagas::order_saga_mermaid()},
        {"order_saga.svg", ordersaga::sagas::order_saga_svg()},
        {"order_saga.md", ordersaga::sagas::order_saga_page()},
    };
    for (const auto& [name, text] : files) {
        const std::string path = std::string(argv[1]) + "/" + name;
        std::ofstream file(path, std::ios::binary);
        file << text;
        file.close();
        if (!file) {
            std::cerr << "draw_diagrams: " << path << " cannot be written\n";
            return 1;
        }
        std::cout << path << "\n";
    }
    return 0;
}
