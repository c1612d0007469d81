#include "orchestrator/cli/command_line.hpp"

#include "orchestrator/cli/connect_verbs.hpp"
#include "orchestrator/cli/credential_verbs.hpp"
#include "orchestrator/cli/database_verbs.hpp"
#include "orchestrator/cli/doctor_verb.hpp"
#include "orchestrator/cli/people_verbs.hpp"
#include "orchestrator/cli/privacy_verbs.hpp"
#include "orchestrator/cli/repair_verbs.hpp"
#include "orchestrator/cli/rest_verbs.hpp"
#include "orchestrator/cli/stock_import.hpp"
#include "orchestrator/cli/table.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <set>

namespace ordersaga::cli {

namespace {

constexpr const char* description = R"(sagactl - see and steer the sagas of ordersaga

Reads and commands go to the orchestrator's REST API; setup, migrate, verify, restored,
recovery, token, operator, credential, connect and privacy work on the database. Addresses and secrets come from the environment
(ORDERSAGA_URL, ORDERSAGA_TOKEN, ORDERSAGA_ENGINE_DSN, ORDERSAGA_MIGRATOR_DSN,
ORDERSAGA_ADMIN_DSN) or from the file given by --config.)";

constexpr const char* footer = R"(A saga is named by its id, or by its order as STORE/ORDER-ID.

Exit codes: 0 ok, 1 refused, a law is broken or something is bad, 2 usage, 3 not reachable,
4 not found, 5 not allowed, 6 conflict (it changed, or its state forbids it), 7 warnings of the doctor.)";

// The parsed command line: a verb stands ready in `chosen` when parsing has succeeded.
class CommandLine {
public:
    CommandLine() : app_(description, "sagactl") {
        app_.footer(footer);
        app_.require_subcommand(1);
        app_.fallthrough();
        app_.set_version_flag("--version", "sagactl 0.1.0");
        app_.add_flag("--json", json_, "one JSON document instead of tables");
        app_.add_option("--config", config_, "TOML file with addresses and references to secrets")->type_name("FILE");
        app_.add_option("--url", url_, "the orchestrator's private listener (default http://127.0.0.1:8081)")
            ->type_name("URL");
        app_.add_option("--token-file", token_file_, "file that holds the API token")->type_name("FILE");
        add_looking_verbs();
        add_repair_verbs();
        add_changing_verbs();
        add_stock_verbs();
        add_database_verbs();
        add_token_verbs();
        add_operator_verbs();
        add_credential_verbs();
        add_connect_verbs();
        add_privacy_verbs();
    }

    CLI::App& app() { return app_; }

    void parse(const std::vector<std::string>& arguments) {
        // The parser takes the last argument first.
        app_.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    }

    // What is wrong with the arguments, and where help is. A verb that is none is named: the parser only misses one.
    std::string explain(const CLI::ParseError& fault, const std::vector<std::string>& arguments) {
        static const std::set<std::string> takes_a_value{"--config", "--url", "--token-file"};
        const CLI::App* app = &app_;
        std::string path = "sagactl";
        for (std::size_t index = 0; index < arguments.size() && app->get_require_subcommand_min() > 0; ++index) {
            const std::string& word = arguments[index];
            if (takes_a_value.count(word) > 0) ++index;
            if (word.starts_with('-')) continue;
            const auto named = app->get_subcommands([&word](const CLI::App* verb) { return verb->check_name(word); });
            if (named.empty()) return "there is no verb '" + printable(word) + "' here; see: " + path + " --help";
            app = named.front();
            path += " " + app->get_name();
        }
        return printable(fault.what()) + "; see: " + path + " --help";
    }

    ExitCode perform(Surroundings& world) {
        Context context{world, read_settings(config_, world.environment), json_};
        if (url_) context.settings.url = url_;
        if (token_file_) context.settings.token = token_of_file(*token_file_);
        return chosen_(context);
    }

private:
    using Verb = std::function<ExitCode(Context&)>;

    // Help of a verb tells everything about it; its arguments live as long as the command line.
    CLI::App* add(CLI::App& parent, const std::string& name, const std::string& text, Verb verb) {
        CLI::App* command = parent.add_subcommand(name, text);
        command->fallthrough();
        if (verb) command->callback([this, verb = std::move(verb)] { chosen_ = verb; });
        return command;
    }

    CLI::App* group(const std::string& name, const std::string& text) {
        CLI::App* command = add(app_, name, text, nullptr);
        command->require_subcommand(1);
        return command;
    }

    static CLI::Validator not_blank() {
        return CLI::Validator(
            [](const std::string& text) {
                return text.find_first_not_of(" \t\r\n") == std::string::npos ? std::string("must not be empty")
                                                                              : std::string();
            },
            "");
    }

    static void add_reason(CLI::App* command, std::string& reason) {
        command->add_option("--reason,-r", reason, "why; kept in the audit and in the history")
            ->required()
            ->check(not_blank());
    }

    void add_looking_verbs() {
        ListArguments& list = list_;
        CLI::App* command = add(
            app_, "list", "list sagas, newest first", [&list](Context& context) { return list_verb(context, list); });
        command->add_option("--state", list.state, "only in this state, for example OnHold");
        command->add_option("--store", list.store, "only of this store's key");
        command->add_option("--sku", list.sku, "only with this SKU in the order");
        command->add_option("--older-than", list.older_than, "only if not changed for so long, for example 15m");
        command->add_flag("--incident", list.incident, "only with an open incident");
        command->add_option("--limit", list.limit, "at most so many (default 50)")->check(CLI::Range(1, 100'000));

        add_for_saga("show", "show one saga: state, what it waits for, its commands and stock", show_verb);
        add_for_saga("history", "every event of one saga and what came of it", history_verb);
        add_for_saga("diagram", "the state diagram in Mermaid, with this saga's state marked", diagram_verb);

        add(app_, "summary", "counts by state, open incidents, age of what waits", summary_verb);
        add(app_, "lanes", "budgets and breakers per store and warehouse", lanes_verb);
        add(app_, "audit", "who changed what and why, newest first", audit_verb);
    }

    // A verb on one thing that is no saga, with a reason.
    CLI::App* add_repair(
        CLI::App& parent,
        const std::string& name,
        const std::string& text,
        ExitCode (*verb)(Context&, const RepairArguments&),
        const std::string& subject = {},
        const std::string& subject_text = {}) {
        RepairArguments& arguments = repair_;
        CLI::App* command =
            add(parent, name, text, [verb, &arguments](Context& context) { return verb(context, arguments); });
        if (!subject.empty())
            command->add_option(subject, arguments.subject, subject_text)->required()->check(not_blank());
        return command;
    }

    void add_change(CLI::App* command) {
        add_reason(command, repair_.reason);
        command->add_option(
            "--idempotency-key", repair_.idempotency_key, "a repeat with the same key does nothing more");
    }

    void add_repair_verbs() {
        RepairArguments& arguments = repair_;
        CLI::App* incident = group("incident", "what waits for a person");
        CLI::App* command = add_repair(*incident, "list", "open incidents, newest first", incident_list_verb);
        command->add_flag("--closed", arguments.closed, "closed ones too");
        const std::string incident_text = "its number, from `incident list`";
        add_repair(
            *incident, "show", "one incident and what to do next", incident_show_verb, "INCIDENT", incident_text);
        add_change(add_repair(
            *incident, "close", "it was looked after; for an order only once that is over", incident_close_verb,
            "INCIDENT", incident_text));

        CLI::App* parked = group("parked", "inputs that could not be applied");
        const std::string item_text = "its id, from `parked list`";
        add_repair(*parked, "list", "list them", parked_list_verb);
        command = add_repair(*parked, "show", "one of them, with its reason", parked_show_verb, "ITEM", item_text);
        command->add_flag(
            "--data", arguments.data, "also what was parked (role admin; names and addresses are masked)");
        command = add_repair(
            *parked, "retry", "give a parked webhook to the engine again", parked_retry_verb, "ITEM", item_text);
        command->alias("replay");
        add_reason(command, arguments.reason);
        command = add_repair(
            *parked, "dismiss", "take one off the list: nothing more will be done about it", parked_dismiss_verb,
            "ITEM", item_text);
        add_reason(command, arguments.reason);

        CLI::App* listing = group("listing", "SKUs as stores show them");
        command = add_repair(*listing, "list", "what each store shows and should show", listing_list_verb);
        command->add_option("--store", arguments.store, "only of this store's key");
        command->add_option("--sku", arguments.sku, "only this SKU");
        command->add_flag("--parked", arguments.parked, "only those that a store refuses");
        add_change(add_repair(
            *listing, "unpark", "take a refused listing back into updates; it is read quietly first",
            listing_unpark_verb, "LISTING", "STORE/SKU, or STORE/VARIANT-ID"));

        CLI::App* store = group("store", "connected stores");
        add_repair(*store, "list", "list them", store_list_verb);
        add_change(add_repair(
            *store, "activate", "follow it again: all its levels are read anew, its orders are polled",
            store_activate_verb, "STORE", "its key"));
        add_change(add_repair(
            *store, "deactivate", "do not follow it for now: no updates, no polls", store_deactivate_verb, "STORE",
            "its key"));
        command = add_repair(
            *store, "mode", "observe: decide and show, send nothing; live: send what is ordered from now on",
            store_mode_verb, "STORE", "its key");
        command->add_option("MODE", arguments.mode)->required()->check(CLI::IsMember({"observe", "live"}));
        add_change(command);

        // What is typed most often, in one word.
        add_repair(app_, "incidents", "the same as incident list", incident_list_verb);
        add_repair(app_, "stores", "the same as store list", store_list_verb);
        add_repair(app_, "listings", "the same as listing list", listing_list_verb);
    }

    void add_for_saga(
        const std::string& name,
        const std::string& text,
        ExitCode (*verb)(Context&, const std::string&)) {
        std::string& saga = saga_;
        CLI::App* command = add(app_, name, text, [verb, &saga](Context& context) { return verb(context, saga); });
        command->add_option("SAGA", saga, "saga id, or STORE/ORDER-ID")->required();
    }

    void add_changing_verbs() {
        add_command("retry", "try again what an incident stopped");
        add_command("compensate", "undo the saga: cancel at the warehouse, release its stock, settle the store's order")
            ->add_flag("--dry-run", command_.dry_run, "only print the calls and stock moves that it would make");
        add_command("cancel", "cancel as the customer would; too late after picking");
        add_command("hold", "stop before the next forward step");
        add_command("release", "go on after a hold");
    }

    CLI::App* add_command(const std::string& name, const std::string& text) {
        CommandArguments& arguments = command_;
        CLI::App* command = add(app_, name, text, [name, &arguments](Context& context) {
            return saga_command_verb(context, name, arguments);
        });
        command->add_option("SAGA", arguments.saga, "saga id, or STORE/ORDER-ID")->required();
        add_reason(command, arguments.reason);
        command->add_option("--if-version", arguments.if_version, "only if the saga still has this version");
        command->add_option(
            "--idempotency-key", arguments.idempotency_key, "a repeat with the same key does nothing more");
        return command;
    }

    void add_stock_verbs() {
        CLI::App* stock = group("stock", "the ledger");
        StockArguments& arguments = stock_;
        CLI::App* command = add(*stock, "list", "all ledgers", [&arguments](Context& context) {
            return stock_list_verb(context, arguments);
        });
        command->add_option("--sku", arguments.sku, "only this SKU");

        command = add(*stock, "movements", "what moved one SKU, newest first", [&arguments](Context& context) {
            return stock_movements_verb(context, arguments);
        });
        command->add_option("SKU", arguments.sku)->required();
        command->add_option("--limit", arguments.limit, "at most so many (default 50)")->check(CLI::Range(1, 100'000));

        command =
            add(*stock, "adjust", "count, damage, loss: change what is available and on hand",
                [&arguments](Context& context) { return stock_adjust_verb(context, arguments); });
        command->add_option("SKU", arguments.sku)->required();
        command->add_option("--by", arguments.by, "the difference, for example -2")
            ->required()
            ->check(CLI::Range(-1'000'000'000LL, 1'000'000'000LL));
        command->add_option("--warehouse", arguments.warehouse, "needed when there are several");
        command->add_option(
            "--expected-version", arguments.expected_version, "only if the ledger still has this version");
        command->add_option(
            "--idempotency-key", arguments.idempotency_key, "a repeat with the same key does nothing more");
        add_reason(command, arguments.reason);

        StockImportArguments& import = stock_import_;
        command =
            add(*stock, "import",
                "bring a count to the ledgers: CSV with sku, on_hand and, if there are several, warehouse",
                [&import](Context& context) { return stock_import_verb(context, import); });
        command->add_option("FILE", import.file)->required()->check(CLI::ExistingFile);
        command->add_flag("--dry-run", import.dry_run, "only print the moves that it would make");
        command->add_flag("--skip-unknown", import.skip_unknown, "import the others when some SKUs are not known");
        add_reason(command, import.reason);
    }

    void add_database_verbs() {
        MigrateArguments& migrate = migrate_;
        CLI::App* command =
            add(app_, "migrate", "bring the database to this build's schema (ORDERSAGA_MIGRATOR_DSN)",
                [&migrate](Context& context) {
                    return with_database_faults([&] { return migrate_verb(context, migrate); });
                });
        command
            ->add_option(
                "--bootstrap", migrate.bootstrap, "create this database and the roles first (ORDERSAGA_ADMIN_DSN)")
            ->type_name("DATABASE");
        command
            ->add_option(
                "--write-env", migrate.env_file, "with --bootstrap: write the roles' addresses here, mode 0600")
            ->type_name("FILE");

        SetupArguments& setup = setup_;
        command = add(
            app_, "setup",
            "connect stores, warehouses and SKUs from a TOML file and its CSV files (ORDERSAGA_ENGINE_DSN)",
            [&setup](Context& context) { return with_database_faults([&] { return setup_verb(context, setup); }); });
        command->add_option("FILE", setup.file, "see docs/setup.md")->required();
        command->add_flag("--dry-run", setup.dry_run, "only print what would change");
        command->add_option("--reason,-r", setup.reason, "kept in the audit (default: setup by file)");

        VerifyArguments& verify = verify_;
        command = add(
            app_, "verify", "check the laws L1 to L11 over the database; names law and row (ORDERSAGA_ENGINE_DSN)",
            [&verify](Context& context) { return with_database_faults([&] { return verify_verb(context, verify); }); });
        command->add_flag(
            "--at-rest", verify.at_rest,
            "nothing is under way: stores and stock must agree in full, every order must have come to rest");

        RestoredArguments& restored = restored_;
        command =
            add(app_, "restored",
                "say that the database was put back to an earlier moment: peers are asked before anything is sent "
                "(ORDERSAGA_ENGINE_DSN)",
                [&restored](Context& context) {
                    return with_database_faults([&] { return restored_verb(context, restored); });
                });
        add_reason(command, restored.reason);
        add(app_, "recovery", "how far a restored database has caught up with its peers (ORDERSAGA_ENGINE_DSN)",
            [](Context& context) { return with_database_faults([&] { return recovery_verb(context); }); });

        DoctorArguments& doctor = doctor_;
        command = add(
            app_, "doctor",
            "look at everything: credentials, scopes, subscriptions, clock, queues, database, laws, disk, other "
            "channels; exit code 0 good, 7 warnings, 1 bad (ORDERSAGA_ENGINE_DSN, ORDERSAGA_AMQP_URL)",
            [&doctor](Context& context) { return with_database_faults([&] { return doctor_verb(context, doctor); }); });
        command->add_flag("--quick", doctor.quick, "neither the laws nor the warehouse's orders");
        command
            ->add_option("--disk", doctor.disks, "a path whose file system is looked at (default /); may be repeated")
            ->type_name("PATH");
    }

    // A verb of people_verbs.hpp, which all work on the database.
    template <class Arguments>
    CLI::App* add_for_people(
        CLI::App& parent,
        const std::string& name,
        const std::string& text,
        ExitCode (*verb)(Context&, const Arguments&),
        Arguments& arguments) {
        CLI::App* command = add(parent, name, text, [verb, &arguments](Context& context) {
            return with_database_faults([&] { return verb(context, arguments); });
        });
        command->add_option("--reason,-r", arguments.reason, "why; kept in the audit");
        return command;
    }

    void add_list(CLI::App& parent, const std::string& text, ExitCode (*verb)(Context&)) {
        add(parent, "list", text,
            [verb](Context& context) { return with_database_faults([&] { return verb(context); }); });
    }

    template <class Arguments>
    static void add_scope(CLI::App* command, Arguments& arguments) {
        command->add_option("--role", arguments.role, "read, operator or admin")
            ->required()
            ->check(CLI::IsMember({"read", "operator", "admin"}));
        command->add_option(
            "--merchant", arguments.merchant, "a merchant's name, or all; needed when there are several");
    }

    void add_token_verbs() {
        TokenArguments& arguments = token_;
        CLI::App* token = group("token", "API tokens (ORDERSAGA_ENGINE_DSN)");
        CLI::App* command = add_for_people(
            *token, "create", "make a token; it is shown once, only its hash is kept", create_token_verb, arguments);
        command->add_option("NAME", arguments.name, "who it is for")->required()->check(not_blank());
        add_scope(command, arguments);
        command->add_option(
            "--expires,--expires-in", arguments.expires_in, "after this it ends (default 90d), or never");
        command->add_option("--out", arguments.out_file, "write it to this file, mode 0600, instead of showing it")
            ->type_name("FILE");
        add_list(*token, "list them, without their secrets", list_tokens_verb);
        command = add_for_people(*token, "revoke", "end a token at once", revoke_token_verb, arguments);
        command->add_option("TOKEN", arguments.name, "its id or its name, from `token list`")
            ->required()
            ->check(not_blank());
    }

    void add_operator_verbs() {
        OperatorArguments& arguments = operator_;
        CLI::App* operators = group("operator", "people who sign in (ORDERSAGA_ENGINE_DSN)");
        CLI::App* command = add_for_people(
            *operators, "create", "let somebody sign in; the password is asked for, or read from standard input",
            create_operator_verb, arguments);
        command->add_option("NAME", arguments.name, "a-z, 0-9 and . _ @ -")->required()->check(operator_name());
        add_scope(command, arguments);
        add_list(*operators, "list them", list_operators_verb);
        command = add_for_people(
            *operators, "disable", "shut somebody out, and end all sessions", disable_operator_verb, arguments);
        command->add_option("NAME", arguments.name)->required()->check(operator_name());
        command = add_for_people(
            *operators, "password", "set a new password, and end all sessions", set_operator_password_verb, arguments);
        command->add_option("NAME", arguments.name)->required()->check(operator_name());
    }

    static CLI::Validator operator_name() {
        return CLI::Validator(
            [](const std::string& text) {
                constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789._@-";
                const bool good = !text.empty() && text.size() <= 64 &&
                                  text.find_first_not_of(letters) == std::string::npos &&
                                  std::string_view("._@-").find(text[0]) == std::string_view::npos;
                return good ? std::string() : std::string("must be made of a-z, 0-9 and . _ @ -");
            },
            "NAME");
    }

    // A verb that changes credentials, or shows them.
    CLI::App* add_credential(
        CLI::App& parent,
        const std::string& name,
        const std::string& text,
        ExitCode (*verb)(Context&, const CredentialArguments&)) {
        CredentialArguments& arguments = credential_;
        return add(parent, name, text, [verb, &arguments](Context& context) {
            return with_database_faults([&] { return verb(context, arguments); });
        });
    }

    void add_credential_verbs() {
        CredentialArguments& arguments = credential_;
        CLI::App* credential = group(
            "credential",
            "tokens of stores and warehouses, sealed in the database (ORDERSAGA_ENGINE_DSN, "
            "ORDERSAGA_CREDENTIALS_KEYS)");
        const auto add_subject = [&](CLI::App* command) {
            command->add_option("SUBJECT", arguments.subject, "store:KEY or warehouse:KEY")
                ->required()
                ->check(not_blank());
        };
        const auto add_merchant = [&](CLI::App* command) {
            command->add_option("--merchant", arguments.merchant, "needed when several have such a one");
        };
        add(*credential, "list", "whose they are, until when, and what went wrong last",
            [](Context& context) { return with_database_faults([&] { return credential_list_verb(context); }); });
        CLI::App* command = add_credential(
            *credential, "set", "keep a token, or the client that gets tokens; replaces what was there",
            credential_set_verb);
        add_subject(command);
        command->add_option("--token-file", arguments.token_file, "file that holds a token without an end")
            ->type_name("FILE");
        command->add_option("--client-id", arguments.client_id, "of the app, for tokens that are renewed");
        command->add_option("--client-secret-file", arguments.client_secret_file, "file that holds the app's secret")
            ->type_name("FILE");
        command->add_flag(
            "--by-authorization", arguments.by_authorization,
            "the store lets its own people decide: go on with `credential authorize`");
        add_merchant(command);
        add_reason(command, arguments.reason);
        command = add_credential(
            *credential, "import", "take over the tokens that the setup file refers to", credential_import_verb);
        add_merchant(command);
        add_reason(command, arguments.reason);
        command = add_credential(
            *credential, "authorize", "begin an authorization: tells the address where a person says yes",
            credential_authorize_verb);
        add_subject(command);
        command
            ->add_option(
                "--callback", arguments.callback,
                "https://HOST/oauth/shopify/callback, as the public listener is reached")
            ->required()
            ->type_name("URL");
        add_merchant(command);
        command = add_credential(
            *credential, "remove", "forget it; nothing is called with it any more", credential_remove_verb);
        add_subject(command);
        add_merchant(command);
        add_reason(command, arguments.reason);
        add(*credential, "reseal", "seal all with the first key, after a new one was put first",
            [](Context& context) { return with_database_faults([&] { return credential_reseal_verb(context); }); });
        command = add_credential(
            *credential, "new-key", "make a key: one line for ORDERSAGA_CREDENTIALS_KEYS", credential_new_key_verb);
        command->add_option("--out", arguments.out_file, "write it to this file, mode 0600, instead of showing it")
            ->type_name("FILE");
    }

    void add_connect_verbs() {
        ConnectArguments& arguments = connect_;
        CLI::App* connect = group(
            "connect",
            "put a store or warehouse in order, and say what is left to you (ORDERSAGA_ENGINE_DSN, "
            "ORDERSAGA_CREDENTIALS_KEYS)");
        const auto add_one = [&](const std::string& name, const std::string& text, const std::string& subject,
                                 ExitCode (*verb)(Context&, const ConnectArguments&)) {
            CLI::App* command = add(*connect, name, text, [verb, &arguments](Context& context) {
                return with_database_faults([&] { return verb(context, arguments); });
            });
            command->add_option(subject, arguments.key, "its key in the setup file")->required()->check(not_blank());
            command
                ->add_option(
                    "--propose", arguments.folder, "folder of the CSV files that setup reads; rows are added to them")
                ->type_name("FOLDER")
                ->check(CLI::ExistingDirectory);
            command->add_flag("--dry-run", arguments.dry_run, "only print what would change");
            command->add_option("--merchant", arguments.merchant, "needed when several have such a one");
            command->add_option("--reason,-r", arguments.reason, "kept in the audit (default: connect)");
        };
        add_one(
            "shopify", "check token, scopes and locations, repair webhook subscriptions, propose SKUs and listings",
            "STORE", connect_shopify_verb);
        add_one(
            "shipbob", "check token, channel and ship methods, repair webhooks, propose the numbers of items",
            "WAREHOUSE", connect_shipbob_verb);
    }

    CLI::App* add_privacy(
        CLI::App& parent,
        const std::string& name,
        const std::string& text,
        ExitCode (*verb)(Context&, const PrivacyArguments&)) {
        PrivacyArguments& arguments = privacy_;
        return add(parent, name, text, [verb, &arguments](Context& context) {
            return with_database_faults([&] { return verb(context, arguments); });
        });
    }

    void add_privacy_verbs() {
        PrivacyArguments& arguments = privacy_;
        CLI::App* privacy = group(
            "privacy",
            "what customers ask about their data (ORDERSAGA_ENGINE_DSN; export: ORDERSAGA_CREDENTIALS_KEYS)");
        CLI::App* command = add_privacy(*privacy, "list", "requests that wait", privacy_list_verb);
        command->add_flag("--all", arguments.done_too, "also those that are done");
        command = add_privacy(
            *privacy, "export", "write all that is known of a request's orders to a file; answers a data request",
            privacy_export_verb);
        command->add_option("REQUEST", arguments.request_id, "its number in `privacy list`")->required();
        command->add_option("--out", arguments.out_file, "the file, mode 0600")->required()->type_name("FILE");
        add_reason(command, arguments.reason);
        command = add_privacy(
            *privacy, "erase", "forget the persons behind orders, as a store asks with customers/redact",
            privacy_erase_verb);
        command->add_option("STORE", arguments.store, "the store's key")->required()->check(not_blank());
        command->add_option("ORDER-ID", arguments.orders, "orders by their numbers in the store");
        command->add_flag("--whole-store", arguments.whole_store, "all orders there are, and the store's key");
        command->add_option("--merchant", arguments.merchant, "whose store it is")->required()->check(not_blank());
        add_reason(command, arguments.reason);
    }

    CLI::App app_;
    bool json_ = false;
    std::optional<std::string> config_, url_, token_file_;
    Verb chosen_;
    std::string saga_;
    ListArguments list_;
    CommandArguments command_;
    RepairArguments repair_;
    StockArguments stock_;
    StockImportArguments stock_import_;
    MigrateArguments migrate_;
    SetupArguments setup_;
    TokenArguments token_;
    OperatorArguments operator_;
    VerifyArguments verify_;
    RestoredArguments restored_;
    DoctorArguments doctor_;
    CredentialArguments credential_;
    ConnectArguments connect_;
    PrivacyArguments privacy_;
};

ExitCode complain(Surroundings& world, ExitCode code, const std::string& text) {
    world.err << "sagactl: " << text << '\n';
    return code;
}

}  // namespace

ExitCode run_command_line(const std::vector<std::string>& arguments, Surroundings& world) {
    try {
        CommandLine line;
        try {
            line.parse(arguments);
        } catch (const CLI::ParseError& fault) {
            if (fault.get_exit_code() != 0) return complain(world, ExitCode::usage, line.explain(fault, arguments));
            line.app().exit(fault, world.out, world.err);
            return ExitCode::ok;
        }
        return line.perform(world);
    } catch (const CliError& fault) {
        return complain(world, fault.code(), fault.what());
    } catch (const std::exception& fault) {
        return complain(world, ExitCode::refused, std::string("unexpected: ") + printable(fault.what()));
    }
}

struct ArgumentCheck::Impl {
    CommandLine line;
};

ArgumentCheck::ArgumentCheck() : impl_(std::make_unique<Impl>()) {}
ArgumentCheck::~ArgumentCheck() = default;

std::optional<std::string> ArgumentCheck::fault_of(const std::vector<std::string>& arguments) {
    try {
        impl_->line.parse(arguments);
    } catch (const CLI::ParseError& fault) {
        if (fault.get_exit_code() != 0) return impl_->line.explain(fault, arguments);
    }
    return std::nullopt;
}

}  // namespace ordersaga::cli
