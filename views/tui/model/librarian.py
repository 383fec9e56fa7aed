"""The thread that answers questions by SQL: pages of long lists, one sample's story, the report's projections."""

from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread

from asd.views.tui.model.source import TROUBLE
from asd.views.tui.model.tables import END_US, Cursor, Tables

Question = Callable[[Cursor], object]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of the question named `key`; `trouble` says in one line why there is no `value`."""

    key: str
    value: object = None
    trouble: str = ""


class Librarian(Thread):
    """Answers one question after another; of several with one key only the latest is answered."""

    def __init__(self, tables: Tables, tell: Callable[[Answer], None]) -> None:
        super().__init__(name="librarian", daemon=True)
        self._tables, self._tell = tables, tell
        self._asked: SimpleQueue[tuple[str, Question] | None] = SimpleQueue()
        self._cursor = tables.cursor()
        self._as_of_us = END_US

    def ask(self, key: str, question: Question) -> None:
        """Have `question` answered in the librarian's thread; nobody is told where the key begins with a colon."""
        self._asked.put((key, question))

    def look(self, as_of_us: int | None) -> None:
        """From the next question on, answer as of that moment; None is now."""
        wanted = END_US if as_of_us is None else as_of_us

        def turn(tables: Cursor) -> None:
            if wanted != self._as_of_us:
                self._as_of_us = wanted
                tables.look(wanted)

        self.ask(":moment", turn)

    def stop(self) -> None:
        """End after the question in hand."""
        self._asked.put(None)
        self._cursor.interrupt()

    def run(self) -> None:
        """Answer until `stop`, then close the tables, which nobody asks any more."""
        while (asked := self._next()) is not None:
            for key, question in asked:
                self._answer(key, question)
        self._tables.close()

    def _next(self) -> list[tuple[str, Question]] | None:
        """What waits, without those that were asked again under the same key; None to end."""
        waiting = [self._asked.get()]
        try:
            while True:
                waiting.append(self._asked.get_nowait())
        except Empty:
            pass
        if None in waiting:
            return None
        latest = {one[0]: i for i, one in enumerate(waiting) if one is not None}
        return [one for i, one in enumerate(waiting) if one is not None and latest[one[0]] == i]

    def _answer(self, key: str, question: Question) -> None:
        try:
            self._tables.sync()
            value = question(self._cursor)
            if not key.startswith(":"):
                self._tell(Answer(key, value))
        except TROUBLE as error:
            self._tell(Answer(key, None, " ".join(str(error).split())))
