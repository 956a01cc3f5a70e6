"""Ports that count their calls as AWS would: a store in a folder, and a queue in memory."""

import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from patchlake.adapters.memory import MemoryQueue
from patchlake.adapters.sqs import MESSAGES_PER_CALL
from patchlake.ports import Delivery
from patchlake.stages.stored_run import KEYS_PER_PAGE


@dataclass
class Counts:
    """The calls of each stage to S3 and SQS; many threads may add to it."""

    stage: str = "plan"
    made: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, operation: str, times: int = 1) -> None:
        """Count for the current stage."""
        with self._lock:
            self.made[self.stage, operation] += times


@dataclass
class CountingStore:
    """``Store`` in a folder, which counts calls as S3 would; it makes nothing durable, since that is S3's task."""

    folder: Path
    counts: Counts
    files: dict[str, Path] = field(default_factory=dict)

    def get(self, key: str) -> bytes | None:
        """GetObject."""
        self.counts.add("S3 GET")
        return self.files[key].read_bytes() if key in self.files else None

    def exists(self, key: str) -> bool:
        """HeadObject."""
        self.counts.add("S3 GET")
        return key in self.files

    def create(self, key: str, body: bytes | BinaryIO) -> bool:
        """PutObject."""
        self.counts.add("S3 PUT")
        if key in self.files:
            return False
        self.files[key] = self.folder / str(len(self.files))
        with self.files[key].open("wb") as file:
            if isinstance(body, bytes):
                file.write(body)
            else:
                shutil.copyfileobj(body, file)
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        """ListObjectsV2, once for every thousand keys."""
        keys = sorted(key for key in self.files if key.startswith(prefix))
        self.counts.add("S3 LIST", max(1, math.ceil(len(keys) / KEYS_PER_PAGE)))
        return iter(keys)

    def size(self, part: str) -> int:
        """Return the bytes of all objects whose keys contain a text."""
        return sum(path.stat().st_size for key, path in self.files.items() if part in key)


@dataclass
class CountingQueue(MemoryQueue):
    """A queue that counts calls as SQS would, with one message per receive."""

    counts: Counts = field(default_factory=Counts)

    def send(self, messages: Iterable[tuple[str, str]]) -> None:
        """SendMessageBatch, once for every ten."""
        pairs = list(messages)
        self.counts.add("SQS", math.ceil(len(pairs) / MESSAGES_PER_CALL))
        super().send(pairs)

    def handled(self, handle: Callable[[Delivery], object]) -> Iterator[object]:
        """Deliver every message, one after the other: ReceiveMessage and DeleteMessage, both by Lambda itself."""
        while (delivery := self.receive()) is not None:
            yield handle(delivery)
            self.counts.add("SQS", 2)
            self.delete(delivery)
