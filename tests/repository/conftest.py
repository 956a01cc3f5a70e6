"""template.yaml, read once per module."""

from pathlib import Path

import pytest

from patchlake_cli.embedded.cloudformation.template import Template, read_template, translate_template
from tests.resolved_template import REGION

PATH = Path(__file__).parents[2] / "template.yaml"


@pytest.fixture(scope="module")
def written() -> Template:
    """The template as it is written."""
    return read_template(PATH)


@pytest.fixture(scope="module")
def translated() -> Template:
    """The template as CloudFormation gets it."""
    return translate_template(PATH, REGION)
