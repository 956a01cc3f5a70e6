"""Templates as YAML files: parts and the models in them."""

import pytest

from generators.template_file import filled, with_parts

TEMPLATE = """\
Resources:
  Bucket: {}

  # <tables>
  TheTable:
    Name: <name>
  # </tables>

  Other:
    - before
    # <rows>
    - <row>
    # </rows>
"""


def test_what_is_outside_the_parts_stays_as_it_is_and_the_comments_around_them_go() -> None:
    text = with_parts(TEMPLATE, tables=lambda model: model.upper(), rows=lambda _: "")

    assert text == "Resources:\n  Bucket: {}\n\n  THETABLE:\n    NAME: <NAME>\n\n  Other:\n    - before\n"


@pytest.mark.parametrize("names", [["tables"], ["tables", "rows", "views"]])
def test_a_template_with_other_parts_than_those_expected_is_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match=r"expected the parts .*tables.* in the template, found tables, rows"):
        with_parts(TEMPLATE, **{name: lambda model: model for name in names})


def test_the_name_of_the_item_stands_in_logical_ids_and_in_its_place() -> None:
    model = "TheTable:\n  Name: <name>\n  DependsOn: TheTable\n  Description: The one, not Themes\n"

    assert filled(model, "patch_states") == (
        "PatchStatesTable:\n  Name: patch_states\n  DependsOn: PatchStatesTable\n  Description: The one, not Themes\n"
    )


def test_a_line_with_lists_is_repeated_and_what_is_single_stands_in_each() -> None:
    model = "- { Name: <name>, Column: <column>, Type: <type> }\n- <last>\n"

    text = filled(model, "t", column=["a", "b"], type=["int", "<string>"], last="z")

    assert text == "- { Name: t, Column: a, Type: int }\n- { Name: t, Column: b, Type: <string> }\n- z\n"


def test_a_place_without_a_value_and_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(KeyError, match="column"):
        filled("- <column>\n", "t")
    with pytest.raises(ValueError, match="shorter"):
        filled("- <column>: <type>\n", "t", column=["a", "b"], type=["int"])
