"""Every generated file, by its path, as it should be."""

from collections.abc import Mapping
from pathlib import Path

from generators import ROOT
from generators.athena.template import analytics_template
from generators.documents import commands, data_dictionary, queries, quicksight
from generators.quicksight.datasets import sources
from generators.quicksight.template import quicksight_template
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.files import LakeFiles
from patchlake_cli.lake.statements import views


def files_of_the_code(lake: Lake) -> Mapping[Path, str]:
    """Return the files that follow from the code alone.

    Args:
        lake: any, since only the types of the columns are asked for.
    """
    types = {view.name: lake.describe(view.name) for view in views()}
    return {
        ROOT / "templates" / "analytics.yaml": analytics_template(types),
        ROOT / "templates" / "quicksight.yaml": quicksight_template(sources(lake)),
        data_dictionary.PATH: data_dictionary.data_dictionary(types),
        commands.PATH: commands.commands_page(),
    }


def files_of_the_demo(sample: Lake, day: LakeFiles, nodes: int) -> Mapping[Path, str]:
    """Return the files that also show what queries answer and what they cost.

    Args:
        sample: where the sample answers come from.
        day: one day of a large fleet, to weigh the columns.
        nodes: how many it has.
    """
    return {
        queries.PATH: queries.queries_page(sample, day, nodes),
        quicksight.PATH: quicksight.quicksight_page(day, nodes),
    }
