"""One run: progress, stages, grid, funnel, throughput, devices, problems."""

import time
from collections.abc import Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll

from asd.views.tui.bars import Line
from asd.views.tui.model.frames import Frame
from asd.views.tui.paint import run as paint
from asd.views.tui.paint.words import title
from asd.views.tui.panels.base import Panel

Painter = Callable[[Frame, int, int], Text]
LEFT: dict[str, Painter] = {
    "progress": paint.progress,
    "throughput": paint.throughput,
    "devices": paint.devices,
}
RIGHT: dict[str, Painter] = {"ladder": paint.ladder, "problems": paint.problems}
BELOW: dict[str, Painter] = {"grid": paint.grid, "funnel": paint.funnel}
BLOCKS = LEFT | RIGHT | BELOW


class RunPanel(Panel):
    """The blocks stand below each other, in two columns where there is room for that."""

    HINT = "[ ] time  { } speed  space hold  e problems  o report  c compare"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.blocks = {name: Line(id=f"block-{name}", classes="block") for name in BLOCKS}
        columns = (Vertical(*(self.blocks[name] for name in side), classes="column") for side in (LEFT, RIGHT))
        above = Horizontal(*columns, id="above", classes="blocks")
        below = Horizontal(*(self.blocks[name] for name in BELOW), id="below", classes="blocks")
        self.scroll = VerticalScroll(above, below, can_focus=True)

    def compose(self) -> ComposeResult:
        """A widget for each block."""
        yield self.scroll

    @property
    def scroller(self) -> VerticalScroll:
        """What the blocks scroll in."""
        return self.scroll

    def show_frame(self, frame: Frame) -> None:
        """Draw each block whose text has changed."""
        now_us = time.time_ns() // 1000
        for name, painter in BLOCKS.items():
            block = self.blocks[name]
            if not frame.whole and name != "progress":
                block.show(title(name, "cannot be read" if frame.trouble else "being counted"))
            else:
                block.show(painter(frame, now_us, max(40, block.content_size.width or 76)))

    def on_resize(self) -> None:
        """The blocks' widths have changed."""
        if self.terminal.frame is not None:
            self.call_after_refresh(self.show_frame, self.terminal.frame)

    def text_to_copy(self) -> str:
        """Every block."""
        return "\n\n".join(block.plain for block in self.blocks.values())
