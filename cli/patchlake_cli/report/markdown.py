"""The figures as Markdown, for an e-mail, a chat or the summary of a job: what is not known comes first.

Other people choose the names of nodes, groups and accounts. They are code spans, in which nothing is a link, a mention,
a tag or the end of a cell.
"""

from functools import cache

import jinja2

from patchlake_cli.markdown_text import code
from patchlake_cli.report.figures import Figures
from patchlake_cli.report.headline import (
    goal_in_words,
    headline_percent,
    in_words,
    overdue_in_words,
    week_before,
)
from patchlake_cli.report.not_known import not_known
from patchlake_cli.report.words import BREACH_REASONS, CHANGES, age_in_words

ROWS_SHOWN = 10
"""The rows of each table: a message is read at a glance, and the HTML report has more."""


def render_markdown(figures: Figures) -> str:
    """Return the text; the same figures give the same text."""
    details = figures.details
    return (
        _environment()
        .get_template("page.md")
        .render(
            figures=figures,
            run=figures.run,
            details=details,
            not_known=list(not_known(figures, code)),
            headline=in_words(figures),
            week_before="" if details is None else week_before(details.trend),
            goal=_goal(figures),
            overdue=""
            if details is None
            else overdue_in_words(details.deadlines.fleet, details.deadlines.trend, figures.run.patches_status),
            changes=CHANGES,
            breach_reasons=BREACH_REASONS,
            shown=ROWS_SHOWN,
        )
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "."),
        autoescape=False,  # noqa: S701  # this is no HTML: `code` and `number` escape
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"code": code, "number": number, "age": age_in_words}
    return environment


def _goal(figures: Figures) -> str:
    if figures.goal is None or figures.details is None:
        return ""
    return goal_in_words(figures.goal, headline_percent(figures.details.fleet, figures.run.run_status))


def number(value: int | None) -> str:
    """Return a number in words; None is not known."""
    return "not known" if value is None else f"{value:,}"
