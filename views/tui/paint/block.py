"""A block of a screen: what it is called, a note beside that, and its lines."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from asd.views.tui.paint.words import lines, title


@dataclass(frozen=True, slots=True)
class Block:
    """What a painter gives; where it stands and whether it has a frame is up to the screen."""

    name: str
    note: str
    body: Text

    @property
    def heading(self) -> Text:
        """Name and note in one line."""
        return title(self.name, self.note)

    @property
    def plain(self) -> str:
        """All of it without styles."""
        return f"{self.heading.plain}\n{self.body.plain}"


def block(name: str, note: str, parts: Sequence[Text | str]) -> Block:
    """A block of several lines."""
    return Block(name, note, lines(parts))
