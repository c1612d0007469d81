#include "orchestrator/cli/database_verbs.hpp"

#include "db/bootstrap.hpp"
#include "db/migrate.hpp"
#include "db/restored.hpp"
#include "db/setup.hpp"
#include "db/verify.hpp"
#include "orchestrator/cli/engine_database.hpp"
#include "orchestrator/cli/setup_file.hpp"
#include "orchestrator/cli/table.hpp"
#include "runtime/json.hpp"
#include "runtime/random.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <ostream>

namespace ordersaga::cli {

namespace {

using nlohmann::json;

std::string shell_quoted(const std::string& text) {
    // The easy form when it is possible: addresses hold single quotes.
    if (text.find_first_of("\"\\$`!") == std::string::npos) return "\"" + text + "\"";
    std::string result = "'";
    for (const char letter : text)
        result += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    return result + "'";
}

// The password that an earlier run wrote, so that a repeat does not lock running services out.
std::string earlier_password(const std::string& env_file, const std::string& variable) {
    std::ifstream stream(env_file);
    const std::string begin = variable + "=\"";
    for (std::string line; std::getline(stream, line);) {
        if (line.starts_with(begin) && line.ends_with('"') && line.size() > begin.size() + 1) {
            return line.substr(begin.size(), line.size() - begin.size() - 1);
        }
    }
    return {};
}

std::string password_of(const Surroundings& world, const std::string& env_file, const std::string& role) {
    const std::string variable = "ORDERSAGA_" + role + "_PASSWORD";
    const std::optional<std::string> given = world.environment(variable);
    if (given && !given->empty()) return *given;
    std::string earlier = env_file.empty() ? std::string() : earlier_password(env_file, variable);
    if (!earlier.empty()) return earlier;
    if (env_file.empty())
        throw CliError(ExitCode::usage, variable + " is not set, and no --write-env FILE to keep a new password in");
    return runtime::random_token(24);
}

// Creates database and roles; answers where the migrator connects.
std::string bootstrap(Context& context, const MigrateArguments& arguments) {
    const std::string admin_dsn = required(context.settings.admin_dsn, "admin_dsn");
    const auto password = [&](const std::string& role) {
        return password_of(context.world, arguments.env_file, role);
    };
    const db::RolePasswords passwords{
        password("MIGRATOR"), password("ENGINE"), password("WORKER"), password("API"), password("NOTIFIER")};
    try {
        db::bootstrap(admin_dsn, arguments.bootstrap, passwords);
    } catch (const std::invalid_argument& fault) {
        throw CliError(ExitCode::usage, fault.what());
    }
    const db::RoleDsns dsns = db::role_dsns(admin_dsn, arguments.bootstrap, passwords);
    if (!arguments.env_file.empty()) {
        std::string content =
            "# Written by sagactl migrate --bootstrap. Secrets: keep it readable by its owner only.\n";
        const auto add = [&](const std::string& role, const std::string& dsn, const std::string& secret) {
            content += "ORDERSAGA_" + role + "_DSN=" + shell_quoted(dsn) + "\nORDERSAGA_" + role +
                       "_PASSWORD=" + shell_quoted(secret) + "\n";
        };
        add("MIGRATOR", dsns.migrator, passwords.migrator);
        add("ENGINE", dsns.engine, passwords.engine);
        add("WORKER", dsns.worker, passwords.worker);
        add("API", dsns.api, passwords.api);
        add("NOTIFIER", dsns.notifier, passwords.notifier);
        write_private_file(arguments.env_file, content);
    }
    return dsns.migrator;
}

std::string text_of(const std::vector<runtime::ConfigFault>& faults) {
    std::string text =
        std::to_string(faults.size()) + (faults.size() == 1 ? " fault" : " faults") + ", nothing was changed:\n";
    for (const runtime::ConfigFault& fault : faults)
        text += "  " + printable(fault.where) + ": " + printable(fault.message) + "\n";
    text.pop_back();
    return text;
}

json rows_of(const db::SetupReport& report) {
    json rows = json::array();
    for (const db::SetupChange& change : report.changes) {
        rows.push_back(
            {{"kind", change.kind}, {"name", change.name}, {"action", change.action}, {"note", change.note}});
    }
    return rows;
}

constexpr std::size_t most_lines_shown = 60;

void print_setup(Context& context, const db::SetupReport& report, bool dry_run) {
    const json rows = rows_of(report);
    std::ostream& out = context.world.out;
    if (context.json) {
        const json document = {
            {"merchant_id", std::to_string(report.merchant_id)}, {"dry_run", dry_run}, {"changes", rows}};
        out << runtime::dump_json(document) << '\n';
        return;
    }
    if (rows.empty()) {
        out << "everything is in place\n";
        return;
    }
    const std::size_t shown = std::min(rows.size(), most_lines_shown);
    const json first(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(shown));
    print_table(
        out, {{"KIND", "kind"}, {"NAME", "name"}, {"ACTION", "action"}, {"NOTE", "note"}}, first,
        context.world.colours);
    if (shown < rows.size()) out << "... and " << rows.size() - shown << " more (all with --json)\n";
    const auto kept = std::count_if(
        report.changes.begin(), report.changes.end(), [](const auto& change) { return change.action == "kept"; });
    out << rows.size() - static_cast<std::size_t>(kept) << (dry_run ? " changes would be made\n" : " changes made\n");
}

}  // namespace

ExitCode with_database_faults(const std::function<ExitCode()>& work) {
    try {
        return work();
    } catch (const db::SchemaMismatch& fault) {
        throw CliError(ExitCode::conflict, fault.what());
    } catch (const db::InDoubt&) {
        throw CliError(
            ExitCode::not_reachable,
            "the database was lost while committing: the change is wholly made or not at all; run it again");
    } catch (const db::Broken& fault) {
        throw CliError(ExitCode::not_reachable, fault.what());
    } catch (const db::Retryable& fault) {
        throw CliError(ExitCode::not_reachable, std::string(fault.what()) + "; nothing was changed, try again");
    } catch (const db::DatabaseError& fault) {
        if (fault.sqlstate() == "42501")
            throw CliError(ExitCode::not_allowed, "this login may not do that: " + std::string(fault.what()));
        if (fault.sqlstate() == "42P01")
            throw CliError(ExitCode::conflict, "the schema is missing or older: run sagactl migrate");
        if (fault.sqlstate() == "23505")
            throw CliError(
                ExitCode::conflict, "something of this name or id belongs to another row already; nothing was changed");
        throw CliError(ExitCode::refused, fault.what());
    }
}

ExitCode migrate_verb(Context& context, const MigrateArguments& arguments) {
    if (arguments.bootstrap.empty() && !arguments.env_file.empty()) {
        throw CliError(ExitCode::usage, "--write-env goes with --bootstrap only");
    }
    const std::string dsn = arguments.bootstrap.empty() ? required(context.settings.migrator_dsn, "migrator_dsn")
                                                        : bootstrap(context, arguments);
    const db::MigrationReport report = db::migrate(dsn);
    std::ostream& out = context.world.out;
    if (context.json) {
        out << runtime::dump_json({{"before", report.before}, {"after", report.after}, {"applied", report.applied}})
            << '\n';
    } else if (report.applied.empty()) {
        out << "schema " << report.after << " is in place\n";
    } else {
        for (const std::string& name : report.applied)
            out << "applied " << name << '\n';
        out << "schema " << report.before << " -> " << report.after << '\n';
    }
    return ExitCode::ok;
}

ExitCode setup_verb(Context& context, const SetupArguments& arguments) {
    const SetupFile file = read_setup_file(arguments.file);
    if (!file.faults.empty()) throw CliError(ExitCode::usage, text_of(file.faults));
    db::Session session = open_engine_database(context, "setup");
    const std::string reason = arguments.reason.empty() ? "setup by file" : arguments.reason;
    const db::SetupReport report =
        db::apply_setup(session, file.plan, actor_of(context.world), reason, arguments.dry_run);
    print_setup(context, report, arguments.dry_run);
    return ExitCode::ok;
}

ExitCode restored_verb(Context& context, const RestoredArguments& arguments) {
    db::Session session = open_engine_database(context, "restored");
    std::string remembers;
    try {
        session.transact([&](db::Transaction& transaction) {
            remembers = db::declare_restored(transaction, actor_of(context.world), arguments.reason);
        });
    } catch (const std::invalid_argument& fault) {
        throw CliError(ExitCode::conflict, fault.what());
    }
    std::ostream& out = context.world.out;
    if (context.json) {
        out << runtime::dump_json({{"remembers_until", remembers}}) << '\n';
    } else {
        out << "the database remembers nothing since " << remembers
            << "\nstart orchestrators and workers: they ask stores and warehouses first, and send when that is done\n";
    }
    return ExitCode::ok;
}

ExitCode recovery_verb(Context& context) {
    db::Session session = open_engine_database(context, "recovery");
    json rows = json::array();
    session.transact([&](db::Transaction& transaction) {
        rows = json::array();
        for (const db::RecoveryStage& stage : db::recoveries(transaction))
            rows.push_back({{"merchant", stage.merchant}, {"stage", stage.stage}, {"waits_for", stage.waits_for}});
    });
    std::ostream& out = context.world.out;
    if (context.json) {
        out << runtime::dump_json({{"recoveries", rows}}) << '\n';
    } else if (rows.empty()) {
        out << "nothing is held back\n";
    } else {
        print_table(
            out, {{"MERCHANT", "merchant"}, {"STAGE", "stage"}, {"WAITS FOR", "waits_for"}}, rows,
            context.world.colours);
    }
    return ExitCode::ok;
}

ExitCode verify_verb(Context& context, const VerifyArguments& arguments) {
    db::Session session = open_engine_database(context, "verify");
    db::VerifyOptions options;
    options.at_rest = arguments.at_rest;
    const std::vector<db::LawResult> laws = db::verify(session, options);
    bool all_hold = true;
    json rows = json::array();
    for (const db::LawResult& law : laws) {
        all_hold = all_hold && law.holds();
        json findings = json::array();
        for (const db::Finding& finding : law.findings)
            findings.push_back({{"row", finding.row}, {"text", finding.text}});
        rows.push_back(
            {{"law", law.law},
             {"promise", law.promise},
             {"holds", law.holds()},
             {"broken", law.broken},
             {"findings", std::move(findings)}});
    }
    std::ostream& out = context.world.out;
    if (context.json) {
        out << runtime::dump_json({{"all_hold", all_hold}, {"laws", rows}}) << '\n';
        return all_hold ? ExitCode::ok : ExitCode::refused;
    }
    print_table(
        out, {{"LAW", "law"}, {"HOLDS", "holds"}, {"BROKEN", "broken", true}, {"PROMISE", "promise"}}, rows,
        context.world.colours);
    for (const json& law : rows) {
        for (const json& finding : law.at("findings")) {
            out << cell_of(law.at("law")) << " is broken by " << cell_of(finding.at("row")) << ": "
                << cell_of(finding.at("text")) << '\n';
        }
    }
    return all_hold ? ExitCode::ok : ExitCode::refused;
}

}  // namespace ordersaga::cli
