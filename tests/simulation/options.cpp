#include "tests/simulation/options.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace ordersaga::simulation {

std::string Options::text() const {
    std::string text = "--seed " + std::to_string(seed);
    std::string list;
    for (const std::string& part : without)
        list += (list.empty() ? "" : ",") + part;
    return list.empty() ? text : text + " --without " + list;
}

std::set<std::string> names_in(const std::string& list) {
    std::set<std::string> names;
    std::istringstream stream(list);
    for (std::string name; std::getline(stream, name, ',');) {
        if (!name.empty()) names.insert(name);
    }
    return names;
}

Options options_from(const std::string& text) {
    Options options;
    std::istringstream stream(text);
    bool seeded = false;
    for (std::string word; stream >> word;) {
        std::string value;
        if (!(stream >> value)) throw std::invalid_argument(word + " needs a value: " + text);
        if (word == "--seed") {
            options.seed = std::stoull(value);
            seeded = true;
        } else if (word == "--without") {
            options.without = names_in(value);
        } else {
            throw std::invalid_argument("neither --seed nor --without: " + text);
        }
    }
    if (!seeded) throw std::invalid_argument("no --seed in: " + text);
    return options;
}

std::vector<Options> options_in_file(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot read " + path);
    std::vector<Options> all;
    for (std::string line; std::getline(file, line);) {
        line = line.substr(0, line.find('#'));
        if (line.find_first_not_of(" \t") != std::string::npos) all.push_back(options_from(line));
    }
    return all;
}

}  // namespace ordersaga::simulation
