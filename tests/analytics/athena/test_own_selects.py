"""patchlake's own SELECTs keep the rules for a user's SQL, so that DuckDB answers them as Athena would."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from patchlake_cli.export.page import read_page
from patchlake_cli.lake.engine import Answer, Lake, find_query, open_lake
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.policy_check import check_policy
from patchlake_cli.lake.question import Question
from patchlake_cli.lake.statements import Settings
from patchlake_cli.report.reading import read_figures
from patchlake_cli.terminal.observation import Observation
from tests.analytics import story
from tests.analytics.policy_files import write_policy


@pytest.mark.parametrize("folder", ["story_folder", "patch_folder", "ec2_folder"])
def test_an_own_select_is_answered_like_the_same_select_of_a_user(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    policy = write_policy(tmp_path, sla=("Critical,,,7", "Low,,,soon"))
    lake = open_lake(LakeLocation(str(request.getfixturevalue(folder))), now=story.NOW, policy=policy)
    [(newest,)] = lake.query("SELECT run_id FROM latest_run").rows
    select = Lake.select

    def select_as_a_user(lake: Lake, sql: str, values: Sequence[str] = ()) -> Answer:
        answer = select(lake, sql, values)
        asked = lake.query(sql, values)
        assert asked.types == answer.types, sql
        assert sorted(asked.rows, key=repr) == sorted(answer.rows, key=repr), sql
        return answer

    monkeypatch.setattr(Lake, "select", select_as_a_user)
    read_figures(lake)
    read_page(lake, "lake", Observation(newest), 0.0)
    check_policy(policy, Settings())
    for named in ("changes_since", "overdue_patches", "running_not_managed"):
        query = find_query(named)
        values = [parameter.example for parameter in query.parameters]
        Question(named, is_named=True, parameters=query.parameters, values=values, empty=query.empty).caveats(
            lake, Answer((), (), [])
        )
