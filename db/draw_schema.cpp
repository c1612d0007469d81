// draw_schema FILE: writes the schema's page there. Makes a database of its own on the server of ORDERSAGA_ADMIN_DSN and
// drops it again. Called by ./dev diagrams, which starts that server: bootstrapping sets the passwords of its roles.

#include "db/bootstrap.hpp"
#include "db/migrate.hpp"
#include "db/schema_diagram.hpp"

#include <cstdlib>
#include <fstream>
#include <iostream>

namespace {

constexpr const char* kDatabase = "ordersaga_draw_schema";

std::string draw(const std::string& admin_dsn) {
    using namespace ordersaga::db;
    const RolePasswords passwords{"migrator", "engine", "worker", "api", "notifier"};
    Connection admin({admin_dsn, "draw_schema"});
    admin.autocommit(std::string("DROP DATABASE IF EXISTS ") + kDatabase + " WITH (FORCE)");
    bootstrap(admin_dsn, kDatabase, passwords);
    migrate(role_dsns(admin_dsn, kDatabase, passwords).migrator);
    std::string page;
    Connection migrated({dsn_with(admin_dsn, {{"dbname", kDatabase}}), "draw_schema"});
    migrated.transact([&](Transaction& transaction) { page = schema_page(transaction); });
    admin.autocommit(std::string("DROP DATABASE ") + kDatabase + " WITH (FORCE)");
    return page;
}

}  // namespace

int main(int argc, char** argv) {
    const char* admin_dsn = std::getenv("ORDERSAGA_ADMIN_DSN");
    if (argc != 2 || admin_dsn == nullptr) {
        std::cerr << "usage: draw_schema FILE, with ORDERSAGA_ADMIN_DSN set\n";
        return 2;
    }
    try {
        std::ofstream file(argv[1], std::ios::binary);
        file << draw(admin_dsn);
        file.close();
        if (file) {
            std::cout << argv[1] << "\n";
            return 0;
        }
        std::cerr << "draw_schema: " << argv[1] << " cannot be written\n";
    } catch (const std::exception& error) {
        std::cerr << "draw_schema: " << error.what() << "\n";
    }
    return 1;
}
