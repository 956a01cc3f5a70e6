"""The hook of the wheel's build: packs the files of the repository that the command reads.

An editable installation gets none of them: there, the command reads the repository itself. ``project_files`` of the
command finds them in both. See docs/adr/0012-the-wheel-carries-the-project.md.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKED = (
    "LICENSE",
    "analytics",
    "functions",
    "layers/patchlake/Makefile",
    "layers/runtime",
    "samconfig.toml",
    "template.yaml",
    "templates",
)


class ProjectFilesHook(BuildHookInterface[Any]):
    """Adds the files to the package ``patchlake_cli``, at the paths that they have in the repository."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to add; hatchling calls this before it builds."""
        if version != "editable":
            build_data["force_include"] |= {path: f"patchlake_cli/project/{path}" for path in PACKED}
