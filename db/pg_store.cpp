#include "db/pg_store.hpp"

#include "db/pg_transaction.hpp"
#include "db/restored.hpp"
#include "runtime/log.hpp"

namespace ordersaga::db {

namespace {

// Leaves Session::transact_once without a commit.
struct RollBack {};

}  // namespace

PgStore::PgStore(ConnectionSettings settings, runtime::KeyRing ring, bool prepares)
    : session_({std::move(settings.dsn), std::move(settings.application_name), prepares}), keys_(std::move(ring)) {}

void PgStore::look_at_new_connection() {
    known_ = known_ && session_.connected();
    if (known_) return;
    catalogue_.forget();
    bool restored = false;
    session_.transact_once([&](Transaction& transaction) { restored = notice_restore(transaction); });
    known_ = true;
    if (restored) runtime::log_warn("the database was restored: peers are asked before anything is sent", {});
}

void PgStore::transact(const std::function<void(engine::Transaction&)>& work, Ending ending) {
    try {
        look_at_new_connection();
        session_.transact_once([&](Transaction& transaction) {
            PgTransaction ours(transaction, keys_, catalogue_);
            work(ours);
            if (ending == Ending::roll_back) {
                throw RollBack{};
            }
        });
    } catch (const RollBack&) {
    } catch (const BadData& error) {
        throw engine::BadItem(error.what());
    } catch (const InDoubt& error) {
        throw engine::StoreInDoubt(error.what());
    } catch (const DatabaseError& error) {
        // Misuse is among these (a missing grant, another schema): no item is at fault, so none may be parked for it.
        throw engine::StoreUnavailable(error.what());
    }
}

}  // namespace ordersaga::db
