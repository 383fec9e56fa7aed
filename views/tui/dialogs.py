"""What opens above the screens: help, one event, a report, a comparison."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer, Vertical
from textual.screen import ModalScreen

from asd.views.sanitize import sanitize
from asd.views.tui.bars import Line

KEYS = (
    ("1 … 8, tab", "a screen by number, the next screen"),
    ("enter, esc", "open what the cursor is on, go back"),
    ("j k, ↓ ↑, g G", "down, up, the first, the last"),
    ("/ n N", "search, the next match, the one before"),
    ("f", "filter: an empty one shows all"),
    ("F", "follow the tail of the log"),
    ("s", "the next order; the next table among the figures"),
    ("p", "pin a run or a sample, to compare with"),
    ("c", "compare the pinned run with the one at the cursor"),
    ("e", "problems"),
    ("[ ]", "back, forward in the run's time; past the end is live again"),
    ("space", "hold the time, let it go on"),
    ("{ }", "slower, faster: 1× to 1000×"),
    ("y", "copy what is shown"),
    ("o", "the report of the run"),
    ("v", "verify the log at the cursor"),
    (": ctrl+p", "every command by name"),
    ("? q", "this help, quit"),
)
FILTERS = """Filters are words that must all hold.
Samples: right, wrong (by the last stage), differ, early, escalated,
failed, unfinished, task=gsm8k, sample=*/12, role=any; any other word
is looked for in prompts and answers.
Events: kind=sample.*, stream=main, subject=*, and words that are
looked for in the data."""


class TextDialog(ModalScreen[None]):
    """Some text above the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "close"),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
        Binding("g,home", "ends(False)", "top", show=False),
        Binding("G,end", "ends(True)", "end", show=False),
        Binding("y", "copy", "copy"),
    ]

    def __init__(self, title: str, text: Text) -> None:
        super().__init__()
        self.heading, self.text = title, text

    def compose(self) -> ComposeResult:
        """A heading, the text."""
        with Vertical(classes="dialog"):
            yield Line(classes="dialog-title")
            with ScrollableContainer(can_focus=True):
                yield Line(classes="dialog-text")

    def on_mount(self) -> None:
        """Fill in."""
        head, body = self.query(Line).results(Line)
        head.show(Text(sanitize(self.heading), "bold").append("    esc closes", "dim"))
        body.show(self.text)
        self.query_one(ScrollableContainer).focus()

    def action_scroll(self, by: int) -> None:
        """Scroll by lines."""
        self.query_one(ScrollableContainer).scroll_relative(y=by, animate=False)

    def action_ends(self, last: bool) -> None:
        """To the beginning or the end."""
        scroll = self.query_one(ScrollableContainer)
        (scroll.scroll_end if last else scroll.scroll_home)(animate=False)

    def action_copy(self) -> None:
        """Copy the text."""
        self.app.copy_to_clipboard(self.text.plain)
        self.notify("copied")


def dialog_width(app: App[None]) -> int:
    """The width that text in a dialog has."""
    return max(40, app.size.width * 92 // 100 - 5)


def help_text(keys: Sequence[tuple[str, str]] = KEYS) -> Text:
    """Every key with what it does."""
    text = Text()
    for key, does in keys:
        text.append(f"{key:>15}  ", "bold cyan").append(f"{does}\n")
    return text.append("\n").append(FILTERS, "dim")


def event_text(envelope: dict[str, object], data: str) -> Text:
    """One event: its envelope, then its data with a member a line."""
    import orjson

    text = Text()
    for name, value in envelope.items():
        if value is not None:
            text.append(f"{name:>8}  ", "dim").append(f"{sanitize(str(value))}\n")
    text.append("\n")
    for name, value in orjson.loads(data).items() if data else ():
        shown = value if isinstance(value, str) else orjson.dumps(value).decode()
        text.append(f"{sanitize(name)}: ", "cyan").append(f"{sanitize(shown[:20_000], newlines=True)}\n")
    return text
