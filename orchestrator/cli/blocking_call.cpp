#include "orchestrator/cli/blocking_call.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <utility>

namespace ordersaga::cli {

runtime::HttpOutcome call_and_wait(runtime::HttpCall call) {
    boost::asio::io_context context;
    runtime::HttpClientOptions options;
    options.user_agent = "sagactl/0.1";
    runtime::HttpClient client(context.get_executor(), options);
    runtime::HttpOutcome outcome;
    bool ended = false;
    boost::asio::co_spawn(
        context, client.send(std::move(call)), [&](const std::exception_ptr& fault, runtime::HttpOutcome answer) {
            ended = true;
            if (fault) std::rethrow_exception(fault);
            outcome = std::move(answer);
        });
    // Not to the end of all work: a connection that is kept would be waited for, too.
    while (!ended && context.run_one() > 0) {
    }
    return outcome;
}

}  // namespace ordersaga::cli
