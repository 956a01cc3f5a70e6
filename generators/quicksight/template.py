"""``templates/quicksight.yaml``: data source with its role, datasets with their refresh, and the dashboard.

quicksight.yaml, in the same folder, has the fixed parts and a model of a dataset. The visuals come from ``sheets``.
"""

from collections.abc import Sequence
from pathlib import Path

from generators.quicksight.datasets import Source
from generators.quicksight.definition import definition
from generators.quicksight.sheets import CALCULATED, SHEETS
from generators.quicksight.yaml_text import yaml_text
from generators.template_file import filled, with_parts

_FILE = Path(__file__).with_name("quicksight.yaml")


def quicksight_template(datasets: Sequence[Source]) -> str:
    """Return the whole template.

    Args:
        datasets: the datasets of the visuals.
    """
    columns = {dataset.name: dataset.columns for dataset in datasets}
    return with_parts(
        _FILE.read_text(encoding="utf-8"),
        datasets=lambda model: "\n".join(_dataset(model, dataset) for dataset in datasets),
        declarations=lambda model: "".join(filled(model, dataset.name) for dataset in datasets),
        definition=lambda _: yaml_text(definition(SHEETS, columns, CALCULATED), margin=8),
    )


def _dataset(model: str, dataset: Source) -> str:
    return filled(
        model,
        dataset.name,
        id=dataset.name.replace("_", "-"),
        sql=dataset.sql.splitlines(),
        column=list(dataset.columns),
        type=list(dataset.columns.values()),
    )
