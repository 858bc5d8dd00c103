"""What the rehearsal says in the end."""
from judge import LINES

HEAD = ("", "requests", "failed", "wrong side", "held writes", "longest hold", "DNS answers", "p50 ms", "p99 ms")


def show(judge, cpu):
    rows = [HEAD, *([str(cell) for cell in line] for line in judge.table())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    print()
    for row in rows:
        print("  ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                        for column, (cell, width) in enumerate(zip(row, widths))))
    signed_up = sum(not each.trouble for each in judge.signups)
    writes = sum(sum(log.taken.values()) for log in judge.logs.values())
    print(f"\n{len(judge.web)} requests, {writes} writes taken, {len(judge.dns)} answers by DNS, {signed_up} signups; "
          f"{judge.fenced_reads} reads by a proxy that was cut off, from the side that was still right for it; "
          f"{cpu:.0f} % of the machine's CPU")
    checks = judge.chronicle.checks
    later = f", else {sum(checks)} answers about those who had signed up meanwhile" if any(checks) else ""
    print(f"the zone was published {len(judge.chronicle.publications)} times; dns check asked for all of it {len(checks)} times, and "
          f"{checks.count(0)} times found no difference{later}")
    for line in LINES:
        found = sorted(judge.problems[line])
        print(f"{len(found)} {line}")
        for _, text in found[:5]:
            print(f"    {text}")


def everything(judge):
    return "".join(f"{line}: {text}\n" for line in LINES for _, text in sorted(judge.problems[line]))


def verdict(judge, sabotage):
    """The exit code: 0 where nothing is wrong."""
    wrong = {line for line in LINES if judge.problems[line]}
    if not sabotage:
        return 1 if wrong else 0
    if sabotage.line in wrong and wrong <= {sabotage.line, *sabotage.besides}:
        print(f"found: {len(judge.problems[sabotage.line])} {sabotage.line}: {sabotage.what}")
        return 1
    print(f"NOT found, or not that alone: {sabotage.line}: {sabotage.what}")
    return 2
