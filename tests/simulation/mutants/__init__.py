"""Deliberate mistakes in the protocol, each of which the simulator must find: ``python -m tests.simulation.mutants``.

A mutant replaces one function of a stage, or of a port, for as long as schedules are played. It is killed by the
invariant that it names; a mutant that survives shows what the simulator cannot see.
"""

from tests.simulation.mutants import (
    absence,
    collect,
    commit,
    discover,
    ec2,
    functions,
    halving,
    patches,
    plan,
    refusals,
    secondary,
    trouble,
    values,
    writing,
)
from tests.simulation.mutants.mutant import MUTANTS, Hunt, Mutant, hunt

__all__ = [
    "MUTANTS",
    "Hunt",
    "Mutant",
    "absence",
    "collect",
    "commit",
    "discover",
    "ec2",
    "functions",
    "halving",
    "hunt",
    "patches",
    "plan",
    "refusals",
    "secondary",
    "trouble",
    "values",
    "writing",
]
