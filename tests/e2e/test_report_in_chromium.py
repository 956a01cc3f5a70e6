"""The report as Chromium shows it: wide screen, phone, dark mode, paper, keyboard, and hostile names."""

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from patchlake_cli.report.page import render_page
from patchlake_cli.visible_text import visible
from tests.report_figures import BREAKOUT, FORMULA, HOSTILE, SCRIPT, empty_figures, hostile_figures

A4_PIXELS = 794 - 2 * 53
"""The width of a sheet, less the page's margins of 14 mm."""

LEFT_GAP = "cell => getComputedStyle(cell).paddingLeft"
LEAST_GAP_PIXELS = 7
"""Two millimetres, nearly: a number ends at its right edge, where the next text begins."""

type Open = Callable[..., Page]

# The lowest contrast of any text to its background, as WCAG 2 defines it, with that text.
_LOWEST_CONTRAST = """() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, a = 1] = channels(getComputedStyle(e).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  let lowest = [99, ""];
  for (const element of document.querySelectorAll("body *")) {
    if (["SCRIPT", "STYLE"].includes(element.tagName) || !element.checkVisibility()) continue;
    const text = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join("");
    if (!text) continue;
    const style = getComputedStyle(element);
    const color = element instanceof SVGElement ? style.fill : style.color;
    const [one, other] = [luminance(channels(color)), luminance(behind(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < lowest[0]) lowest = [contrast, text.slice(0, 60)];
  }
  return lowest;
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_page(hostile_figures()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "expected chromium on PATH: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Open]:
    """Open the report in a separate window; at the end, there must be no request and no error."""
    noticed: list[str] = []

    def opened(path: Path = report, *, width: int = 1280, **options: str | bool) -> Page:
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)  # type: ignore[arg-type]
        page.on("console", lambda message: noticed.append(message.text))
        page.on("pageerror", lambda error: noticed.append(str(error)))
        page.on("request", lambda request: None if request.url == path.as_uri() else noticed.append(request.url))
        page.goto(path.as_uri())
        return page

    yield opened
    assert noticed == []
    for context in browser.contexts:
        context.close()


def table(page: Page, caption: str) -> Locator:
    return page.locator("table", has=page.locator("caption", has_text=caption))


def column(found: Locator, number: int) -> list[str]:
    return found.locator(f"tbody tr > :nth-child({number})").all_inner_texts()


def overflow(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


@pytest.mark.parametrize(("width", "shown", "hidden"), [(1280, "wide", "narrow"), (390, "narrow", "wide")])
def test_every_chart_is_drawn_in_the_width_of_the_page(opened: Open, width: int, shown: str, hidden: str) -> None:
    page = opened(width=width)

    for figure in page.locator("figure").all():
        svg = figure.locator(f".{shown} svg")
        box = svg.bounding_box()
        assert box is not None
        assert box["width"] > 200
        assert box["x"] + box["width"] <= width
        assert svg.locator(".role-mark path").count() > 0
        assert not figure.locator(f".{hidden}").is_visible()
    assert page.locator("figure").count() == 8


def test_no_text_of_a_chart_is_cut_off(opened: Open) -> None:
    page = opened()

    boxes = "(svg) => [...svg.querySelectorAll('text')].map((t) => t.getBoundingClientRect().left)"
    for svg in page.locator(".wide svg").all():
        box = svg.bounding_box()
        assert box is not None
        assert min(svg.evaluate(boxes), default=box["x"]) >= box["x"] - 8


def test_charts_follow_the_page_into_the_dark(opened: Open) -> None:
    fills = []
    for scheme in ("light", "dark"):
        page = opened(color_scheme=scheme)
        bar = page.locator(".wide .role-mark path").first
        label = page.locator(".wide .role-axis-label text").first
        fills.append(bar.evaluate("(element) => getComputedStyle(element).fill"))
        text = page.evaluate("getComputedStyle(document.body).color")
        assert label.evaluate("(element) => getComputedStyle(element).fill") == text

    assert fills == ["rgb(26, 127, 107)", "rgb(63, 174, 150)"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(opened: Open, scheme: str) -> None:
    page = opened(color_scheme=scheme)

    contrast, text = page.evaluate(_LOWEST_CONTRAST)
    assert contrast >= 4.5, text


def test_a_click_sorts_numbers_from_the_greatest_and_another_turns_them_round(opened: Open) -> None:
    page = opened()
    groups = table(page, "Compliance by patch group")
    heads = groups.locator("thead th")

    heads.nth(7).locator("button").click()
    assert column(groups, 8) == ["7", "6", "5", "4", "3", "2", "1", "0"]
    assert heads.nth(7).get_attribute("aria-sort") == "descending"

    heads.nth(7).locator("button").click()
    assert column(groups, 8) == ["0", "1", "2", "3", "4", "5", "6", "7"]
    assert heads.nth(7).get_attribute("aria-sort") == "ascending"

    heads.nth(1).locator("button").click()
    assert groups.locator("[aria-sort]").count() == 1


def test_the_keyboard_sorts_too_and_keeps_its_place(opened: Open) -> None:
    page = opened()
    oldest = table(page, "Oldest non-compliant nodes")
    button = oldest.locator("thead th").nth(1).locator("button")
    button.focus()

    page.keyboard.press("Enter")
    ascending = column(oldest, 2)
    page.keyboard.press("Space")

    assert ascending == sorted(ascending)
    assert column(oldest, 2) == ascending[::-1]
    assert button.evaluate("(element) => element === document.activeElement")
    assert oldest.locator("[aria-sort=descending]").count() == 1


def test_what_is_not_known_stays_at_the_end_whichever_way_is_sorted(opened: Open) -> None:
    page = opened()
    accounts = table(page, "Compliance by account")

    for _ in range(2):
        accounts.locator("thead th").nth(3).locator("button").click()
        assert column(accounts, 4) == ["10", "not known"]


def test_hostile_names_are_read_and_do_nothing(opened: Open) -> None:
    page = opened()

    assert page.title() == "Patch compliance, 2026-11-01"
    assert page.locator("img, iframe, object, main script").count() == 0
    groups = table(page, "Compliance by patch group")
    assert {visible(name) for name in HOSTILE} == set(groups.locator("tbody bdi").all_text_contents())
    assert page.locator("bdi").first.evaluate("(element) => getComputedStyle(element).unicodeBidi") == "isolate"
    labels = page.locator(".wide svg text").all_text_contents()
    assert {SCRIPT, visible(BREAKOUT)[:10]} <= {label if label == SCRIPT else label[:10] for label in labels}


def test_the_page_may_load_and_send_nothing(browser: Browser, report: Path) -> None:
    page = browser.new_page()
    page.goto(report.as_uri())
    refused: list[str | None] = []
    answered: list[str] = []
    page.on("requestfailed", lambda request: refused.append(request.failure))
    page.on("response", lambda response: answered.append(response.url))

    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=https://192.0.2.1/x>')")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'document.title = 1'}))")
    answer = page.evaluate("fetch('https://192.0.2.1/').then(() => 'sent', () => 'refused')")

    assert (answer, answered) == ("refused", [])
    assert set(refused) == {"csp"}
    assert page.title() == "Patch compliance, 2026-11-01"
    page.close()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_never_scrolls_sideways(opened: Open, width: int) -> None:
    page = opened(width=width)
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")

    assert overflow(page) == 0


def test_on_paper_nothing_is_hidden_or_cut_and_the_colors_are_light(opened: Open) -> None:
    page = opened(width=A4_PIXELS, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")

    assert overflow(page) == 0
    for found in page.locator("table").all():
        box = found.bounding_box()
        assert box is not None
        assert box["height"] > 20
        assert box["x"] + box["width"] <= A4_PIXELS
    after_numbers = page.locator("td.number + td:not(.number)").all()
    assert after_numbers
    assert all(float(cell.evaluate(LEFT_GAP).removesuffix("px")) >= LEAST_GAP_PIXELS for cell in after_numbers)
    assert not page.locator("nav").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_without_a_script_everything_is_there_but_the_sorting(opened: Open) -> None:
    page = opened(java_script_enabled=False)

    assert page.locator("thead button").count() == 0
    assert page.locator("figure .wide svg").first.is_visible()
    assert table(page, "Compliance by account").is_visible()


def test_a_window_without_a_snapshot_says_so(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render_page(empty_figures()), encoding="utf-8")

    page = opened(path, width=390)

    assert page.get_by_role("heading", name="No snapshot").is_visible()
    assert page.locator("table, figure").count() == 0
    assert overflow(page) == 0


def test_a_search_shows_the_patches_that_have_every_word_also_of_a_cve(opened: Open) -> None:
    page = opened()
    patches = table(page, "Patches that nodes need").locator("tbody tr:visible")
    search = page.get_by_label("Search by id, title, severity or CVE")

    search.fill("cve-2026-0001")
    assert patches.count() == 1
    assert BREAKOUT in patches.inner_text()
    assert patches.locator("xpath=ancestor::div[@role='region']/preceding-sibling::div[1]/output").inner_text() == (
        f"1 of {len(HOSTILE)} rows"
    )
    search.fill("cve-2026-0001 nowhere")
    assert patches.count() == 0
    search.fill("")
    assert patches.count() == len(HOSTILE)


def downloaded(page: Page, caption: str) -> list[list[str]]:
    """Return the rows of the CSV file of a table."""
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download as CSV: {caption}").click()
    text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_every_table_can_be_downloaded_as_csv_with_plain_numbers(opened: Open) -> None:
    page = opened()

    head, *rows = downloaded(page, "Compliance by account")

    assert page.locator(".tools button").count() == page.locator("table").count()
    assert head == [
        "Account",
        "Name",
        "Targets read",
        "Nodes",
        "Compliant",
        "Unknown",
        "Non-compliant",
        "Compliant %",
        "At least %",
    ]
    assert [row[0] for row in rows] == ["222233334444", "111122223333"]
    assert rows[0][3:] == ["not known", "not known", "not known", "not known", "not known", "0.0"]
    assert rows[1][3:] == ["10", "6", "1", "3", "60.0", "50.0"]


def test_no_value_of_a_csv_file_is_a_formula(opened: Open) -> None:
    page = opened()

    _, *rows = downloaded(page, "Compliance by patch group")

    names = [row[0] for row in rows]
    assert f"'{FORMULA}" in names
    assert [name for name in names if name[0] in "=+-@"] == []
    assert {visible(name) for name in HOSTILE} - {FORMULA} <= set(names)


def test_a_csv_file_has_the_rows_that_a_search_found(opened: Open) -> None:
    page = opened()
    page.get_by_label("Search by id, title, severity or CVE").fill("cve-2026-0001")

    _, *rows = downloaded(page, "Patches that nodes need")

    assert [row[0] for row in rows] == [BREAKOUT]


def test_a_title_is_in_the_heading_and_does_nothing(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render_page(replace(hostile_figures(), title=SCRIPT)), encoding="utf-8")

    page = opened(path)

    assert page.title() == f"Patch compliance of {SCRIPT}, 2026-11-01"
    assert page.get_by_role("heading", level=1).inner_text() == f"Patch compliance of {SCRIPT}"
