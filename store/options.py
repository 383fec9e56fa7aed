"""How a log is written."""

from dataclasses import dataclass, field

from asd.store.disk import DISK, Disk
from asd.store.signing import Signer

DURABILITIES = ("group", "each", "os")


@dataclass(frozen=True, slots=True)
class Options:
    """How a writer works.

    `durability`: "group" (a thread commits what has gathered, each group with one fdatasync), "each" (every append
    is on the disk before it returns), "os" (handed to the operating system, which survives a crash of the process
    alone). `seal_events`: a file is sealed when it holds that many. `buffer_bytes`: at most this much waits to be
    written before appending slows down. `keep_hot_s`: how long a sealed file's lines stay beside it. `signer`: who
    signs the heads, None for nobody.
    """

    durability: str = "group"
    seal_events: int = 25_000
    seal_bytes: int = 1 << 28
    buffer_bytes: int = 8 << 20
    keep_hot_s: float = 60.0
    disk: Disk = DISK
    signer: Signer | None = field(default_factory=Signer)
