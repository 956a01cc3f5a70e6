"""The breaches of a policy, computed again in plain Python: case by case of what is unknown, without the SQL."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any

BUILT_IN = {4: 15, 3: 30, 2: 60, 1: 90, 0: 90}
RANKS = {"Critical": 4, "Important": 3, "Medium": 2, "Moderate": 2, "Low": 1}
SLA = ["severity", "tag_key", "tag_value", "days"]
EXCEPTIONS = [
    "account",
    "instance",
    "tag_key",
    "tag_value",
    "kb_id",
    "cve_id",
    "reason",
    "approver",
    "approved_on",
    "expires_on",
]

type Row = Mapping[str, Any]
type Tables = Mapping[str, Sequence[Row]]
type Files = Mapping[str, str]
type Node = tuple[str, str, str]


@dataclass(frozen=True)
class Policy:
    """The good rows of a policy, and how many bad rows its deadlines and exceptions have."""

    deadlines: list[dict[str, str]]
    exceptions: list[dict[str, str]]
    bad_deadlines: int
    bad_exceptions: int


def read_policy(files: Mapping[str, Files]) -> Policy:
    """Read a policy."""
    sla, bad_sla = _rows(files["sla"], SLA, _is_deadline)
    exceptions, bad_exceptions = _rows(files["exceptions"], EXCEPTIONS, _is_exception)
    return Policy(sla, exceptions, bad_sla, bad_exceptions)


def _rows(files: Files, names: list[str], is_good: Any) -> tuple[list[dict[str, str]], int]:  # noqa: ANN401
    good, bad = [], 0
    for text in files.values():
        lines = [_split(line) for line in _lines(text)]
        headers = lines.count(names)
        for cells in lines:
            if headers == 1 and cells == names:
                continue
            row = dict(zip(names, cells, strict=False))
            if headers == 1 and len(cells) == len(names) and "\\" not in "".join(cells) and is_good(row):
                good.append(row)
            else:
                bad += 1
    return good, bad


def _lines(text: str) -> list[str]:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _split(line: str) -> list[str]:
    """Split a line at the commas that are outside quotes; a line whose quotes do not match has no columns."""
    if line.count('"') % 2 or not line:
        return []
    cells, quoted = [""], False
    for character in line:
        quoted ^= character == '"'
        if character == "," and not quoted:
            cells.append("")
        else:
            cells[-1] += character
    return [cell[1:-1].replace('""', '"') if cell.startswith('"') else cell for cell in cells]


def _is_deadline(row: dict[str, str]) -> bool:
    return (
        row["severity"] in {"", *RANKS}
        and (row["tag_key"] != "" or row["tag_value"] == "")
        and re.fullmatch("[0-9]{1,4}", row["days"]) is not None
    )


def _is_exception(row: dict[str, str]) -> bool:
    return (
        any(row[name] for name in EXCEPTIONS[:6])
        and bool(row["tag_key"]) == bool(row["tag_value"])
        and row["approver"].strip() != ""
        and _is_date(row["approved_on"])
        and _is_date(row["expires_on"])
        and row["approved_on"] <= row["expires_on"]
    )


def _is_date(text: str) -> bool:
    try:
        return re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


@dataclass(frozen=True)
class Tags:
    """The tags that the newest run read: the values by node and key, and the targets that it read in full."""

    values: Mapping[tuple[str, str, str, str], str | None]
    whole: frozenset[tuple[str, str]]

    def possible(self, node: Node, key: str, named: Sequence[str]) -> list[str | None]:
        """Return the values that a node's tag may have, if those that are not named are one; None for no such tag."""
        if (*node, key) in self.values:
            value = self.values[*node, key]
            return ["another", *named] if value is None else [value]
        is_asked = any(held == key for *_, held in self.values)
        return [None] if node[:2] in self.whole and is_asked else [None, "another", *named]


def read_tags(tables: Tables, newest: str) -> Tags:
    """Return the tags of the newest run; none of a run whose table has other rows than it counts."""
    coverage = [row for row in tables["coverage"] if row["run_id"] == newest]
    rows = [row for row in tables["tags"] if row["run_id"] == newest]
    values = {(row["account_id"], row["region"], row["instance_id"], row["key"]): row["value"] for row in rows}
    whole = {
        (row["account_id"], row["region"])
        for row in coverage
        if row["tags_status"] == "LISTED" and row["tags_rows_without_id"] == 0
    }
    return Tags(values, frozenset(whole))


def deadlines(policy: Policy, tags: Tags, node: Node, rank: int) -> set[int]:
    """Return each deadline that may apply: one for each case of what is not known."""
    keys = sorted({row["tag_key"] for row in policy.deadlines} - {""})
    named = {key: {row["tag_value"] for row in policy.deadlines if row["tag_key"] == key} - {""} for key in keys}
    possible = [tags.possible(node, key, sorted(named[key])) for key in keys]
    return {
        _deadline(policy, case_rank, dict(zip(keys, values, strict=True)))
        for case_rank in ([rank] if rank else [0, 1, 2, 3, 4])
        for values in product(*possible)
    }


def _deadline(policy: Policy, rank: int, held: Mapping[str, str | None]) -> int:
    matching = [
        row
        for row in policy.deadlines
        if (not row["severity"] or RANKS[row["severity"]] == rank)
        and (
            not row["tag_key"] or (held[row["tag_key"]] is not None and row["tag_value"] in {"", held[row["tag_key"]]})
        )
    ]
    if not matching:
        return BUILT_IN[rank]
    best = min(matching, key=lambda row: (not row["tag_key"], not row["severity"], int(row["days"])))
    days = int(best["days"])
    return min(days, BUILT_IN[rank]) if policy.bad_deadlines else days


def breaches(clocks: Sequence[Row], tables: Tables, policy: Policy, newest: str) -> Iterator[dict[str, Any]]:
    """Yield the breaches of the lines that are open, by their clocks and those of their patches."""
    tags, run_date = read_tags(tables, newest), f"{newest[:4]}-{newest[4:6]}-{newest[6:8]}"
    cves = _cves(tables)
    for line in clocks:
        if line["clock"] != "LINE" or line["outcome"] != "OPEN":
            continue
        node = (line["account_id"], line["region"], line["instance_id"])
        days = deadlines(policy, tags, node, line["severity_rank"])
        age, most = line["days_open"], line["most_days_open"]
        if line["is_confirmed"] and age > max(days):
            reason = None
        elif age > min(days) or most is None or most > min(days):
            reason = (
                "NOT_READ" if not line["is_confirmed"] else "DEADLINE_NOT_KNOWN" if age > min(days) else "AGE_NOT_KNOWN"
            )
        else:
            continue
        patches = [
            ((each["kb_id"], each["title"]), each["opened_at"].date().isoformat())
            for each in clocks
            if each["clock"] == "PATCH"
            and each["outcome"] == "OPEN"
            and (each["account_id"], each["region"], each["instance_id"], each["line"]) == (*node, line["line"])
        ]
        selecting = [row for row in policy.exceptions if _selects(row, tags, node, run_date)]
        untils = [
            _until([row for row in selecting if row["expires_on"] >= opened], patch, cves.get(patch, set()))
            for patch, opened in patches
        ]
        until = None if None in untils or not untils else min(filter(None, untils))
        overdue = "POSSIBLY_OVERDUE" if reason else "OVERDUE"
        status = overdue if until is None else "EXCEPTED" if until >= run_date else "EXCEPTION_EXPIRED"
        yield {
            "account_id": node[0],
            "region": node[1],
            "instance_id": node[2],
            "line": line["line"],
            "breach_status": status,
            "overdue_status": overdue,
            "reason": reason,
            "strictest_days": min(days),
            "longest_days": max(days),
            "excepted_until": until,
        }


def _cves(tables: Tables) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for row in tables["patches"]:
        if row.get("cve_ids") and row["title"] is not None:
            found.setdefault((row["kb_id"], row["title"]), set()).update(row["cve_ids"].split(","))
    return found


def _selects(row: Mapping[str, str], tags: Tags, node: Node, run_date: str) -> bool:
    return (
        row["approved_on"] <= run_date
        and row["account"] in {"", node[0]}
        and row["instance"] in {"", node[2]}
        and (not row["tag_key"] or tags.values.get((*node, row["tag_key"])) == row["tag_value"])
    )


def _until(exceptions: Sequence[Mapping[str, str]], patch: tuple[str, str], cves: set[str]) -> str | None:
    """Return the last day on which a patch is exempt, None if it never was."""
    by_cve: dict[str, str] = {}
    whole = [""]
    for row in exceptions:
        if row["kb_id"].upper() not in {"", patch[0].upper()}:
            continue
        if row["cve_id"]:
            cve = row["cve_id"].upper()
            by_cve[cve] = max(by_cve.get(cve, ""), row["expires_on"])
        else:
            whole.append(row["expires_on"])
    if cves and cves <= set(by_cve):
        whole.append(min(by_cve[cve] for cve in cves))
    return max(whole) or None
