"""Lines on their way to the disk, in memory that is used again."""


class Group:
    """The lines of whole appends that will be committed together, and their leaf hashes.

    The memory stays when the group is cleared: where the system hands out memory page by page, asking for it anew for
    each line costs more than encoding the line.
    """

    __slots__ = ("_memory", "leaves", "length")

    KEPT = 8 << 20
    """Memory beyond this is given back."""

    def __init__(self) -> None:
        """No lines."""
        self._memory = bytearray()
        self.leaves: list[bytes] = []
        self.length = 0

    def add(self, line: bytes, leaf: bytes) -> None:
        """Take in a line."""
        end = self.length + len(line)
        self._memory[self.length : end] = line
        self.length = end
        self.leaves.append(leaf)

    def cut(self, length: int, events: int) -> None:
        """Go back to the first `events` lines, which are `length` bytes long."""
        self.length = length
        del self.leaves[events:]

    def closed_by(self, commit: bytes) -> memoryview:
        """The lines and after them `commit`, to be released before anything is added."""
        end = self.length + len(commit)
        self._memory[self.length : end] = commit
        return memoryview(self._memory)[:end]

    def clear(self) -> None:
        """Forget the lines."""
        self.cut(0, 0)
        if len(self._memory) > self.KEPT:
            self._memory = bytearray()
