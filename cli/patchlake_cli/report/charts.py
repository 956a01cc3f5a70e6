"""The charts of a report: Vega-Lite specifications, drawn as SVG when the report is written.

Colors are the page's CSS variables, so a chart follows the page's dark and print styles without a script. Each chart
comes in two widths, and the page shows one of them. A table next to the chart has all its figures.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, floor
from typing import Any

import vl_convert
from markupsafe import Markup

from patchlake_cli.report.deadline_figures import OverdueDay
from patchlake_cli.report.headline import headline_percent
from patchlake_cli.report.node_figures import Age, Compliance, Day
from patchlake_cli.visible_text import visible

NARROW = 350
HALF = 520
WIDE = 760
FULL = 1120
"""Widths in pixels: for a phone, for two charts next to each other, for long names, for the whole page."""

BARS_SHOWN = 12
NAME_CHARACTERS = 80
"""The most characters of a bar's name: the time to draw it grows with their square."""

type Spec = dict[str, Any]
type Values = list[dict[str, Any]]

_STATES = {"compliant": "compliant", "unknown": "unknown", "non-compliant": "non-compliant"}
_PERCENTS = {"of the listed nodes": "compliant", "at least, with unread targets": "unknown"}
_OVERDUE = {"overdue, at least": "non-compliant"}
_AGES = {"exact age": "non-compliant", "minimum age": "at-least"}
"""The keys of the charts: the meaning of each color, and its CSS variable."""

_NOT_READ = "not read"
_NO_NODES = "no nodes"

_MEMBERS = {"compliant": "nodes_compliant", "unknown": "nodes_unknown", "non-compliant": "nodes_non_compliant"}
"""The member of the figures with the nodes of each state."""

_GOAL: Spec = {"mark": {"type": "rule", "strokeDash": [6, 4], "color": "currentColor"}}

_NODES = {"field": "nodes", "type": "quantitative", "stack": "zero", "title": "nodes", "axis": {"format": "~s"}}

_TEXT = {"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": 12, "titleFontSize": 12}
_CONFIG: Spec = {
    "aria": False,
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        **_TEXT,
        "titleFontWeight": "normal",
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
        "grid": False,
        "gridColor": "var(--line)",
    },
    "axisQuantitative": {"grid": True, "tickCount": 5},
    "legend": {"disable": True},
    "bar": {"stroke": "var(--page)", "strokeWidth": 1},
}


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart.

    Attributes:
        wide, narrow: the chart for two widths of the page.
        alternative: its content in words, for readers who cannot see it.
        key: the names of its colors, each with the name of its CSS variable.
    """

    wide: Markup
    narrow: Markup
    alternative: str
    key: Mapping[str, str]


def fleet_chart(fleet: Compliance) -> Chart:
    """Draw the nodes of the whole fleet as one bar."""
    values = _values([("", fleet)])
    spec = {
        "height": 36,
        "data": {"values": values},
        "mark": "bar",
        "encoding": {
            "x": {"field": "nodes", "type": "quantitative", "stack": "zero", "axis": None, "scale": {"nice": False}},
            "color": _colors("state", _STATES),
            "order": {"field": "order"},
        },
    }
    return _chart(spec, FULL, _STATES, f"All listed nodes as one bar: {_in_words(fleet)}.")


def percent_chart(trend: Sequence[Day], goal: float | None = None) -> Chart:
    """Draw the percentage of compliant nodes, its lower bound and a goal, day by day; a day without a run is a gap."""
    of_listed, at_least = _PERCENTS
    bounded = any(day.compliant_percent_lower_bound != day.compliant_percent for day in trend)
    key = _PERCENTS if bounded else {of_listed: _PERCENTS[of_listed]}
    values: Values = [
        {"date": day, "series": series, "percent": percent, "partial": figures is not None and _is_partial(figures)}
        for day, figures in _calendar(trend)
        for series, percent in (
            (of_listed, figures and figures.compliant_percent),
            (at_least, figures and figures.compliant_percent_lower_bound),
        )
        if series in key
    ]
    line = {
        "x": _days(),
        "y": {
            "field": "percent",
            "type": "quantitative",
            "scale": {"domain": _tens_around([*(value["percent"] for value in values), goal])},
            "title": "compliant, in percent",
        },
        "color": _colors("series", key),
    }
    spec = {
        "height": 200,
        "data": {"values": values},
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2.5, "invalid": "break-paths-show-domains"}, "encoding": line},
            {
                "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1},
                "encoding": line,
                "transform": [{"filter": "isValid(datum.percent) && !datum.partial"}],
            },
            {
                "mark": {"type": "point", "filled": False, "size": 55, "fill": "var(--page)", "opacity": 1},
                "encoding": line,
                "transform": [{"filter": "isValid(datum.percent) && datum.partial"}],
            },
            *([] if goal is None else [_GOAL | {"encoding": {"y": {"datum": goal}}}]),
        ],
    }
    known = [day for day in trend if day.compliant_percent is not None]
    ends = "; ".join(
        f"{headline_percent(day, day.run_status)} on {day.run_date}" for day in (*known[:1], *known[1:][-1:])
    )
    aim = "" if goal is None else f" The dashed line is the goal, {goal:g} %."
    return _chart(spec, HALF, key, f"Nodes, day by day: {ends or 'not known on any day'}.{aim}")


def states_chart(trend: Sequence[Day]) -> Chart:
    """Draw the nodes by state, day by day; a day without a run is a gap."""
    days = _calendar(trend)
    spec = {
        "height": 200,
        "data": {"values": _values((day.run_date, day) for day in trend)},
        "mark": "bar",
        "encoding": {
            "x": {**_days(), "field": "row", "scale": {"domain": [day for day, _ in days], "paddingInner": 0.25}},
            "y": _NODES,
            "color": _colors("state", _STATES),
            "order": {"field": "order"},
        },
    }
    ends = " ".join(f"On {day.run_date}: {_in_words(day)}." for day in (*trend[:1], *trend[1:][-1:]))
    return _chart(spec, HALF, _STATES, f"Nodes by state, day by day. {ends}")


def overdue_chart(trend: Sequence[OverdueDay]) -> Chart:
    """Draw the overdue lines of patches, day by day; a day without a run is a gap."""
    spec = {
        "height": 160,
        "data": {"values": [{"date": day.run_date, "lines": day.lines_overdue} for day in trend]},
        "mark": "bar",
        "encoding": {
            "x": {**_days(), "scale": {"domain": [day for day, _ in _calendar(trend)], "paddingInner": 0.25}},
            "y": {"field": "lines", "type": "quantitative", "title": "lines of patches", "axis": {"format": ",d"}},
            "color": {"value": f"var(--{_OVERDUE['overdue, at least']})"},
        },
    }
    ends = " ".join(
        f"On {day.run_date}: {'not known' if day.lines_overdue is None else f'at least {day.lines_overdue:,}'}."
        for day in (*trend[:1], *trend[1:][-1:])
    )
    return _chart(spec, FULL, _OVERDUE, f"Overdue lines of patches, day by day. {ends}")


def shares_chart(rows: Sequence[tuple[str, Compliance]], what: str) -> Chart:
    """Draw the states of each row as shares of its listed nodes; a row that was not read has no bar."""
    shown = list(_with_different_names(rows[:BARS_SHOWN]))
    names = [name for name, _ in shown]
    row = {"type": "nominal", "sort": None, "title": None, "scale": {"domain": names, "paddingInner": 0.3}}
    spec = {
        "height": {"step": 26},
        "encoding": {"y": {**row, "field": "row"}},
        "layer": [
            {
                "data": {"values": _values(shown)},
                "mark": "bar",
                "encoding": {
                    "x": {
                        "field": "nodes",
                        "type": "quantitative",
                        "stack": "normalize",
                        "title": "share of listed nodes",
                        "axis": {"format": "%"},
                    },
                    "color": _colors("state", _STATES),
                    "order": {"field": "order"},
                },
            },
            {
                "data": {"values": [{"row": name, "note": _in_words(figures)} for name, figures in shown]},
                "transform": [{"filter": {"field": "note", "oneOf": [_NOT_READ, _NO_NODES]}}],
                "mark": {"type": "text", "align": "left", "dx": 6, "fontStyle": "italic", "color": "currentColor"},
                "encoding": {"x": {"datum": 0}, "text": {"field": "note"}},
            },
        ],
    }
    in_words = "; ".join(f"{name}: {_in_words(figures)}" for name, figures in shown)
    return _chart(spec, WIDE, _STATES, f"The states of the nodes by {what}, as shares. {in_words}.")


def ages_chart(ages: Sequence[Age]) -> Chart:
    """Draw the number of nodes by days non-compliant."""
    exact, bound = _AGES
    spec = {
        "height": 180,
        "data": {
            "values": [
                {
                    "days": age.days_non_compliant,
                    "nodes": age.nodes,
                    "kind": bound if age.is_lower_bound else exact,
                    "order": int(age.is_lower_bound),
                }
                for age in ages
            ]
        },
        "mark": "bar",
        "encoding": {
            "x": {
                "field": "days",
                "type": "ordinal",
                "title": "days non-compliant",
                "scale": {"domain": list(range(max(age.days_non_compliant for age in ages) + 1)), "paddingInner": 0.25},
                "axis": {"labelAngle": 0, "labelOverlap": "parity"},
            },
            "y": _NODES,
            "color": _colors("kind", _AGES),
            "order": {"field": "order"},
        },
    }
    words = ", ".join(
        f"{'at least ' if age.is_lower_bound else ''}{age.days_non_compliant} days: {age.nodes:,}" for age in ages
    )
    return _chart(spec, WIDE, _AGES, f"Nodes by days non-compliant. {words}.")


def _chart(spec: Spec, width: int, key: Mapping[str, str], alternative: str) -> Chart:
    return Chart(_svg(spec, width), _svg(spec, NARROW), alternative, key)


def _svg(spec: Spec, width: int) -> Markup:
    whole = {
        **spec,
        "width": width,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": 0,
        "config": {**_CONFIG, "axisY": {"labelLimit": width // 3}},
    }
    # Vega escapes every text of the data in the SVG; a test checks this.
    return Markup(vl_convert.vegalite_to_svg(whole, allowed_base_urls=[]))  # noqa: S704


def _values(rows: Iterable[tuple[str, Compliance]]) -> Values:
    return [
        {"row": name, "state": state, "nodes": getattr(figures, member), "order": order}
        for name, figures in rows
        for order, (state, member) in enumerate(_MEMBERS.items())
    ]


def _colors(field: str, key: Mapping[str, str]) -> Spec:
    scale = {"domain": list(key), "range": [f"var(--{color})" for color in key.values()]}
    return {"field": field, "type": "nominal", "scale": scale}


def _days() -> Spec:
    return {
        "field": "date",
        "type": "ordinal",
        "title": None,
        "axis": {
            "labelExpr": "utcFormat(toDate(datum.value), '%-d %b')",
            "labelAngle": 0,
            "labelOverlap": "parity",
            "labelSeparation": 8,
        },
    }


def _calendar[Row: (Day, OverdueDay)](trend: Sequence[Row]) -> list[tuple[str, Row | None]]:
    """Return every date from the first to the last, with its figures if it has any."""
    by_date = {day.run_date: day for day in trend}
    first, last = (date.fromisoformat(day.run_date) for day in (trend[0], trend[-1]))
    dates = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [(f"{day}", by_date.get(f"{day}")) for day in dates]


def _tens_around(percents: Iterable[float | None]) -> list[int]:
    """Return the multiples of ten below and above all known percentages."""
    known = [percent for percent in percents if percent is not None] or [0]
    lowest = min(90, floor(min(known) / 10) * 10)
    return [lowest, max(lowest + 10, ceil(max(known) / 10) * 10)]


def _is_partial(day: Day) -> bool:
    return day.run_status != "COMPLETE"


def _in_words(figures: Compliance) -> str:
    if figures.nodes_listed is None:
        return _NOT_READ
    if not figures.nodes_listed:
        return _NO_NODES
    return (
        f"{figures.nodes_compliant:,} compliant, {figures.nodes_non_compliant:,} non-compliant, "
        f"{figures.nodes_unknown:,} unknown"
    )


def _with_different_names(rows: Sequence[tuple[str, Compliance]]) -> Iterable[tuple[str, Compliance]]:
    """Cut long names, and number those that look the same, which would otherwise share one bar."""
    seen: dict[str, int] = {}
    for name, figures in rows:
        shown = visible(name)
        if len(shown) > NAME_CHARACTERS:
            shown = f"{shown[: NAME_CHARACTERS - 1]}…"
        seen[shown] = seen.get(shown, 0) + 1
        yield (shown if seen[shown] == 1 else f"{shown} ({seen[shown]})"), figures
