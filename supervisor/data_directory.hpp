// What `ordersaga up` keeps from one run to the next: ports, passwords, and the folders of its servers.
//
//   DIR/version    of the layout below; a newer one is refused
//   DIR/settings   NAME=VALUE: ports and passwords, made when first asked for
//   DIR/lock       held while it is in use
//
// Everything in it is readable by its owner alone. One thread.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>

namespace ordersaga::supervisor {

// Nothing that trying again mends: a person must do something first. The text tells what.
class NotUsable : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class DataDirectory {
public:
    // Makes what is absent. Throws NotUsable when somebody else uses it, when it was made by a newer version, or when it
    // holds what is none of ours.
    explicit DataDirectory(const std::filesystem::path& path);
    ~DataDirectory();
    DataDirectory(const DataDirectory&) = delete;
    DataDirectory& operator=(const DataDirectory&) = delete;

    const std::filesystem::path& path() const { return path_; }
    // A folder in it, made when absent.
    std::filesystem::path folder(const std::string& name) const;

    // The value that is kept under this name; when there is none yet, what `make` gives, which is kept from then on.
    std::string kept(const std::string& name, const std::function<std::string()>& make);
    void keep(const std::string& name, const std::string& value);
    bool keeps(const std::string& value) const;

private:
    void lock();
    void check_version() const;

    std::filesystem::path path_;
    int lock_ = -1;
    std::map<std::string, std::string> settings_;
};

// A file that is readable by the owner alone; there wholly or not at all, also after a power cut. Throws std::system_error.
void write_private_file(const std::filesystem::path& file, const std::string& content);
// NAME=VALUE or NAME="VALUE" in each line; lines that begin with # are left out. Empty when there is no such file.
std::map<std::string, std::string> read_variables(const std::filesystem::path& file);

}  // namespace ordersaga::supervisor
