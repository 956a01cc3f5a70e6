"""Policies and tags of a small fleet, drawn at random: with bad rows, exceptions that expire and unread tags."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from patchlake.core.run import run_at
from tests.analytics.clock_fleet import TARGETS
from tests.analytics.policy_files import EXCEPTIONS, SLA

KEYS: Final = ("Env", "Owner", "Site")
VALUES: Final = ("prod", "dev", "")
CVES: Final = ("CVE-2026-0001", "CVE-2026-0002", "CVE-2026-0003")

type Row = dict[str, Any]
type Tables = Mapping[str, Sequence[Row]]
type Policy = Mapping[str, Mapping[str, str]]
"""The text of each file, by its name, of each folder."""


def tagged(random: Random, tables: Tables) -> dict[str, list[Row]]:
    """Return the same runs with the tags that each read of some targets, and with CVEs of some patches."""
    found = {name: [dict(row) for row in rows] for name, rows in tables.items()}
    found["tags"] = []
    for target in found["coverage"]:
        fate = random.choice(("LISTED", "LISTED", "LISTED", "ACCESS_DENIED", "rows without an id"))
        read = [] if fate == "ACCESS_DENIED" else _tags(random, target, found["patch_states"])
        found["tags"] += read
        target |= {
            "tags_status": "ACCESS_DENIED" if fate == "ACCESS_DENIED" else "LISTED",
            "tags_rows_without_id": None if fate == "ACCESS_DENIED" else int(fate != "LISTED"),
            "tags_rows": None if fate == "ACCESS_DENIED" else len(read),
        }
    for row in found["patches"]:
        if row.get("kb_id") is not None and row["state"] in {"Missing", "Failed"}:
            number = sum(map(ord, row["kb_id"])) % 4
            row["cve_ids"] = ",".join(CVES[:number]) or None
    return found


def _tags(random: Random, target: Row, states: Sequence[Row]) -> list[Row]:
    place = {name: target[name] for name in ("run_id", "account_id", "region")}
    nodes = [row["instance_id"] for row in states if all(row[name] == value for name, value in place.items())]
    return [
        {**place, "instance_id": node, "key": key, "value": random.choice((*VALUES, None))}
        for node in nodes
        for key in KEYS[:2]
        if random.random() < 0.6
    ]


def policy_of(random: Random, newest: str) -> Policy:
    """Draw a policy of some files."""
    sla = {
        f"{number}.csv": _file(random, SLA, [_deadline(random) for _ in range(random.choice((2, 5, 9)))])
        for number in range(2)
    }
    exceptions = {
        f"{number}.csv": _file(random, EXCEPTIONS, [_exception(random, newest) for _ in range(8)])
        for number in range(2)
    }
    return {"sla": sla if random.random() < 0.9 else {}, "exceptions": exceptions}


def _file(random: Random, header: str, lines: list[str]) -> str:
    """Return a file: mostly a good one, with a line that is bad, or with a header that is."""
    if random.random() < 0.15:
        lines.insert(
            random.randrange(len(lines)), random.choice(("", '"not closed,,,', ",", "a\\b,,,7", "," * 14, "x" * 9))
        )
    head = [
        random.choices((header, header.upper(), header + ",more", header.replace("account", "Account")), (12, 1, 1, 1))[
            0
        ]
    ]
    match random.randrange(12):
        case 0:
            head = []
        case 1:
            lines.append(header)
        case _:
            pass
    mark, end = random.choice(("", "\ufeff")), random.choice(("\n", "\r\n"))
    return mark + end.join([*head, *lines]) + random.choice(("", end))


def _deadline(random: Random) -> str:
    severity = random.choice(("", "Critical", "Important", "Medium", "Moderate", "Low"))
    key = random.choice(("", "", *KEYS))
    value = random.choice(VALUES) if key else ""
    days = random.choice(("0", "3", "07", "14", "25", "40", "9999"))
    if random.random() < 0.02:
        severity, days = random.choice((("High", days), (severity, "-1"), (severity, ""), (severity, "1.5")))
    return f"{severity},{key},{value},{days}"


def _exception(random: Random, newest: str) -> str:
    last = run_at(newest).date()
    days = [last.replace(day=day).isoformat() for day in (1, last.day)]
    key = random.choice(("", "", *KEYS))
    cells = [
        random.choice(("", "", TARGETS[0][0], TARGETS[2][0])),
        random.choice(("", "", f"i-{random.randrange(24):08x}")),
        key,
        random.choice(("prod", "dev")) if key else "",
        random.choice(("", "", "kb5036", "KB5026", "KB50112", "OPENSSL.x86_64")),
        random.choice(("", "", *CVES, CVES[0].lower())),
        random.choice(("", "legacy", '"with, comma"', '"a ""quote"""')),
        random.choices(("me", " "), (30, 1))[0],
        random.choices(("2026-09-01", days[0], days[1], "2027-01-01", "2026-02-30"), (9, 3, 3, 1, 1))[0],
        random.choices(("2027-12-31", days[1], days[0], "2026-09-15", "20270101"), (4, 4, 4, 3, 1))[0],
    ]
    return ",".join(cells)
