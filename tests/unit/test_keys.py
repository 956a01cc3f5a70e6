"""The key of each object, by literal paths."""

from patchlake.core import keys
from patchlake.core.targets import Target

RUN = "20261123T060000Z"
TARGET = Target("111122223333", "eu-central-1")


def test_the_plan_has_its_key() -> None:
    assert keys.plan_key(RUN) == "plans/20261123T060000Z.json"
    assert keys.PLANS == "plans/"


def test_a_shard_has_its_key() -> None:
    assert keys.shard_key(RUN, TARGET) == "runs/20261123T060000Z/shards/111122223333.eu-central-1.parquet"
    assert keys.shards_prefix(RUN) == "runs/20261123T060000Z/shards/"


def test_a_part_has_its_key() -> None:
    assert keys.part_key(RUN, TARGET, 7) == "runs/20261123T060000Z/parts/111122223333.eu-central-1/00007.parquet"
    assert keys.parts_prefix(RUN) == "runs/20261123T060000Z/parts/"


def test_the_coverage_has_its_key() -> None:
    assert keys.coverage_key(RUN) == "lake/coverage/run_date=2026-11-23/20261123T060000Z.parquet"


def test_the_snapshot_has_its_key() -> None:
    assert keys.snapshot_key(RUN) == "lake/patch_states/run_date=2026-11-23/20261123T060000Z.parquet"


def test_keys_of_parts_sort_as_their_batches_do() -> None:
    numbers = [0, 1, 9, 10, 99, 100, 12_345, keys.MAX_BATCHES - 1]

    in_order = [keys.part_key(RUN, TARGET, number) for number in numbers]

    assert sorted(in_order) == in_order


def test_the_prefixes_by_first_digit_are_ten_and_every_key_has_one_of_them() -> None:
    prefixes = keys.by_first_digit(keys.shards_prefix(RUN))

    assert prefixes[0] == "runs/20261123T060000Z/shards/0"
    assert len(prefixes) == 10
    for digit in range(10):
        key = keys.shard_key(RUN, Target(f"{digit}11122223333", "eu-central-1"))
        assert sum(key.startswith(prefix) for prefix in prefixes) == 1


def test_two_runs_share_no_key_and_no_prefix() -> None:
    other = "20261123T060001Z"

    def keys_of(run_id: str) -> list[str]:
        return [
            keys.plan_key(run_id),
            keys.shard_key(run_id, TARGET),
            keys.part_key(run_id, TARGET, 0),
            keys.coverage_key(run_id),
            keys.snapshot_key(run_id),
        ]

    prefixes = (keys.shards_prefix(RUN), keys.parts_prefix(RUN))
    assert not set(keys_of(RUN)) & set(keys_of(other))
    assert not any(key.startswith(prefixes) for key in keys_of(other))
