// The history of sagas is kept in one partition per month: made ahead, dropped whole. To be called at start and once a
// day by whoever runs for long; safe to repeat and from several programs at once. A month that nobody prepared is no
// fault: its rows go to the partition for the rest.
#pragma once

#include "db/session.hpp"

namespace ordersaga::db {

// Makes the partitions of this month and of `months_ahead` more; answers how many were made.
int prepare_history(Session& session, int months_ahead = 2);

// Drops the partitions of months that ended more than `months` (at least 3) months ago; answers how many were dropped.
int forget_history(Session& session, int months);

}  // namespace ordersaga::db
