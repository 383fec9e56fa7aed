"""What the reading threads send to the app."""

from collections.abc import Sequence

from rich.text import Text
from textual.message import Message

from asd.views.tui.model.frames import Frame
from asd.views.tui.model.librarian import Answer
from asd.views.tui.model.survey import Listed


class Shown(Message):
    """A newer frame of the run on the screen; it takes the place of one that still waits."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame

    def can_replace(self, message: Message) -> bool:
        """Only the newest frame matters."""
        return isinstance(message, Shown)


class Told(Message):
    """The librarian's answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Surveyed(Message):
    """The runs of the store, as they are now."""

    def __init__(self, runs: Sequence[Listed], exists: bool) -> None:
        super().__init__()
        self.runs, self.exists = runs, exists


class Written(Message):
    """A text that took a while to make, for the screen of texts."""

    def __init__(self, title: str, text: Text) -> None:
        super().__init__()
        self.title, self.text = title, text
