"""The links of the documents have a target."""

import re
from pathlib import Path

import pytest

from patchlake.adapters.aws_errors import CODES
from patchlake.adapters.explanations import EXPLANATIONS
from tests.command_lines import DOCUMENTS, ROOT


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page: explicit ones, and those that GitHub makes of headings."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    named = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return named | set(re.findall(r'<a id="([^"]+)">', text))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_link_within_the_project_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
    broken = []
    for link in links:
        name, _, anchor = link.partition("#")
        if "://" in link:
            continue
        page = (document.parent / name).resolve() if name else document
        if not page.exists() or (anchor and anchor not in anchors(page)):
            broken.append(link)

    assert broken == []


def test_the_first_page_leads_to_every_other() -> None:
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)", (ROOT / "README.md").read_text(encoding="utf-8")))

    assert linked == {str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")}


def test_every_decision_is_listed_in_the_architecture() -> None:
    linked = set(re.findall(r"\]\((adr/[\w-]+\.md)", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")))

    assert linked == {f"adr/{page.name}" for page in (ROOT / "docs" / "adr").glob("*.md")}


def test_the_causes_of_refusals_are_those_of_the_messages() -> None:
    rows = [
        f"| {meaning} | {', '.join(f'`{code}`' for code in sorted(CODES.get(cause, ())))} "
        f"| {fix.format(permissions='the named permission')} |"
        for cause, (meaning, fix, _) in EXPLANATIONS.items()
    ]

    document = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    _, _, section = document.partition("## Calls that AWS refuses")
    assert [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("| ")][2:] == rows
