#include "supervisor/data_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace ordersaga::supervisor {
namespace {

constexpr int layout = 1;

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void write_all(int file, const std::string& content, const std::string& name) {
    for (std::size_t at = 0; at < content.size();) {
        const ssize_t count = ::write(file, content.data() + at, content.size() - at);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) fail("cannot write " + name);
        at += static_cast<std::size_t>(count);
    }
}

std::string without_quotes(const std::string& text) {
    if (text.size() < 2 || (text.front() != '"' && text.front() != '\'') || text.back() != text.front()) return text;
    return text.substr(1, text.size() - 2);
}

}  // namespace

void write_private_file(const std::filesystem::path& file, const std::string& content) {
    const std::string draft = file.string() + ".new";
    const int descriptor = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0) fail("cannot write " + draft);
    try {
        write_all(descriptor, content, draft);
        if (::fsync(descriptor) != 0) fail("cannot write " + draft);
    } catch (...) {
        ::close(descriptor);
        throw;
    }
    ::close(descriptor);
    std::filesystem::rename(draft, file);
}

std::map<std::string, std::string> read_variables(const std::filesystem::path& file) {
    std::map<std::string, std::string> values;
    std::ifstream stream(file);
    for (std::string line; std::getline(stream, line);) {
        const std::size_t sign = line.find('=');
        if (line.starts_with('#') || sign == std::string::npos) continue;
        values[line.substr(0, sign)] = without_quotes(line.substr(sign + 1));
    }
    return values;
}

DataDirectory::DataDirectory(const std::filesystem::path& path) : path_(std::filesystem::absolute(path)) {
    const bool made = std::filesystem::create_directories(path_);
    if (made) std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
    const bool ours = std::filesystem::exists(path_ / "version");
    const bool begun = std::filesystem::exists(path_ / "lock");  // a first run that was cut off
    if (!ours && !begun && !std::filesystem::is_empty(path_))
        throw NotUsable(path_.string() + " is not empty and was not made by ordersaga: name another directory");
    lock();
    if (ours) {
        check_version();
    } else {
        write_private_file(path_ / "version", std::to_string(layout) + "\n");
    }
    settings_ = read_variables(path_ / "settings");
}

DataDirectory::~DataDirectory() {
    if (lock_ >= 0) ::close(lock_);
}

void DataDirectory::lock() {
    const std::filesystem::path file = path_ / "lock";
    lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock_ < 0) fail("cannot write " + file.string());
    if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return;
    ::close(lock_);
    lock_ = -1;
    throw NotUsable(path_.string() + " is in use by another ordersaga");
}

void DataDirectory::check_version() const {
    int found = 0;
    std::ifstream(path_ / "version") >> found;
    if (found == layout) return;
    throw NotUsable(
        found > layout ? path_.string() + " was made by a newer ordersaga (layout " + std::to_string(found) +
                             ", this is " + std::to_string(layout) + "): install that one"
                       : (path_ / "version").string() + " cannot be read");
}

std::filesystem::path DataDirectory::folder(const std::string& name) const {
    const std::filesystem::path folder = path_ / name;
    if (std::filesystem::create_directories(folder))
        std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    return folder;
}

std::string DataDirectory::kept(const std::string& name, const std::function<std::string()>& make) {
    const auto found = settings_.find(name);
    if (found != settings_.end()) return found->second;
    keep(name, make());
    return settings_[name];
}

void DataDirectory::keep(const std::string& name, const std::string& value) {
    settings_[name] = value;
    std::string text = "# Kept by ordersaga up: ports and passwords of its own servers.\n";
    for (const auto& [key, content] : settings_)
        text += key + "=" + content + "\n";
    write_private_file(path_ / "settings", text);
}

bool DataDirectory::keeps(const std::string& value) const {
    return std::any_of(
        settings_.begin(), settings_.end(), [&](const auto& setting) { return setting.second == value; });
}

}  // namespace ordersaga::supervisor
