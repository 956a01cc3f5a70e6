"""Types that threads decode: msgspec has learned each when its module is imported, and not at its first use."""

import subprocess
import sys

FORMS = (
    "patchlake.core.messages.DiscoverMessage",
    "patchlake.core.messages.CollectMessage",
    "patchlake.core.messages.CommitMessage",
    "patchlake.core.plan.Plan",
    "patchlake.sources.nodes.NodeInformation",
    "patchlake.sources.patch_states.PatchState",
    "patchlake.sources.patches.Patch",
    "patchlake.sources.instances.Instance",
    "patchlake.sources.tags.Tag",
    "patchlake.adapters.sqs._RedrivePolicy",
    "patchlake.adapters.sqs._Batch",
    "patchlake.adapters.sqs._Sent",
    "patchlake_cli.embedded.aws.ssm._Request",
    "patchlake_cli.embedded.aws.settings.Conditions",
    "patchlake_cli.embedded.aws.lambda_api.ServedFunction",
)
CODE = """
import importlib, sys
import msgspec

learned = []
watch = lambda frame, event, _: learned.append(frame.f_code.co_filename) if event == "call" else None
for place in sys.argv[1:]:
    module, _, name = place.rpartition(".")
    form = getattr(importlib.import_module(module), name)
    learned.clear()
    sys.setprofile(watch)
    try:
        msgspec.json.decode(b"{}", type=form)
    except msgspec.ValidationError:
        pass
    sys.setprofile(None)
    if any(file.endswith(("typing.py", "msgspec/_utils.py")) for file in learned):
        print(place)
"""


def test_to_decode_a_type_for_the_first_time_learns_nothing() -> None:
    ended = subprocess.run([sys.executable, "-c", CODE, *FORMS], capture_output=True, text=True, check=True)

    assert ended.stdout == ""
