#include "db/schema_diagram.hpp"

#include <map>
#include <vector>

namespace ordersaga::db {

namespace {

// A collation of its own, because the order of names must not depend on the server's.
constexpr const char* kColumns = R"sql(
    SELECT class.relname, attribute.attname, format_type(attribute.atttypid, attribute.atttypmod), attribute.attnotnull,
           attribute.attnum = ANY (coalesce(pk.conkey, '{}')),
           EXISTS (SELECT FROM pg_constraint fk
                    WHERE fk.conrelid = class.oid AND fk.contype = 'f' AND attribute.attnum = ANY (fk.conkey))
      FROM pg_class class
      JOIN pg_attribute attribute ON attribute.attrelid = class.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped
      LEFT JOIN pg_constraint pk ON pk.conrelid = class.oid AND pk.contype = 'p'
     WHERE class.relnamespace = 'public'::regnamespace AND class.relkind IN ('r', 'p') AND NOT class.relispartition
       AND class.relname <> 'schema_migrations'
     ORDER BY class.relname COLLATE "C", attribute.attnum)sql";

// What every table refers to besides is its merchant; drawn, those lines would hide all others.
constexpr const char* kReferences = R"sql(
    SELECT child.relname, parent.relname, string_agg(attribute.attname, ', ' ORDER BY place) FILTER (WHERE attribute.attname <> 'merchant_id'),
           bool_and(attribute.attnotnull), fk.condeferred, fk.confdeltype = 'c',
           EXISTS (SELECT FROM pg_index own
                    WHERE own.indrelid = child.oid AND own.indisunique
                      AND (own.indpred IS NULL OR pg_get_expr(own.indpred, own.indrelid) ~ '^\(\w+ IS NOT NULL\)$')
                      AND fk.conkey @> own.indkey::smallint[])
      FROM pg_constraint fk
      JOIN pg_class child ON child.oid = fk.conrelid AND NOT child.relispartition
      JOIN pg_class parent ON parent.oid = fk.confrelid
      CROSS JOIN unnest(fk.conkey) WITH ORDINALITY AS part (number, place)
      JOIN pg_attribute attribute ON attribute.attrelid = child.oid AND attribute.attnum = part.number
     WHERE fk.contype = 'f' AND child.relnamespace = 'public'::regnamespace AND parent.relname <> 'merchants'
     GROUP BY fk.oid, fk.conkey, fk.condeferred, fk.confdeltype, child.oid, child.relname, parent.relname
     ORDER BY parent.relname COLLATE "C", child.relname COLLATE "C", fk.conkey)sql";

constexpr const char* kRules = R"sql(
    SELECT * FROM (
    SELECT class.relname AS name,
           CASE WHEN own.indisprimary THEN 'key' WHEN own.indpred IS NULL THEN 'unique' ELSE 'unique where' END AS kind,
           string_agg(pg_get_indexdef(own.indexrelid, place::integer, true), ', ' ORDER BY place) AS said,
           coalesce(replace(pg_get_expr(own.indpred, own.indrelid), '::text', ''), '') AS condition
      FROM pg_index own
      JOIN pg_class class ON class.oid = own.indrelid
      CROSS JOIN generate_series(1, own.indnkeyatts) AS place
     WHERE own.indisunique AND class.relnamespace = 'public'::regnamespace AND NOT class.relispartition
       AND class.relkind IN ('r', 'p')
     GROUP BY own.indexrelid, own.indisprimary, own.indpred, own.indrelid, class.relname
     UNION ALL
    SELECT class.relname, 'check', replace(pg_get_expr(own.conbin, own.conrelid), '::text', ''), ''
      FROM pg_constraint own
      JOIN pg_class class ON class.oid = own.conrelid AND NOT class.relispartition
     WHERE own.contype = 'c' AND class.relnamespace = 'public'::regnamespace) rules
     ORDER BY name COLLATE "C", kind COLLATE "C", said COLLATE "C", condition COLLATE "C")sql";

constexpr const char* kNewest = "SELECT name FROM schema_migrations ORDER BY version DESC LIMIT 1";

struct Column {
    std::string name, type;
    bool required = false, in_key = false, refers = false;
};

struct Reference {
    std::string parent, columns;
    bool required = false, at_commit = false, falls_with = false, single = false;
};

struct Rule {
    std::string kind, text, where;
};

struct Table {
    std::vector<Column> columns;
    std::vector<Reference> references;
    std::vector<Rule> rules;
};

using Tables = std::map<std::string, Table>;

Tables read_tables(Transaction& transaction) {
    Tables tables;
    const Rows columns = transaction.query(kColumns);
    for (std::size_t row = 0; row < columns.size(); ++row) {
        tables[columns.text(row, 0)].columns.push_back(
            {columns.text(row, 1), columns.text(row, 2), columns.boolean(row, 3), columns.boolean(row, 4),
             columns.boolean(row, 5)});
    }
    const Rows references = transaction.query(kReferences);
    for (std::size_t row = 0; row < references.size(); ++row) {
        tables[references.text(row, 0)].references.push_back(
            {references.text(row, 1), references.text(row, 2), references.boolean(row, 3), references.boolean(row, 4),
             references.boolean(row, 5), references.boolean(row, 6)});
    }
    const Rows rules = transaction.query(kRules);
    for (std::size_t row = 0; row < rules.size(); ++row) {
        const auto table = tables.find(rules.text(row, 0));
        if (table == tables.end()) continue;
        table->second.rules.push_back({rules.text(row, 1), rules.text(row, 2), rules.text(row, 3)});
    }
    return tables;
}

// Mermaid wants a type to be one word.
std::string one_word(std::string type) {
    for (char& letter : type) {
        if (letter == ' ') letter = '_';
    }
    return type == "timestamp_with_time_zone" ? "timestamptz" : type;
}

std::string diagram_of(const Tables& tables) {
    std::string text = "```mermaid\nerDiagram\n";
    for (const auto& [name, table] : tables) {
        text += "    " + name + " {\n";
        for (const Column& column : table.columns) {
            if (!column.in_key && !column.refers) continue;
            const char* mark = column.in_key && column.refers ? " PK, FK" : column.in_key ? " PK" : " FK";
            text += "        " + one_word(column.type) + " " + column.name + mark + "\n";
        }
        text += "    }\n";
    }
    for (const auto& [name, table] : tables) {
        for (const Reference& reference : table.references) {
            const std::string one = reference.required ? "||" : "|o";
            const std::string many = reference.single ? "o|" : "o{";
            text +=
                "    " + reference.parent + " " + one + "--" + many + " " + name + " : \"" + reference.columns + "\"\n";
        }
    }
    return text + "```\n";
}

std::string code(const std::string& text) {
    return "`" + text + "`";
}

std::string described(const Rule& rule) {
    if (rule.kind == "check") return "- check " + code(rule.text) + "\n";
    const std::string where = rule.where.empty() ? "" : " where " + code(rule.where);
    return "- " + std::string(rule.kind == "key" ? "key" : "unique") + " " + code(rule.text) + where + "\n";
}

std::string described(const Reference& reference) {
    return "- refers to " + code(reference.parent) + " by " + code(reference.columns) +
           (reference.required ? "" : ", or to none") + (reference.at_commit ? "; checked at the commit" : "") +
           (reference.falls_with ? "; goes when that goes" : "") + "\n";
}

std::string section_of(const std::string& name, const Table& table) {
    std::string text = "\n### " + name + "\n\n";
    std::string columns;
    for (const Column& column : table.columns) {
        columns += (columns.empty() ? "" : ", ") + code(column.name) + " " + one_word(column.type) +
                   (column.required ? "" : " or null");
    }
    text += columns + "\n\n";
    for (const Rule& rule : table.rules) {
        if (rule.kind == "key") text += described(rule);
    }
    for (const Reference& reference : table.references)
        text += described(reference);
    for (const Rule& rule : table.rules) {
        if (rule.kind != "key") text += described(rule);
    }
    return text;
}

}  // namespace

std::string schema_page(Transaction& transaction) {
    const Tables tables = read_tables(transaction);
    std::string page =
        "# The schema\n\n"
        "Drawn from the catalogue of a migrated database by `./dev diagrams`; a test fails when it differs.\n"
        "Why it is so: [docs/schema.md](../docs/schema.md).\n\n"
        "Only key columns are drawn. Every table begins its key with `merchant_id`, which refers to `merchants`\n"
        "where there is a merchant; those lines are left out.\n\n";
    page += "Newest migration: `" + transaction.query(kNewest).text(0, 0) + "`.\n\n";
    page += diagram_of(tables);
    page += "\n## Every table\n";
    for (const auto& [name, table] : tables)
        page += section_of(name, table);
    return page;
}

}  // namespace ordersaga::db
