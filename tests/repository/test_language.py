"""The language of everything that a person reads: plain, idiomatic English."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AT_THE_ROOT = ("*.md", "*.toml", "*.yaml", "Makefile")
CODE = ("benchmarks", "cli", "functions", "generators", "layers", "tests")
"""The folders whose docstrings open with a noun phrase or an imperative."""
FOLDERS = (*CODE, ".ci", "analytics", "docs", "scripts", "templates")
"""The folders with prose, generated texts included."""
PROSE = {"", ".css", ".html", ".in", ".js", ".md", ".py", ".sql", ".yaml"}

INSTEAD = {
    "alike": "the same, equally",
    "amiss": "wrong",
    "anew": "again",
    "anybody": "anyone",
    "beforehand": "before, first",
    "behaviour": "behavior",
    "beside": "next to, in addition to",
    "colour": "color",
    "colours": "colors",
    "everybody": "everyone",
    "for ever": "forever",
    "goes dark": "stops",
    "goes home": "ends",
    "grey": "gray",
    "in small": "a small version of",
    "is well": "passed, works",
    "likewise": "also, in the same way",
    "looked into": "checked",
    "mend": "fix",
    "mended": "fixed",
    "mends": "fixes",
    "nobody": "no one",
    "of its own accord": "by itself, without further action",
    "of their own accord": "by themselves, without further action",
    "recognise": "recognize",
    "somebody": "someone",
    "tells": "shows, says, tells apart: distinguishes",
    "whoever": "the caller, the process that, anyone who",
}
"""Words and spellings that AWS's docs do not use, and the usual ones."""

WORDS = re.compile(rf"\b({'|'.join(INSTEAD)})\b".replace(" ", r"[\s#-]+"), re.IGNORECASE)
OPENING = re.compile(r"(What|How|Where|Which|Who|When)\b")


def read_files() -> Iterator[Path]:
    """Yield every file with prose."""
    for pattern in AT_THE_ROOT:
        yield from ROOT.glob(pattern)
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in PROSE and path != Path(__file__):
                yield path


def refused(text: str) -> list[str]:
    """Return each refused word of a text, with its line and the words to use."""
    found = []
    for match in WORDS.finditer(text):
        word = " ".join(re.findall(r"\w+", match[0])).lower()
        found.append(f"{text.count('\n', 0, match.start()) + 1}: {word}; write {INSTEAD[word]}")
    return found


def odd_openings(code: str) -> list[str]:
    """Return the docstrings of a module that open with a question word."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [ast.get_docstring(node) for node in ast.walk(ast.parse(code)) if isinstance(node, documented)]
    return [text.splitlines()[0] for text in docstrings if text and OPENING.match(text)]


def test_every_text_uses_the_usual_words() -> None:
    files = list(read_files())

    assert len(files) > len(FOLDERS)
    found = {str(path.relative_to(ROOT)): refused(path.read_text(encoding="utf-8")) for path in files}
    assert {path: words for path, words in found.items() if words} == {}


@pytest.mark.parametrize("folder", CODE)
def test_a_docstring_opens_with_a_noun_phrase_or_an_imperative(folder: str) -> None:
    found = {
        str(path.relative_to(ROOT)): odd_openings(path.read_text("utf-8")) for path in (ROOT / folder).rglob("*.py")
    }

    assert found
    assert {path: texts for path, texts in found.items() if texts} == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It mends itself.", ["1: mends; write fixes"]),
        ("# The rest goes\n# home.\nAnew.", ["1: goes home; write ends", "3: anew; write again"]),
        ("A renewed amendment, in smaller steps; besides, nobody_asked() stays.", []),
    ],
)
def test_a_refused_word_is_found_whole_in_any_case_and_across_lines(text: str, words: list[str]) -> None:
    assert refused(text) == words


def test_a_docstring_that_opens_with_a_question_word_is_found() -> None:
    code = '"Runs."\nclass Run:\n    """What a run is.\n\n    More."""\n    def f(): "How it works."'

    assert odd_openings(code) == ["What a run is.", "How it works."]
