"""One run: progress, stages, grid, funnel, throughput, devices, problems."""

import time
from collections.abc import Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll

from asd.views.tui.bars import Line
from asd.views.tui.model.frames import Frame
from asd.views.tui.paint.block import Block
from asd.views.tui.paint.devices import devices
from asd.views.tui.paint.grid import funnel, grid, ladder
from asd.views.tui.paint.run import problems, progress, throughput
from asd.views.tui.panels.base import Panel

Painter = Callable[[Frame, int, int], Block]
COLUMNS: tuple[dict[str, Painter], ...] = (
    {"progress": progress, "throughput": throughput, "devices": devices},
    {"stages": ladder, "funnel": funnel, "problems": problems},
    {"grid": grid},
)
"""Three columns where there is room for them; with less, the third is below the others, or all are in one."""
BLOCKS = {name: painter for column in COLUMNS for name, painter in column.items()}


class RunPanel(Panel):
    """Each block is a widget of its own, so that only what changed is drawn."""

    HINT = "[ ]|time  { }|speed  space|hold  e|problems  o|report"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.blocks = {name: Line(id=f"block-{name}", classes="block") for name in BLOCKS}
        columns = (Vertical(*(self.blocks[name] for name in column), classes="column") for column in COLUMNS)
        self.scroll = VerticalScroll(Container(*columns, id="columns"), can_focus=True)

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
            line = self.blocks[name]
            if not frame.whole and name != "progress":
                line.show_block(Block(name.title(), "cannot be read" if frame.trouble else "being counted", Text("…")))
            else:
                line.show_block(painter(frame, now_us, max(40, line.content_size.width or 74)))

    def on_resize(self) -> None:
        """The blocks' widths have changed."""
        if self.terminal.frame is not None:
            self.call_after_refresh(self.show_frame, self.terminal.frame)

    def text_to_copy(self) -> str:
        """Every block."""
        return "\n\n".join(block.plain for block in self.blocks.values())
