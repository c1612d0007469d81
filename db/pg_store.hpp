// engine::Store on PostgreSQL: one session, one thread. A lost connection is replaced at the next transaction; nothing
// is repeated here, because only the engine knows what a repeat means. Several stores (threads, processes) may work on
// one database at once.
#pragma once

#include "db/catalogue.hpp"
#include "db/session.hpp"
#include "db/store_keys.hpp"
#include "orchestrator/engine/store.hpp"

#include <functional>

namespace ordersaga::db {

class PgStore final : public engine::Store {
public:
    // Does not connect yet. The login is ordersaga_engine. `ring` seals the keys that personal data is sealed with.
    // `prepares`: see ConnectionSettings.
    PgStore(ConnectionSettings settings, runtime::KeyRing ring, bool prepares = true);

    // Each new connection is looked at first: a restore takes the server away, and comes back with an earlier database
    // (db/restored.hpp). Nothing is done on it before its recovery is open.
    //
    // The transaction handed to `work` is also an orders::Rows (dynamic_cast). Database failures come out as
    // StoreUnavailable, StoreInDoubt or BadItem; what `work` throws passes as it is.
    void transact(const std::function<void(engine::Transaction&)>& work, Ending ending = Ending::commit) override;

private:
    void look_at_new_connection();

    Session session_;
    StoreKeys keys_;
    Catalogue catalogue_;
    bool known_ = false;  // the database behind the connection was looked at
};

}  // namespace ordersaga::db
