"""Which facts a stream holds already: some 100 bytes for each that is stated once."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from asd.core.log import Record
from asd.store.damage import DamagedFileError
from asd.store.reader import StreamReader

FOUND = 256
"""How many facts that were looked up are kept, for those that are stated again and again."""


class UnsettledError(Exception):
    """A fact is stated again before its first statement, the event `seq`, can be read back from the disk."""

    def __init__(self, seq: int) -> None:
        super().__init__(seq)
        self.seq = seq


class Seen:
    """From a fact's id, by its 64-bit hash keyed anew in each process, to its place in the stream.

    What a fact says is looked up on the disk when it is stated again. That reads on from the last one looked up, since
    facts that are stated again come in the order in which they came first.
    """

    def __init__(self, folder: Path) -> None:
        """The stream in `folder`."""
        self._folder = folder
        self._places: dict[int, int] = {}
        self._found: dict[int, Record] = {}
        self._reader: StreamReader | None = None
        self._records: Iterator[Record] = iter(())
        self._next = 0

    def update(self, places: Mapping[str, int]) -> None:
        """Remember facts: sequence number by id."""
        for id, seq in places.items():
            self._places[hash(id)] = seq

    def data(self, id: str, durable: int, end: int) -> bytes | None:
        """What the fact says, None where it is not among the first `end` events.

        Raises `UnsettledError` where it is not among the `durable` first events, and `DamageError` where it is there
        no more, or not as it was written.
        """
        place = self._places.get(hash(id))
        if place is None or place >= end:
            return None
        if place >= durable:
            raise UnsettledError(place)
        if place not in self._found:
            if len(self._found) >= FOUND:
                self._found.clear()
            self._found[place] = self._record(place)
        record = self._found[place]
        return record.data if record.id == id else None

    def _record(self, seq: int) -> Record:
        if self._reader is None or seq < self._next:
            self.close()
            self._reader, self._next = StreamReader(self._folder, seq - 1), seq
        for records in (self._records, self._reader.poll()):
            self._records = records
            for record in records:
                self._next = record.seq + 1
                if record.seq == seq:
                    return record
        raise DamagedFileError(self._folder, seq, 0, "it is missing")

    def close(self) -> None:
        """Give the open file back."""
        if self._reader is not None:
            self._reader.close()
        self._reader, self._records = None, iter(())
