"""The EC2 instances of a simulated fleet, and their values that no object and no log line may have."""

from collections.abc import Collection, Mapping

from patchlake.adapters.parquet import ParquetTables
from patchlake.core.targets import Target
from patchlake_cli.embedded.aws.settings import Settings
from patchlake_cli.embedded.fleet.instances import Instance, instances_of


def instances(settings: Settings, day: int) -> dict[Target, list[Instance]]:
    """Return the instances of each target on a day, in the order of targets and ids."""
    fleet = settings.fleet()
    return {
        target: sorted(
            instances_of(settings.seed, target, fleet.nodes(target, day), fleet.run_at(day)),
            key=lambda instance: instance.instance_id,
        )
        for target in sorted(fleet.targets)
    }


def values_that_are_not_allowed(settings: Settings, days: Collection[int]) -> set[str]:
    """Return every address of an instance, and what a tag with another key than Owner and Environment has.

    The name of a managed node's instance is the name of its computer, which SSM lists.
    """
    fleet = settings.fleet()
    nodes = {node.instance_id for target in fleet.targets for day in days for node in fleet.nodes(target, day)}
    of_days = [one for day in days for found in instances(settings, day).values() for one in found]
    return (
        {one.members["PrivateIpAddress"] for one in of_days}
        | {one.tags["Name"] for one in of_days if one.instance_id not in nodes}
        | {"CostCenter"}
    )


def found_in(objects: Mapping[str, bytes], values: Collection[str]) -> set[str]:
    """Return the values that a cell or a footer of a table has, or the text of another object."""
    wanted, found = set(values), set[str]()
    for key, body in objects.items():
        if key.endswith(".parquet"):
            file = ParquetTables().open(body)
            text = str(file.metadata)
            for column in file.columns(file.column_names).values():
                found |= wanted & {str(value) for value in column}
        else:
            text = body.decode()
        found |= {value for value in wanted if value in text}
    return found
