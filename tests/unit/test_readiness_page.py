"""The page of ``check`` at the width of a small terminal."""

import pytest

from patchlake.core.targets import Target
from patchlake_cli.access.checks import OK, OWN, TargetCheck
from patchlake_cli.access.sessions import Identity
from patchlake_cli.export.readiness import Readiness
from patchlake_cli.export.readiness_page import print_readiness
from tests.world import HOME

FAR = Target(HOME, "ap-southeast-1")
CODE = "AccessDeniedException"
CHECKS = [
    TargetCheck(FAR, OWN, OK, OK, OK, OK, OK),
    TargetCheck(FAR, CODE, detail="no role"),
    TargetCheck(FAR, OK, "failed", detail="no nodes"),
    TargetCheck(FAR, OK, OK, OK, CODE, CODE, CODE, detail="no patches"),
]


def test_each_target_has_one_line_at_80_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("patchlake_cli.terminal.console.PLAIN_WIDTH", 80)

    print_readiness(Readiness(Identity(HOME, "arn"), None, None, CHECKS, []), as_json=False)

    shown = capsys.readouterr().out
    assert [line.split() for line in shown.splitlines() if line.startswith(f" {HOME}")] == [
        [HOME, FAR.region, "own", "ok", "ok", "ok", "ok", "ok"],
        [HOME, FAR.region, "error", "-", "-", "-", "-", "-"],
        [HOME, FAR.region, "ok", "error", "-", "-", "-", "-"],
        [HOME, FAR.region, "ok", "ok", "ok", "error", "error", "error"],
    ]
    assert all(f"{HOME} {FAR.region}: {check.detail}" in shown for check in CHECKS[1:])
