"""Draws each screen of the terminal view, of a made-up run: `python tests/tui_pictures.py docs/pictures`."""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

os.environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"

from synthetic_run import Made, write
from textual.pilot import Pilot

from asd.views.tui.app import SCREENS, Terminal
from asd.views.tui.dialogs import TextDialog
from asd.views.tui.model.source import Source

SIZES = {"run-80x24": (80, 24), "run-200x60": (200, 60)}
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_INDENTED = re.compile(r' x="([\d.]+)" (y="[\d.]+") textLength="([\d.]+)"([^>]*)>((?:&#160;)+)(?=[^<])')
_CELL = 12.2


def picture(app: Terminal) -> str:
    """The screen as SVG that fetches nothing. Leading spaces become places, since some programs drop them."""
    drawn = _FONT.sub("", app.export_screenshot(title="asd-tui"))
    drawn = drawn.replace("Fira Code, monospace", "Fira Code, DejaVu Sans Mono, monospace")
    return _INDENTED.sub(_moved, drawn)


def _moved(found: re.Match[str]) -> str:
    shift = len(found[5]) // len("&#160;") * _CELL
    x, length = float(found[1]) + shift, float(found[3]) - shift
    return f' x="{x:g}" {found[2]} textLength="{length:g}"{found[4]}>'


async def draw(store: Path, folder: Path) -> None:
    """One picture a screen at 120×40, the run's at two more sizes, and the help."""
    app = Terminal(Source(store), "made-up")
    async with app.run_test(size=(120, 40)) as pilot:
        await _ready(app, pilot)
        assert app.frame is not None
        first, end = app.frame.state.first_us, app.frame.end_us
        app.desk.seek(first + (end - first) * 9 // 10, app.frame)
        await _settled(app, pilot, 3)
        for name in _screens(app):
            await _settled(app, pilot, 4 if name in ("environment", "figures", "problems") else 2)
            (folder / f"tui-{name}.svg").write_text(picture(app), encoding="utf-8")
        await pilot.press("question_mark")
        await _settled(app, pilot, 1)
        assert isinstance(app.screen, TextDialog)
        (folder / "tui-help.svg").write_text(picture(app), encoding="utf-8")
    for name, size in SIZES.items():
        app = Terminal(Source(store), "made-up")
        async with app.run_test(size=size) as pilot:
            await _ready(app, pilot)
            await _settled(app, pilot, 2)
            (folder / f"tui-{name}.svg").write_text(picture(app), encoding="utf-8")


def _screens(app: Terminal) -> Iterator[str]:
    for name in SCREENS:
        if name == "sample":
            app.open_sample("gsm8k/test/33")
        else:
            app.show_screen(name)
        yield name


async def _ready(app: Terminal, pilot: Pilot[None]) -> None:
    while not (app.desk.ready and app.frame is not None and not app.frame.opening):
        await pilot.pause(0.1)


async def _settled(app: Terminal, pilot: Pilot[None], seconds: float) -> None:
    """Long enough that what was asked has been answered."""
    end = monotonic() + seconds
    while monotonic() < end:
        await pilot.pause(0.1)


def main() -> None:
    """Write the pictures."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        folder = folder.resolve()
        os.chdir(place)
        store = Path("asd-store")
        write(store / "made-up", Made(40, tasks=4, lambdas=6, seeds=5).events(), 1500)
        write(store / "made-up-before", Made(10, seed=8).events(), 0)
        asyncio.run(draw(store, folder))


if __name__ == "__main__":
    main()
