"""The templates, checked by the tools that a platform team runs before it deploys; cfn-lint is in `make check`."""

import json
import shutil
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.tools import ROOT, TEMPLATES, run

CONFIG = ROOT / ".checkov.yaml"


def checkov(*templates: Path, config: Path | None = CONFIG) -> dict[str, Any]:
    """Return checkov's report, without its databases and policies from the network."""
    given = ["--config-file", str(config)] if config else ["--framework", "cloudformation"]
    files = [word for template in templates for word in ("--file", str(template))]
    # It reads a configuration file in the folder where it runs.
    result = run("checkov", "--skip-download", "--output", "json", *given, *files, folder=templates[0].parent)
    report: dict[str, Any] = json.loads(result.stdout)
    assert result.returncode == bool(report["results"]["failed_checks"]), result.stderr
    return report


def failed(report: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the checks that failed, each with its resource."""
    return {(check["check_id"], check["resource"]) for check in report["results"]["failed_checks"]}


def test_sam_finds_the_template_valid_and_clean() -> None:
    result = run("sam", "validate", "--lint")

    assert result.returncode == 0, result.stderr
    assert "is a valid SAM Template" in result.stdout


def test_checkov_finds_nothing_that_has_no_reason() -> None:
    report = checkov(*TEMPLATES)

    assert failed(report) == set()
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 50


def test_every_check_that_is_skipped_would_find_something(tmp_path: Path) -> None:
    templates = [Path(shutil.copy(template, tmp_path)) for template in TEMPLATES]
    skipped = set(yaml.safe_load(CONFIG.read_text())["skip-check"])

    found = {check for check, _ in failed(checkov(*templates, config=None))}

    assert skipped == found


def test_checkov_finds_a_bucket_that_is_open(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    text = (ROOT / "template.yaml").read_text()
    assert "BlockPublicAcls: true" in text
    template.write_text(text.replace("BlockPublicAcls: true", "BlockPublicAcls: false"))

    assert failed(checkov(template)) == {("CKV_AWS_53", "AWS::S3::Bucket.Bucket")}
