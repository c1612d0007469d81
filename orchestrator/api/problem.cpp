#include "orchestrator/api/problem.hpp"

#include "db/errors.hpp"
#include "orchestrator/api/query_threads.hpp"
#include "runtime/json.hpp"
#include "runtime/log.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::api {

runtime::HttpResponse problem_answer(int status, const std::string& detail, std::chrono::seconds retry_after) {
    runtime::HttpResponse response;
    response.status = status;
    response.content_type = "application/problem+json";
    response.body = runtime::dump_json({
        {"type", "about:blank"},
        {"title", runtime::http_reason(status)},
        {"status", status},
        {"detail", detail},
    });
    response.headers.emplace_back("Cache-Control", "no-store");
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"ordersaga\"");
    if (status == 429 || status == 503)
        response.headers.emplace_back("Retry-After", std::to_string(retry_after.count()));
    return response;
}

runtime::HttpResponse answer_of_fault(const std::exception_ptr& fault) {
    try {
        std::rethrow_exception(fault);
    } catch (const Problem& problem) {
        return problem_answer(problem.status(), problem.what(), problem.retry_after());
    } catch (const QueryRefused& refused) {
        return problem_answer(503, refused.what());
    } catch (const db::BadData&) {
        return problem_answer(400, "a parameter is not of the form that it must have");
    } catch (const db::Misuse& error) {
        runtime::log_error(
            "a question of the API is wrong", {{"reason", error.what()}, {"sqlstate", error.sqlstate()}});
        return problem_answer(500, "a fault of the service; it is in its log");
    } catch (const db::DatabaseError& error) {
        runtime::log_warn(
            "the API cannot reach the database", {{"reason", error.what()}, {"sqlstate", error.sqlstate()}});
        return problem_answer(503, "the database cannot be asked now");
    } catch (const std::exception& error) {
        runtime::log_error("a question of the API failed", {{"reason", error.what()}});
        return problem_answer(500, "a fault of the service; it is in its log");
    } catch (...) {
        return problem_answer(500, "a fault of the service");
    }
}

}  // namespace ordersaga::api
