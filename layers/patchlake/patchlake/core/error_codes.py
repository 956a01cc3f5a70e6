"""The spelling of AWS's error codes: some services add ``Exception`` to a code, others do not."""


def without_suffix(code: str) -> str:
    """Return a code without ``Exception`` at its end, to compare it; recorded codes keep their spelling."""
    return code.removesuffix("Exception")
