"""The samples of the run: any number of them, filtered, sorted, searched."""

from rich.text import Text

from asd.views.tui.longtable import Column, LongTable, Row
from asd.views.tui.model.frames import Frame
from asd.views.tui.model.lists import SAMPLE_SORTS, Samples
from asd.views.tui.paint.words import cut, ending, number, seconds
from asd.views.tui.panels.listed import ListedPanel


def _stages(row: Row) -> Text:
    line = Text()
    graded = dict(zip(row[2] or (), row[3] or (), strict=True))
    for stage in range(max(graded, default=-1) + 1):
        right = graded.get(stage)
        line.append(
            "·" if right is None else "✓" if right else "✗", "" if right is None else "green" if right else "red"
        )
    return line


def _stop(row: Row) -> str:
    first, last = row[4], row[5]
    if first is None:
        return "–"
    return str(first) if first == last else f"{first}–{last}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


class SamplesPanel(ListedPanel):
    """A row a sample; decisions are those at the chosen λ, averaged over seeds."""

    HINT = "enter|open  f|filter  /|search  s|sort  p|pin"
    SORTS = tuple(SAMPLE_SORTS)
    COLUMNS = (
        Column("sample", lambda row: ending(row[0], 24), 24),
        Column("stages", _stages, 7),
        Column("stop", _stop, 5, right=True),
        Column("q", lambda row: _share(row[6]), 5, right=True),
        Column("right", lambda row: _share(row[7]), 5, right=True),
        Column("paid", lambda row: _share(row[8]), 7, right=True),
        Column("busy", lambda row: seconds(row[9]), 8, right=True),
        Column("tokens", lambda row: number(row[10]), 6, right=True),
        Column("prompt", lambda row: cut(row[11] or "", 160)),
    )

    LEAVING = ("tokens", "busy", "paid")

    def new_listing(self) -> Samples:
        """The samples."""
        return Samples()

    def prepare(self, frame: Frame, changed: bool) -> None:
        """Decisions are shown at the chosen λ, once there is one."""
        super().prepare(frame, changed)
        assert isinstance(self.listing, Samples)
        self.listing.lam = frame.state.life.chosen

    def on_long_table_opened(self, event: LongTable.Opened) -> None:
        """Open the sample."""
        event.stop()
        self.terminal.open_sample(event.row[0])

    @property
    def chosen(self) -> str:
        """The sample at the cursor."""
        row = self.table.current
        return row[0] if row else ""

    def text_to_copy(self) -> str:
        """The sample's name."""
        return self.chosen
