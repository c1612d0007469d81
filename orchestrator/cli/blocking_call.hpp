// One HTTP call, waited for: sagactl does one thing after the other.
#pragma once

#include "runtime/http_client.hpp"

namespace ordersaga::cli {

// Never throws for anything that the peer or the network did.
runtime::HttpOutcome call_and_wait(runtime::HttpCall call);

}  // namespace ordersaga::cli
