"""The probe's questions and verdicts, over answers of any content."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from patchlake.adapters.row_reading import RowReader
from patchlake.core.records import Record
from patchlake.sources.source import Operation
from patchlake_cli.probe.answers import Answer, Ending, NoAnswer, PatchState
from patchlake_cli.probe.assumptions import ASSUMPTIONS, judge
from patchlake_cli.probe.observations import Asked, Throttle
from patchlake_cli.probe.questions import observe

NAMED = "zqname"
"""A text of the account, in place of every name, address and tag."""

IDS = ("i-0123456789abcdef0", "mi-0123456789abcdef0", "i-00000000000000000", f"i-{NAMED}", NAMED, "")
ODD = (None, True, -1, 0, 10**30, 1e308, 0.5, "", NAMED, [NAMED], {NAMED: NAMED}, -62_135_596_800, 0.0, 1_795_413_600.0)
STATES = ("Missing", "Failed", "Installed", "INSTALLED_PENDING_REBOOT", NAMED)
MEMBERS = ("LastPingDateTime", "Title", "KBId", "InstalledTime", "CVEIds", "LaunchTime", "Operator.Managed", "Key")
COUNTS = tuple(PatchState.__struct_encode_fields__[1:])


class AnyCalls:
    """Calls that are answered at random."""

    def __init__(self, dice: Random) -> None:
        self.asked: list[Asked] = []
        self.throttles: list[Throttle] = []
        self.proves_clock = True
        self._dice = dice
        self._oddness = dice.random()

    def ask(self, operation: Operation, parameters: Mapping[str, Any]) -> Answer | NoAnswer:
        dice = self._dice
        assert parameters.get("InstanceId") != ""
        name = f"{operation.service}:{operation.name}"
        self.asked.append(Asked(name, dice.random(), dice.uniform(-1e11, 1e11), is_answer=True))
        if dice.random() < self._oddness / 2:
            return NoAnswer("no", dice.choice(["", "InvalidFilter", "InvalidInstanceId"]), dice.random() < 0.5)
        reader = RowReader(operation.record, operation.id_member)
        read = [reader.read(self._row()) for _ in range(dice.choice([0, 1, 3, 60]))]
        rows = [row for row in read if isinstance(row, Record)]
        ending = dice.choice([None, *Ending])
        return Answer(rows, len(read) - len(rows), None if ending else NAMED, ending)

    def _row(self) -> object:
        dice = self._dice
        if dice.random() < self._oddness / 4:
            return dice.choice(ODD)
        return (
            {"InstanceId": dice.choice(IDS), "State": dice.choice(STATES), "Key": NAMED}
            | {"State.Name": dice.choice(["running", "stopped", NAMED])}
            | {name: dice.choice(ODD) for name in self._some(MEMBERS)}
            | {name: dice.choice([0, 1, *ODD]) for name in self._some(COUNTS)}
        )

    def _some(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if self._dice.random() < 0.7]


@given(st.integers(min_value=0))
def test_no_answer_ends_the_probe_or_is_repeated_in_its_findings(seed: int) -> None:
    findings = judge(observe(AnyCalls(Random(seed))))  # noqa: S311

    assert [finding.assumption for finding in findings] == [assumption.name for assumption in ASSUMPTIONS]
    said = str(findings).casefold()
    assert not [text for text in (NAMED, "0123456789abcdef0", str(10**30)) if text in said]
