// Keeps tokens and keys out of files that a crash would leave behind.
#pragma once

namespace ordersaga::runtime {

// From now on this process leaves no core file, whoever collects them, and no other process of the same user can read its
// memory or its environment. Called first in main() by every program that holds secrets. Cannot be undone by accident: a
// child that is exec'ed begins anew.
void forbid_core_dumps();

}  // namespace ordersaga::runtime
