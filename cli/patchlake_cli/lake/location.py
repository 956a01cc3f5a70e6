"""The location of a command's lake: a folder, or a bucket with or without a prefix."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class LakeLocation:
    """A lake, as it was named.

    Attributes:
        bucket: None where the lake is a folder.
        prefix: of every key in the bucket, empty or with a slash at its end.
    """

    text: str
    bucket: str | None = None
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> "LakeLocation":
        """Read a location as people type it.

        Raises:
            ValueError: it is neither; says what was expected.
        """
        # Not at the top: a command's help needs the type of its option, and no more.
        from patchlake.config import VARIABLES  # noqa: PLC0415

        parse_bucket = VARIABLES["PATCHLAKE_BUCKET"].parse
        parts = urlsplit(text)
        if parts.scheme != "s3":
            if not text or "://" in text:
                raise ValueError(f"{text!r}: expected a folder, or s3://BUCKET with or without a prefix")
            return cls(text)
        path = parts.path.strip("/")
        bucket: str | None = parse_bucket(parts.netloc)
        if bucket is None or parts.query or parts.fragment or "//" in path:
            raise ValueError(f"{text!r}: expected s3://BUCKET or s3://BUCKET/PREFIX")
        return cls(f"s3://{bucket}/{path}".rstrip("/"), bucket, f"{path}/" if path else "")

    @property
    def tables(self) -> str:
        """The place of the published tables."""
        return f"{self.text}/lake" if self.bucket else str(Path(self.text) / "lake")

    def obstacle(self) -> str | None:
        """Tell what keeps us from writing into a folder, without writing; None where nothing does, or in a bucket."""
        if self.bucket is not None:
            return None
        folder = Path(self.text).absolute()
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        if not folder.is_dir():
            return f"{folder} is not a folder"
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            return f"{folder} cannot be written: permission denied"
        return None
