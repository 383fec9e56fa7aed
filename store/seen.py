"""Which facts a stream holds already: about 100 bytes for each that is stated once."""

from collections.abc import Callable, Mapping

from asd.core.errors import ConflictError
from asd.store.once import conflict


class Seen:
    """From a fact's id to its content, by 64-bit hashes keyed anew in each process.

    Facts of sealed files are known by their place alone, and `fetch(seq)` gives their data when one comes again.
    """

    def __init__(self, stream: str, fetch: Callable[[int], bytes]) -> None:
        self._stream = stream
        self._fetch = fetch
        self._data: dict[int, int] = {}
        self._places: dict[int, int] = {}

    def update(self, facts: Mapping[str, bytes]) -> None:
        """Remember facts: their data by id."""
        for id, data in facts.items():
            self._data[hash(id)] = hash(data)

    def add_place(self, id: str, seq: int) -> None:
        """Remember where a sealed fact is."""
        self._places[hash(id)] = seq

    def holds(self, id: str, data: bytes) -> bool:
        """Whether the fact is there. Raises `ConflictError` where it is there with other content."""
        key = hash(id)
        known = self._data.get(key)
        if known is None:
            place = self._places.get(key)
            if place is None:
                return False
            known = hash(self._fetch(place))
        if known != hash(data):
            raise self.conflict(id)
        return True

    def conflict(self, id: str) -> ConflictError:
        """The error for a fact that is stated again with other content."""
        return conflict(id, self._stream)
