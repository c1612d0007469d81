// Preloaded into a program that knows nothing of it: kills the process at its n-th call that touches the outside world.
//
//   KILL_AT_CALL=N          SIGKILL at the N-th call; right before it when N is odd, right after it when N is even
//   KILL_COUNT_FILE=FILE    8 bytes, the calls so far: for who wants to know how many there are to choose from
//
// Counted is what is done to sockets, and fsync of anything; pipes and log files are the process's own business.
// Sockets of a program's TLS, database, broker and HTTP all come through here, and so do those that a library opens.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>

namespace {

struct Counter {
    long kill_at = 0;
    std::atomic<long> own{0};
    std::atomic<long>* calls = &own;

    Counter() {
        if (const char* text = std::getenv("KILL_AT_CALL")) kill_at = std::strtol(text, nullptr, 10);
        if (const char* file = std::getenv("KILL_COUNT_FILE")) {
            const int handle = ::open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
            if (handle >= 0 && ::ftruncate(handle, sizeof(long)) == 0) {
                void* page = ::mmap(nullptr, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
                if (page != MAP_FAILED) calls = static_cast<std::atomic<long>*>(page);
            }
        }
    }
};

Counter& counter() {
    static Counter instance;
    return instance;
}

void die() {
    ::kill(::getpid(), SIGKILL);
    for (;;)
        ::pause();
}

bool is_socket(int handle) {
    struct stat about {};
    return ::fstat(handle, &about) == 0 && S_ISSOCK(about.st_mode);
}

template <class Function>
Function next(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

template <class Call>
auto counted(bool counts, Call call) {
    const int fault = errno;
    const long number = counts ? counter().calls->fetch_add(1) + 1 : 0;
    const bool here = number > 0 && number == counter().kill_at;
    if (here && number % 2 == 1) die();
    errno = fault;
    const auto result = call();
    if (here) die();
    return result;
}

}  // namespace

extern "C" {

ssize_t send(int handle, const void* bytes, size_t size, int flags) {
    static const auto real = next<ssize_t (*)(int, const void*, size_t, int)>("send");
    return counted(true, [&] { return real(handle, bytes, size, flags); });
}

ssize_t recv(int handle, void* bytes, size_t size, int flags) {
    static const auto real = next<ssize_t (*)(int, void*, size_t, int)>("recv");
    return counted(true, [&] { return real(handle, bytes, size, flags); });
}

ssize_t sendto(int handle, const void* bytes, size_t size, int flags, const struct sockaddr* to, socklen_t length) {
    static const auto real =
        next<ssize_t (*)(int, const void*, size_t, int, const struct sockaddr*, socklen_t)>("sendto");
    return counted(true, [&] { return real(handle, bytes, size, flags, to, length); });
}

ssize_t recvfrom(int handle, void* bytes, size_t size, int flags, struct sockaddr* from, socklen_t* length) {
    static const auto real = next<ssize_t (*)(int, void*, size_t, int, struct sockaddr*, socklen_t*)>("recvfrom");
    return counted(true, [&] { return real(handle, bytes, size, flags, from, length); });
}

ssize_t sendmsg(int handle, const struct msghdr* message, int flags) {
    static const auto real = next<ssize_t (*)(int, const struct msghdr*, int)>("sendmsg");
    return counted(true, [&] { return real(handle, message, flags); });
}

ssize_t recvmsg(int handle, struct msghdr* message, int flags) {
    static const auto real = next<ssize_t (*)(int, struct msghdr*, int)>("recvmsg");
    return counted(true, [&] { return real(handle, message, flags); });
}

ssize_t write(int handle, const void* bytes, size_t size) {
    static const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
    return counted(is_socket(handle), [&] { return real(handle, bytes, size); });
}

ssize_t read(int handle, void* bytes, size_t size) {
    static const auto real = next<ssize_t (*)(int, void*, size_t)>("read");
    return counted(is_socket(handle), [&] { return real(handle, bytes, size); });
}

ssize_t writev(int handle, const struct iovec* parts, int count) {
    static const auto real = next<ssize_t (*)(int, const struct iovec*, int)>("writev");
    return counted(is_socket(handle), [&] { return real(handle, parts, count); });
}

ssize_t readv(int handle, const struct iovec* parts, int count) {
    static const auto real = next<ssize_t (*)(int, const struct iovec*, int)>("readv");
    return counted(is_socket(handle), [&] { return real(handle, parts, count); });
}

int connect(int handle, const struct sockaddr* address, socklen_t size) {
    static const auto real = next<int (*)(int, const struct sockaddr*, socklen_t)>("connect");
    return counted(true, [&] { return real(handle, address, size); });
}

int accept(int handle, struct sockaddr* address, socklen_t* size) {
    static const auto real = next<int (*)(int, struct sockaddr*, socklen_t*)>("accept");
    return counted(true, [&] { return real(handle, address, size); });
}

int accept4(int handle, struct sockaddr* address, socklen_t* size, int flags) {
    static const auto real = next<int (*)(int, struct sockaddr*, socklen_t*, int)>("accept4");
    return counted(true, [&] { return real(handle, address, size, flags); });
}

int shutdown(int handle, int how) {
    static const auto real = next<int (*)(int, int)>("shutdown");
    return counted(true, [&] { return real(handle, how); });
}

int close(int handle) {
    static const auto real = next<int (*)(int)>("close");
    return counted(is_socket(handle), [&] { return real(handle); });
}

int fsync(int handle) {
    static const auto real = next<int (*)(int)>("fsync");
    return counted(true, [&] { return real(handle); });
}

}  // extern "C"
