"""The page of a report, parsed as by a browser; tests/e2e checks its look and behavior."""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from patchlake.core.statuses import LISTING, CollectionStatus, ListingStatus
from patchlake_cli.report.figures import Unread
from patchlake_cli.report.headline import headline_percent
from patchlake_cli.report.node_figures import Compliance
from patchlake_cli.report.page import render_page
from patchlake_cli.report.patch_figures import Patches, PatchGap
from patchlake_cli.report.shortlist import Shortlist
from patchlake_cli.report.words import UNKNOWN_NODES, UNREAD_TARGETS, patch_gap
from patchlake_cli.visible_text import visible
from tests.report_figures import HOSTILE, empty_figures, hostile_figures

VOID = {"br", "col", "hr", "img", "input", "link", "meta"}


class Page(HTMLParser):
    """The elements of a page, with their attributes and the text inside of them, and whether all of them are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = (tag, dict(attrs), list[str]())
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, _, texts in self._open:
            texts.append(data)

    def all(self, tag: str) -> Iterator[tuple[dict[str, str | None], str]]:
        """Return the attributes and the text of every element of a name."""
        return ((attributes, "".join(texts)) for name, attributes, texts in self.elements if name == tag)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the charts out where they are not tested: drawing them takes a second or two."""
    monkeypatch.setattr("vl_convert.vegalite_to_svg", lambda *_args, **_options: "<svg></svg>")


@pytest.fixture(scope="module")
def text() -> str:
    return render_page(hostile_figures())


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_the_same_figures_give_the_same_bytes(text: str) -> None:
    assert render_page(hostile_figures()) == text


def test_no_name_becomes_markup_and_all_of_it_can_be_read(page: Page, text: str) -> None:
    assert {tag for tag, _, _ in page.elements} & {"img", "iframe", "object", "embed", "base", "form"} == set()
    assert len(list(page.all("script"))) == 1
    shown = {content for _, content in page.all("bdi")}
    assert {visible(name) for name in HOSTILE} <= shown
    assert not {character for character in text if not character.isprintable() and character != "\n"}


def test_nothing_is_loaded_and_the_policy_allows_only_what_is_in_the_file(page: Page) -> None:
    [policy] = [m["content"] for m, _ in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in (policy or "").split(";"))

    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for rule, tag in (("script-src", "script"), ("style-src", "style")):
        [(_, content)] = page.all(tag)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    for _, attributes, _ in page.elements:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in ("src", "srcset", "href", "xlink:href", "action", "data", "poster"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,"))
    [(_, style)] = page.all("style")
    assert "url(" not in style
    assert "@import" not in style


def test_every_table_has_a_caption_and_heads_that_name_their_scope(page: Page) -> None:
    tables = list(page.all("table"))
    assert len(tables) == len(list(page.all("caption"))) == 21
    assert all(content.strip() for _, content in page.all("caption"))
    assert {attributes.get("scope") for attributes, _ in page.all("th")} == {"col", "row"}


def test_headings_landmarks_and_language_are_there(page: Page) -> None:
    levels = [int(tag[1]) for tag, _, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert all(len(list(page.all(landmark))) == 1 for landmark in ("header", "nav", "main", "footer"))
    assert next(page.all("html"))[0]["lang"] == "en"
    identifiers = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    labels = {attributes["aria-labelledby"] for attributes, _ in page.all("section")}
    anchors = {(attributes["href"] or "").removeprefix("#") for attributes, _ in page.all("a")}
    assert labels | anchors <= set(identifiers)


def test_every_chart_is_drawn_twice_and_says_in_words_what_it_shows(page: Page) -> None:
    drawn = [attributes for tag, attributes, _ in page.elements if attributes.get("role") == "img" and tag == "div"]
    assert [attributes["class"] for attributes in drawn] == ["wide", "narrow"] * 8
    assert all(len(attributes["aria-label"] or "") > 40 for attributes in drawn)
    assert len(list(page.all("svg"))) == 16


def test_colors_of_charts_are_the_pages_own_so_that_they_follow_it_into_the_dark(text: str) -> None:
    charts = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    used = set(re.findall(r"(?:fill|stroke)=\"([^\"]+)\"", charts))
    assert {"var(--compliant)", "var(--unknown)", "var(--non-compliant)", "var(--at-least)"} <= used
    assert {color for color in used if not color.startswith("var(")} <= {"none", "currentColor", "transparent"}


def test_unknown_stands_beside_compliant_and_is_never_a_number(page: Page, text: str) -> None:
    [tiles] = [content for attributes, content in page.all("dl") if attributes["class"] == "tiles"]
    assert " ".join(tiles.split()) == (
        "Compliant, at least50.0 %60.0 % of the listed nodes Compliant6nodes Unknown1nodes "
        "Non-compliant3nodes Overdue, at least3lines of patches "
        "Not read1of 2 targets; last known: 2 nodes and 1 row without an id; 2 rows without an id"
    )
    unread = next(content for _, content in page.all("tr") if "222233334444" in content and "0 of 1" in content)
    assert unread.count("not known") == 5
    assert 'data-value="None"' not in text


def test_a_partial_run_says_so_first_of_all_and_names_what_is_missing(text: str) -> None:
    body = text.partition("<main>")[2]
    assert body.lstrip().startswith('<section class="note" aria-labelledby="partial">')
    note = body.partition("</section>")[0]
    assert "This run is PARTIAL: not everything was read" in note
    assert "1 of 2 targets (each one account in one region) could not be read; when last read they had 2 nodes" in note
    assert "2 nodes and 1 row without an id.</li>" in note
    assert "1 listed node: NOT_COLLECTED." in note
    assert "2 rows without an id. SSM lists these nodes without an id" in note
    assert "What to do: report them to AWS Support." in note


@pytest.mark.usefixtures("undrawn")
def test_a_complete_run_has_no_such_note(text: str) -> None:
    figures = hostile_figures()
    complete = render_page(replace(figures, run=replace(figures.run, run_status="COMPLETE")))
    assert "not everything was read" in text
    assert "not everything was read" not in complete


def test_what_is_no_longer_planned_is_said_at_the_top_and_has_a_section(text: str) -> None:
    body = text.partition("<main>")[2]
    assert "Earlier runs covered 1 target that this run did not plan." in body.partition('id="fleet"')[0]
    section = body.partition('id="left"')[2].partition("</section>")[0]
    assert "<code>444455556666</code>" in section


@pytest.mark.usefixtures("undrawn")
def test_without_such_targets_there_is_no_such_section() -> None:
    figures = hostile_figures()
    assert figures.details is not None
    none = replace(figures.details, not_planned=Unread(0, None, None, 0), left_targets=Shortlist([], 0))
    assert "no longer planned</h2>" not in render_page(replace(figures, details=none)).lower()


@pytest.mark.usefixtures("undrawn")
def test_what_is_not_there_is_not_mentioned() -> None:
    figures = hostile_figures()
    assert figures.details is not None
    none = Unread(0, None, None, 0)
    read = replace(figures.details, unread=none, not_planned=none)
    run = replace(figures.run, run_status="COMPLETE", rows_without_id=0)
    accounts = replace(read.accounts, rows=[replace(account, rows_without_id=0) for account in read.accounts.rows])

    whole = render_page(replace(figures, run=run, details=replace(read, accounts=accounts)))
    nameless = render_page(replace(figures, run=replace(run, rows_without_id=1), details=read))
    unread = render_page(replace(figures, run=run, details=replace(read, unread=Unread(1, 2, 0, 0))))

    assert "ithout an id" not in whole
    assert "Unknown nodes count against the percentage.</p>" in whole
    assert "“at least” also counts rows without an id.</p>" in nameless
    assert "“at least” also counts the last known nodes of targets that were not read.</p>" in unread


@pytest.mark.parametrize(
    ("percent", "bound", "run_status", "text"),
    [
        (71.4, 71.4, "COMPLETE", "71.4 % compliant"),
        (79.9, 64.2, "PARTIAL", "at least 64.2 % compliant"),
        (79.9, 79.9, "PARTIAL", "at least 79.9 % compliant"),
        (100.0, 25.0, "COMPLETE", "at least 25.0 % compliant"),
        (79.9, None, "PARTIAL", "the compliant percentage is not known"),
        (None, 0.0, "PARTIAL", "at least 0.0 % compliant"),
        (None, None, "COMPLETE", "the compliant percentage is not known"),
    ],
)
def test_the_headline_is_the_bound_where_something_was_not_read(
    percent: float | None, bound: float | None, run_status: str, text: str
) -> None:
    assert str(headline_percent(Compliance(1, 1, 0, 0, percent, bound), run_status)) == text


@pytest.mark.usefixtures("undrawn")
def test_an_old_snapshot_is_said_to_be_old() -> None:
    figures = hostile_figures()
    old = render_page(replace(figures, run=replace(figures.run, run_age_hours=24 * 9)))
    assert "This snapshot is 9 days old." in old


@pytest.mark.usefixtures("undrawn")
def test_a_newer_run_without_a_snapshot_is_named() -> None:
    page = render_page(replace(hostile_figures(), unpublished=["run 20261102T060000Z is UNPUBLISHED"]))
    assert "does not include a newer run: run 20261102T060000Z is UNPUBLISHED." in page


def test_without_a_snapshot_the_page_says_since_when_and_shows_no_figure_at_all() -> None:
    text = render_page(empty_figures())
    body = text.partition("<main>")[2].partition("</main>")[0]
    assert "There is no snapshot since 2026-09-27: the newest run is from 2026-08-01." in body
    assert not [mark for mark in ("<table", "<svg", "<dl", "%", " 0 ") if mark in body]


@pytest.mark.usefixtures("undrawn")
def test_a_run_that_read_no_target_shows_unknown_and_no_zero() -> None:
    figures = hostile_figures()
    assert figures.details is not None
    nothing = replace(figures.details.fleet, **dict.fromkeys(field.name for field in fields(figures.details.fleet)))
    text = render_page(replace(figures, details=replace(figures.details, fleet=nothing)))
    tiles = text.partition('<dl class="tiles">')[2].partition("</dl>")[0]
    assert tiles.count("not known</span>") == 4


def test_a_list_that_is_cut_says_so_and_names_the_query_that_has_the_rest(text: str) -> None:
    assert (
        "The first 8 of 4,000. For all of them, run <code>patchlake query --lake … --named patch_groups</code>." in text
    )


def test_every_reason_that_a_run_can_have_is_explained() -> None:
    assert set(UNREAD_TARGETS) == set(ListingStatus) - {ListingStatus.LISTED, ListingStatus.ACCOUNT_NOT_ACTIVE}
    assert set(CollectionStatus) - {CollectionStatus.COLLECTED} <= set(UNKNOWN_NODES)


@pytest.mark.usefixtures("undrawn")
def test_what_is_not_known_of_patches_comes_before_what_is() -> None:
    page = render_page(hostile_figures())
    section = page.partition('<h2 id="patches">')[2].partition("</section>")[0]

    assert "they may need any patch" in section.partition("Patches that nodes need")[0]
    assert LISTING[ListingStatus.ROLE_NOT_ASSUMABLE].sentence in section
    assert "Nodes, at least" in section
    assert 'data-words="CVE-2026-0000 ' in section


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("status", "gaps", "expected"),
    [
        ("NOT_ASKED", [PatchGap("NOT_ASKED", 1, 10)], "it is not known which patches its nodes need"),
        ("UNPUBLISHED", [PatchGap("UNPUBLISHED", 1, 10)], "No node whose patches are known needs one."),
        ("COMPLETE", [], "No node needs a patch."),
    ],
)
def test_no_patch_is_not_the_same_as_patches_that_were_not_read(
    status: str, gaps: list[PatchGap], expected: str
) -> None:
    figures = hostile_figures()
    assert figures.details is not None
    details = replace(figures.details, patches=Patches(gaps, Shortlist([], 0), {}))

    page = render_page(replace(figures, details=details, run=replace(figures.run, patches_status=status)))

    assert expected in page
    assert ("No node needs a patch." in page) is (status == "COMPLETE")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("NOT_ASKED", "The run did not read patches."),
        ("nodes: rows without an id", "A row of the listing has no id."),
        ("patch_states: NOT_COLLECTED", f"The patch state of a node is not known. {UNKNOWN_NODES['NOT_COLLECTED']}"),
        ("AccessDeniedException", "SSM did not answer about patches, for this reason."),
        ("State: expected a text", "A value of a patch broke this rule."),
    ],
)
def test_each_reason_why_patches_are_not_known_has_words(reason: str, words: str) -> None:
    assert patch_gap(reason) == words
