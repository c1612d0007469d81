#include "db/database_clock.hpp"

#include "db/connection.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace ordersaga::db {

namespace {

using Steady = std::chrono::steady_clock;

// clock_timestamp() is the moment of the call; now() would be the transaction's start.
constexpr const char* kAsk = "SELECT clock_timestamp()";

// Two ordinary crystals part by less than this; it widens the uncertainty between two measurements.
constexpr double kDrift = 0.0002;

}  // namespace

struct DatabaseClock::Impl {
    struct Measurement {
        Instant database_time;
        Steady::time_point taken_at;  // the middle of the round trip
        std::chrono::microseconds half_trip;
    };

    explicit Impl(Settings wanted) : settings(std::move(wanted)), thread([this] { run(); }) {}

    ~Impl() {
        {
            const std::lock_guard lock(mutex);
            stopping = true;
        }
        changed.notify_all();
        thread.join();
    }

    std::optional<Reading> read_locked() const {
        if (!latest) {
            return std::nullopt;
        }
        const auto age = std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - latest->taken_at);
        if (age > settings.longest_silence) {
            return std::nullopt;
        }
        const auto drift =
            std::chrono::microseconds(static_cast<std::int64_t>(static_cast<double>(age.count()) * kDrift));
        return Reading{latest->database_time + age, latest->half_trip + drift};
    }

    void run() {
        std::unique_ptr<Connection> connection;
        std::unique_lock lock(mutex);
        while (!stopping) {
            lock.unlock();
            const std::optional<Measurement> measured = measure(connection);
            lock.lock();
            if (measured) {
                latest = measured;
                changed.notify_all();
            }
            changed.wait_for(lock, measured ? settings.interval : settings.retry, [this] { return stopping; });
        }
    }

    std::optional<Measurement> measure(std::unique_ptr<Connection>& connection) const {
        try {
            if (!connection) {
                connection = std::make_unique<Connection>(ConnectionSettings{settings.dsn, settings.application_name});
            }
            const auto before = Steady::now();
            const Rows rows = connection->autocommit(kAsk);
            const auto trip = Steady::now() - before;
            return Measurement{
                rows.instant(0, 0), before + trip / 2, std::chrono::duration_cast<std::chrono::microseconds>(trip / 2)};
        } catch (const std::exception&) {
            // The silence is the report: read() goes empty once it has lasted too long.
            connection.reset();
            return std::nullopt;
        }
    }

    const Settings settings;
    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    bool stopping = false;
    std::optional<Measurement> latest;
    std::thread thread;  // last, so that everything above exists when it starts
};

DatabaseClock::DatabaseClock(Settings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
DatabaseClock::~DatabaseClock() = default;

std::optional<DatabaseClock::Reading> DatabaseClock::read() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->read_locked();
}

bool DatabaseClock::wait_until_known(std::chrono::milliseconds longest) const {
    std::unique_lock lock(impl_->mutex);
    return impl_->changed.wait_for(lock, longest, [this] { return impl_->read_locked().has_value(); });
}

}  // namespace ordersaga::db
