"""The figures as one JSON document, for programs: what is not known comes first, and null means not known."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from patchlake_cli.report.figures import Details, Figures

_NOT_KNOWN = ("unread", "not_planned", "unread_targets", "unknown_nodes", "not_compared")
"""The details about what a run does not know."""


def render_json(figures: Figures) -> str:
    """Return the text; the same figures give the same text."""
    details = {} if figures.details is None else _details(figures.details)
    not_known = {name: details.pop(name) for name in _NOT_KNOWN if name in details}
    if details:
        not_known |= {"patches": details["patches"].pop("gaps"), "targets": details["ec2"].pop("gaps")}
    document = {
        "title": figures.title,
        "goal": figures.goal,
        "as_of": figures.as_of,
        "window_start": figures.window_start,
        **asdict(figures.settings),
        "history_days": figures.settings.days_of_history,
        "no_snapshot": figures.no_snapshot,
        "run": asdict(figures.run),
        "not_known": {"unpublished": list(figures.unpublished), **not_known},
        **details,
    }
    return json.dumps(document, default=_utc, ensure_ascii=False, indent=2) + "\n"


def _details(details: Details) -> dict[str, Any]:
    found = asdict(details)
    cve_ids = found["patches"].pop("cve_ids")
    for patch in found["patches"]["worst"]["rows"]:
        patch["cve_ids"] = cve_ids[patch["kb_id"], patch["title"]]
    return found


def _utc(moment: datetime) -> str:
    return f"{moment.replace(tzinfo=None).isoformat()}Z"
