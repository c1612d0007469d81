# The conditions in SQL statements on which something depends: on a version, a token, a claim, a state, an amount. For each a
# line "file<TAB>constant<TAB>condition" and, with -v into=FOLDER, the files FOLDER/N.from and FOLDER/N.to: the statement as
# it stands, and with the N-th condition always true. Called by tools/run_mutants.
#
# A condition with a question inside is not listed, but those of the question are.

function end_condition(before,   text, shown) {
    if (!begin[depth]) return
    text = substr(statement, begin[depth], before - begin[depth])
    sub(/[ \n\t]+$/, "", text)
    shown = text
    gsub(/[ \n\t]+/, " ", shown)
    if (shown ~ guards && shown !~ /SELECT/) {
        ++count
        print FILENAME "\t" constant "\t" shown
        if (into != "") {
            printf "%s", statement > (into "/" count ".from")
            printf "%s(%s OR true)%s", substr(statement, 1, begin[depth] - 1), text, substr(statement, begin[depth] + length(text)) > (into "/" count ".to")
            close(into "/" count ".from")
            close(into "/" count ".to")
        }
    }
    begin[depth] = 0
}

function begin_condition(i) {
    while (substr(statement, i, 1) ~ /[ \n\t]/) ++i
    begin[depth] = i
}

function take_apart(   i, c, word, before) {
    depth = 0
    split("", begin)
    split("", between)
    for (i = 1; i <= length(statement); i += length(c)) {
        c = substr(statement, i, 1)
        if (c == "'") {
            c = substr(statement, i, 1 + index(substr(statement, i + 1), "'"))
        } else if (c == "(") {
            begin[++depth] = between[depth] = 0
        } else if (c == ")") {
            end_condition(i)
            --depth
        } else if (c ~ /[A-Za-z_]/) {
            match(substr(statement, i), /^[A-Za-z_0-9.]+/)
            c = word = substr(statement, i, RLENGTH)
            if (word == "BETWEEN") {
                between[depth] = 1
            } else if (word == "AND" && between[depth]) {
                between[depth] = 0
            } else if (word == "AND" && begin[depth]) {
                end_condition(i)
                begin_condition(i + 3)
            } else if (word ~ /^(WHERE|HAVING|ON)$/) {
                end_condition(i)
                if (word != "ON" || (before != "DISTINCT" && substr(statement, i + 3) !~ /^(CONFLICT|DELETE|UPDATE) /)) begin_condition(i + length(word))
            } else if (word == "DO") {
                begin[depth] = 0  # it has named an index
            } else if (word ~ /^(GROUP|ORDER|LIMIT|FOR|RETURNING|UNION|JOIN|LEFT|CROSS|SELECT|WINDOW|SET)$/) {
                end_condition(i)
            }
            before = word
        }
    }
    end_condition(length(statement) + 1)
}

BEGIN {
    guards = "version|epoch|token|claim|state|stage|final|closed_at|published_at|available|held|committed|waiting|in_flight|believed|attempt"
}
/^constexpr (const char\*|std::string_view) [A-Za-z_]+(\[\])? =/ {
    constant = $0
    sub(/^constexpr (const char\*|std::string_view) /, "", constant)
    sub(/(\[\])? =.*/, "", constant)
}
!open && /^constexpr .* = "[^"]*";$/ {
    statement = $0
    sub(/^[^"]*"/, "", statement)
    sub(/";$/, "", statement)
    take_apart()
}
open { statement = statement "\n" $0 }
!open && /R"sql\(/ {
    open = 1
    statement = $0
    sub(/^.*R"sql\(/, "", statement)
}
open && /\)sql"/ {
    open = 0
    sub(/\)sql".*/, "", statement)
    take_apart()
}
