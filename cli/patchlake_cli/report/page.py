"""One HTML file from the figures: it contains its styles, its script and its charts, and may load nothing else.

Other people choose the names of nodes, groups and accounts. The template escapes every value; ``bdi`` isolates the
direction of a name, and characters that change the direction of writing are escaped.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

import patchlake
from patchlake.core.keys import snapshot_key
from patchlake.core.statuses import ROWS_WITHOUT_ID, listing_words
from patchlake_cli.lake.runs import rows_in_words
from patchlake_cli.report import charts
from patchlake_cli.report.figures import Details, Figures
from patchlake_cli.report.headline import goal_in_words, headline_percent, overdue_in_words, week_before
from patchlake_cli.report.node_figures import Platform
from patchlake_cli.report.words import (
    BREACH_REASONS,
    CHANGES,
    FLEET_UNKNOWN,
    MANAGEMENT,
    OLD_HOURS,
    SCOPES,
    TAG_STATUS,
    UNKNOWN_NODES,
    UNREAD_TARGETS,
    age_in_words,
    patch_gap,
)
from patchlake_cli.visible_text import visible

_HERE = files(__package__)


def render_page(figures: Figures) -> str:
    """Return the page; the same figures give the same text."""
    style, script = _read("page.css"), _read("sort.js") + _read("tools.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    run_id = figures.run.run_id
    return (
        _environment()
        .get_template("page.html")
        .render(
            figures=figures,
            run=figures.run,
            details=figures.details,
            charts=None if figures.details is None else _charts(figures.details, figures.goal),
            is_old=(figures.run.run_age_hours or 0) >= OLD_HOURS,
            snapshot=None if run_id is None else snapshot_key(run_id),
            unread_targets=UNREAD_TARGETS,
            unknown_nodes=UNKNOWN_NODES,
            changes=CHANGES,
            management=MANAGEMENT,
            fleet_unknown=FLEET_UNKNOWN,
            tag_status=TAG_STATUS,
            breach_reasons=BREACH_REASONS,
            scopes=SCOPES,
            without_id=ROWS_WITHOUT_ID,
            version=patchlake.__version__,
            policy=policy,
            # Both are our own files, without values from outside; escaping them would change their hashes.
            style=Markup(style),  # noqa: S704
            script=Markup(script),  # noqa: S704
        )
    )


def platform_name(platform: Platform) -> str:
    """Return the name of a platform."""
    return " ".join(filter(None, (platform.platform_name, platform.platform_version))) or "not reported by SSM"


def group_name(patch_group: str) -> str:
    """Return the name of a patch group; the empty text stands for none."""
    return patch_group or "(no patch group)"


def _charts(details: Details, goal: float | None) -> Mapping[str, charts.Chart]:
    drawn = {}
    if details.fleet.nodes_listed:
        drawn["fleet"] = charts.fleet_chart(details.fleet)
        drawn["platforms"] = charts.shares_chart(
            [(platform_name(platform), platform) for platform in details.platforms.rows], "platform"
        )
    drawn["percent"] = charts.percent_chart(details.trend, goal)
    drawn["states"] = charts.states_chart(details.trend)
    if any(day.lines_overdue is not None for day in details.deadlines.trend):
        drawn["overdue"] = charts.overdue_chart(details.deadlines.trend)
    drawn["accounts"] = charts.shares_chart(
        [(account.account_name or account.account_id, account) for account in details.accounts.rows], "account"
    )
    if details.patch_groups.rows:
        drawn["patch_groups"] = charts.shares_chart(
            [(group_name(group.patch_group), group) for group in details.patch_groups.rows], "patch group"
        )
    if details.ages:
        drawn["ages"] = charts.ages_chart(details.ages)
    return drawn


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "count": lambda number: f"{number:,}",
        "moment": _moment,
        "age": age_in_words,
        "visible": visible,
        "listing_words": listing_words,
        "headline_percent": headline_percent,
        "week_before": week_before,
        "overdue_in_words": overdue_in_words,
        "goal_in_words": goal_in_words,
        "platform_name": platform_name,
        "group_name": group_name,
        "rows": rows_in_words,
        "patch_gap": patch_gap,
    }
    environment.filters |= filters
    return environment


def _moment(moment: datetime) -> str:
    return f"{moment:%-d %B %Y, %H:%M} UTC"


def _read(name: str) -> str:
    return _HERE.joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the hash by which a content security policy allows an inline style or script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
