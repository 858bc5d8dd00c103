#!/bin/sh
# SQLite 3.40: a WITHOUT ROWID table whose partial index has rows about as wide as its own is walked, however few they are.
#
# Version: SQLite 3.40.1 (apsw 3.40.1.0; Debian 12's library is this release), not SQLite 3.54.1 (apsw 3.54.1.0).
#
# A queue in a table: nearly all rows are done, and a partial index holds the few that aren't. `WHERE` repeats the index's
# own condition and nothing else. Such a table's index carries the primary key's columns along, so that it's nearly as wide
# as a narrow table, and the planner of 3.40 then walks the table from end to end, as if all rows were in the index too.
# With row ids, or with more columns that no statement reads, the same statement takes the index; `INDEXED BY` shows that it
# would do here, too. What makes it expensive: nothing fails, each statement takes longer with every row that is done, under
# the one writer that SQLite has; and a test on a few rows sees nothing, unless it asks for the plan.
#
# Seen (this script's output):
#   3.40.1: with row ids: SCAN job USING INDEX waiting
#   3.40.1: without row ids: SCAN job
#   3.40.1: without row ids, INDEXED BY: SCAN job USING INDEX waiting
#   3.40.1: without row ids, three more columns: SCAN job USING INDEX waiting
#   3.54.1: with row ids: SCAN job USING INDEX waiting
#   3.54.1: without row ids: SCAN job USING INDEX waiting
#   3.54.1: without row ids, INDEXED BY: SCAN job USING INDEX waiting
#   3.54.1: without row ids, three more columns: SCAN job USING INDEX waiting
set -eu

script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >plans.py <<'END'
import apsw

for title, more, kind in (
    ("with row ids", "", ""),
    ("without row ids", "", " WITHOUT ROWID"),
    ("without row ids, three more columns", ", p TEXT, q TEXT, r TEXT", " WITHOUT ROWID"),
):
    ask = apsw.Connection(":memory:").cursor()
    version = ask.execute("SELECT sqlite_version()").fetchone()[0]
    ask.execute(f"CREATE TABLE job (name TEXT, place TEXT, rest INTEGER{more}, PRIMARY KEY (name, place)){kind}")
    ask.execute("CREATE INDEX waiting ON job (name) WHERE rest = 0")

    def plan(table):
        rows = ask.execute(f"EXPLAIN QUERY PLAN DELETE FROM {table} WHERE rest = 0")
        return " / ".join(row[3] for row in rows)

    print(f"{version}: {title}: {plan('job')}")
    if title == "without row ids":
        print(f"{version}: {title}, INDEXED BY: {plan('job INDEXED BY waiting')}")
END

for version in 3.40.1.0 3.54.1.0; do
    python3 -m venv "$version"
    "$version/bin/pip" install -q --disable-pip-version-check "apsw==$version"
    "$version/bin/python" plans.py
done >seen

sed -n 's/^#   \(3\..*\)/\1/p' "$script" >expected
cat seen
diff expected seen
