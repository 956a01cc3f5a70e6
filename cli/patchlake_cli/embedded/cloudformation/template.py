"""template.yaml as CloudFormation sees it: read, and translated offline by AWS's own SAM translator.

First step of the embedded run; `deploy` makes a stack of the result.
"""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from boto3.session import Session

type Template = dict[str, Any]

_LOCAL_CODE = "s3://local/"


def read_template(path: Path) -> Template:
    """Read a SAM template as it is written; ``!Ref``, ``!Sub`` and similar tags become their long forms."""
    return deepcopy(_parse(path.read_text(encoding="utf-8")))


@cache
def _parse(text: str) -> Template:
    # Not at the top, here and below: every command would take a quarter of a second and 50 MB more to start.
    import yaml  # noqa: PLC0415
    from samtranslator.yaml_helper import intrinsics_multi_constructor  # noqa: PLC0415

    class Loader(yaml.CSafeLoader):
        """The translator's own loader is in Python, and takes half a second for our templates."""

    Loader.add_multi_constructor("!", intrinsics_multi_constructor)
    template: Template = yaml.load(text, Loader)  # noqa: S506 - it is a safe loader
    return template


def translate_template(path: Path, region: str) -> Template:
    """Translate a SAM template to the CloudFormation template that a deployment in ``region`` would run.

    Code stays in place: the ``S3Key`` of a function's ``Code`` and of a layer's ``Content`` is the folder's path
    from the template's own folder.

    Raises:
        samtranslator.model.exceptions.InvalidDocumentException: the template is no valid SAM template.
    """
    return deepcopy(_translate(path.read_text(encoding="utf-8"), region))


@cache
def _translate(text: str, region: str) -> Template:
    from samtranslator.parser.parser import Parser  # noqa: PLC0415
    from samtranslator.translator.translator import Translator  # noqa: PLC0415

    template = deepcopy(_parse(text))
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        for folder in {"CodeUri", "ContentUri"} & properties.keys():
            # The translator accepts only uploaded code, as in the output of `sam package`.
            properties[folder] = _LOCAL_CODE + properties[folder]
    translator = Translator({}, Parser(), boto_session=Session(region_name=region))
    translated: Template = translator.translate(template, parameter_values={})
    return translated


def resources_of_type(template: Template, resource_type: str) -> dict[str, dict[str, Any]]:
    """Return the resources of one type by logical id, in the order of the template."""
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == resource_type}
