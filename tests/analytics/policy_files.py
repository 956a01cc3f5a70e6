"""Policies as files, for tests that write a few lines."""

from pathlib import Path

SLA = "severity,tag_key,tag_value,days"
EXCEPTIONS = "account,instance,tag_key,tag_value,kb_id,cve_id,reason,approver,approved_on,expires_on"


def write_policy(folder: Path, *, sla: tuple[str, ...] = (), exceptions: tuple[str, ...] = ()) -> Path:
    """Write a policy with these lines under good headers; return its folder."""
    for name, header, lines in (("sla", SLA, sla), ("exceptions", EXCEPTIONS, exceptions)):
        write_file(folder, f"{name}/all.csv", header, *lines)
    return folder


def write_file(folder: Path, name: str, *lines: str) -> None:
    """Write a file of a policy."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="")
