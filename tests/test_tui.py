"""The terminal view, driven by keys in a terminal of its own."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import Thread
from time import monotonic

import pytest
from rich.segment import Segment
from synthetic_run import Made, write
from textual.pilot import Pilot

from asd.views.tui.app import SCREENS, Terminal
from asd.views.tui.bars import Line
from asd.views.tui.desk import STEPS
from asd.views.tui.dialogs import KEYS, TextDialog
from asd.views.tui.model.source import Source
from asd.views.tui.plain import follow

WRITER = Path(__file__).with_name("synthetic_run.py")
Steps = Callable[[Terminal, Pilot[None]], Awaitable[None]]
PATIENCE_S = 60


def shown(app: Terminal) -> str:
    """The text on the screen."""
    width, height = app.size
    lines = app.screen._compositor.render_strips(app.size)
    return "\n".join("".join(segment.text for segment in line) for line in lines[:height] if width)


def styles(app: Terminal) -> list[Segment]:
    """Everything that is drawn, with its styles."""
    return [segment for line in app.screen._compositor.render_strips(app.size) for segment in line]


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Wait for `condition`; the test fails, showing the screen, where it never comes."""
    end = monotonic() + PATIENCE_S
    while not condition():
        assert monotonic() < end, shown(pilot.app)  # type: ignore[arg-type]
        await pilot.pause(0.05)


async def says(pilot: Pilot[None], *words: str) -> None:
    """Wait until the screen holds all of `words`."""
    app = pilot.app
    assert isinstance(app, Terminal)
    await until(pilot, lambda: all(word in shown(app) for word in words))


def drive(store: Path, steps: Steps, run: str | None = None, size: tuple[int, int] = (120, 40)) -> None:
    """Run the app and take `steps` in it."""

    async def inside() -> None:
        app = Terminal(Source(store), run)
        async with app.run_test(size=size, notifications=True) as pilot:
            await steps(app, pilot)

    asyncio.run(inside())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs."""
    folder = tmp_path_factory.mktemp("store")
    write(folder / "first", Made(12).events(), 100)
    write(folder / "second", Made(10, seed=8).events(), 0)
    return folder


def row_of(app: Terminal, run: str) -> str:
    """The line of the list of runs that is about `run`."""
    return next((line for line in shown(app).split("\n")[4:] if f"  {run} " in line), "")


def last_line(app: Terminal) -> str:
    return app.query_one("#time", Line).plain


# screens


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("1", ("2 runs in", "first", "second", "finished")),
        ("2", ("Progress", "answered", "Stages", "toy-72b", "λ × dataset × seed", "Throughput", "gpu-0")),
        ("3", ("24 samples", "gsm8k/test/0", "✗")),
        ("4", ("no sample is open",)),
        ("5", ("following the tail", "run.finished")),
        ("6", ("Made-up 80GB", "toy-7b")),
        ("7", ("results", "quality_retention", "gsm8k")),
        ("8", ("sample failed: EngineError", "2 × generated missing", "Stalls", "completeness")),
    ],
)
def test_each_screen_has_its_number_and_shows_its_subject(store: Path, key: str, words: tuple[str, ...]) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await pilot.press(key)
        assert app.panel.id == SCREENS[int(key) - 1]
        await says(pilot, *words)

    drive(store, steps, "first")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_every_screen_fits_every_terminal(store: Path, size: tuple[int, int]) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await says(pilot, "Progress", "finished")
        for name in SCREENS:
            await says(pilot, f"▸{SCREENS.index(name) + 1} {name}") if app.panel.id == name else None
            await pilot.press("tab")
            for bar in ("#top", "#time", "#hint"):
                assert app.query_one(bar).region.bottom <= size[1]
                assert app.query_one(bar).region.height >= 1
        await says(pilot, "▸2 run", "8 problems")

    drive(store, steps, "first", size)


def test_tab_goes_round_and_escape_goes_back(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        for name in (*SCREENS[1:], SCREENS[0]):
            await pilot.press("tab")
            assert app.panel.id == name
        await pilot.press("5", "6", "escape")
        assert app.panel.id == "events"

    drive(store, steps)


def test_enter_opens_a_run_a_sample_and_an_event_and_escape_leaves_them(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await says(pilot, "2 runs in")
        await pilot.press("enter")
        await says(pilot, "Progress", "finished")
        await pilot.press("3")
        await says(pilot, "20 samples")
        await until(pilot, lambda: app.panel.scroller.current is not None)  # type: ignore[union-attr]
        await pilot.press("j", "enter")
        await says(pilot, "gsm8k/test/1", "log-probabilities", "right answer 3")
        await pilot.press("escape")
        assert app.panel.id == "samples"
        await pilot.press("5")
        await says(pilot, "run.finished")
        await pilot.press("enter")
        await says(pilot, "duration_s")
        await pilot.press("escape")
        assert not isinstance(app.screen, TextDialog)

    drive(store, steps)


def test_j_k_g_and_shift_g_move_the_cursor_and_going_up_stops_following(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await pilot.press("5")
        await says(pilot, "following the tail")
        table = app.panel.table  # type: ignore[attr-defined]
        await until(pilot, lambda: table.rows > 0 and table.cursor == table.rows - 1)
        await pilot.press("k", "k")
        assert table.cursor == table.rows - 3
        await says(pilot, "not following")
        await pilot.press("g")
        assert table.cursor == 0
        await says(pilot, "run.started")
        await pilot.press("j")
        assert table.cursor == 1
        await pilot.press("G")
        assert table.cursor == table.rows - 1
        await pilot.press("g", "F")
        await says(pilot, "following the tail")
        assert table.cursor == table.rows - 1

    drive(store, steps, "first")


def test_a_search_and_its_next_matches(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await pilot.press("5")
        await says(pilot, "following the tail")
        table = app.panel.table  # type: ignore[attr-defined]
        await pilot.press("g", "slash", *"stage.loaded", "enter")
        await until(pilot, lambda: table.cursor > 0)
        first = table.cursor
        await pilot.press("n")
        await until(pilot, lambda: table.cursor > first)
        await pilot.press("N")
        await until(pilot, lambda: table.cursor == first)
        await pilot.press("n")
        await until(pilot, lambda: table.current is not None and table.current[3] == "stage.loaded")

    drive(store, steps, "first")


def test_a_filter_leaves_what_passes_and_an_empty_one_leaves_all(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await pilot.press("3")
        await says(pilot, "24 samples")
        await pilot.press("f", *"task=mmlu", "enter")
        await says(pilot, "12 samples", "filter: task=mmlu", "mmlu/test/0")
        assert "gsm8k/test/0" not in shown(app)
        await pilot.press("f", *["backspace"] * 9, "enter")
        await says(pilot, "24 samples")

    drive(store, steps, "first")


def test_s_goes_through_the_orders(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await pilot.press("3")
        await says(pilot, "24 samples")
        await pilot.press("s", "s")
        await says(pilot, "wrong first")
        await pilot.press("7", "s")
        await says(pilot, "baseline_total_time_s")

    drive(store, steps, "first")


def test_a_pinned_run_is_compared_with_another(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await says(pilot, "2 runs in")
        await pilot.press("c")
        await says(pilot, "pin one run")
        await pilot.press("p")
        await says(pilot, "◆")
        await pilot.press("j", "c")
        await until(pilot, lambda: isinstance(app.screen, TextDialog))
        await says(pilot, "first and second" if app.pinned_run == "first" else "second and first", "completeness")
        assert re.search(r"run +(first +second|second +first)", shown(app))

    drive(store, steps)


def test_a_pinned_sample_stands_beside_the_open_one(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await pilot.press("3")
        await says(pilot, "24 samples", "gsm8k/test/0")
        await pilot.press("p", "j", "j", "enter")
        await says(pilot, "gsm8k/test/2 ", "gsm8k/test/0 ", "Stage 0 thinks about gsm8k/test/0")

    drive(store, steps, "first", (200, 60))


def test_e_shows_the_problems(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await pilot.press("e")
        await says(pilot, "errors and drift by kind", "made up [/]")

    drive(store, steps, "first")


def test_time_goes_back_by_brackets_and_past_the_end_is_the_end_again(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await says(pilot, "Progress", "finished")
        whole = app.frame.state.events  # type: ignore[union-attr]
        first, end = app.frame.state.first_us, app.frame.end_us  # type: ignore[union-attr]
        await pilot.press(*["left_square_bracket"] * 10)
        await until(pilot, lambda: app.desk.as_of_us == end - 10 * ((end - first) // STEPS))
        assert "as of" in last_line(app)
        await until(pilot, lambda: app.frame.state.events < whole)  # type: ignore[union-attr]
        await says(pilot, "not for inference", "at that time")
        await pilot.press("5")
        await says(pilot, f"{app.frame.state.events:,} events")  # type: ignore[union-attr]
        await pilot.press(*["right_square_bracket"] * 12)
        await until(pilot, lambda: app.frame.state.events == whole)  # type: ignore[union-attr]
        assert "as of" not in last_line(app)

    drive(store, steps, "first")


def test_a_replay_goes_on_with_space_and_faster_with_braces(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await says(pilot, "Progress", "finished")
        app.desk.seek(app.frame.state.first_us, app.frame)  # type: ignore[union-attr, arg-type]
        await until(pilot, lambda: "❚❚ 1×" in last_line(app))
        await pilot.press("space")
        await until(pilot, lambda: "▶ 1×" in last_line(app))
        await pilot.press(*["right_curly_bracket"] * 6)
        await until(pilot, lambda: "1000×" in last_line(app))
        await until(pilot, lambda: app.frame.state.life.finished_us > 0)  # type: ignore[union-attr]
        await pilot.press("left_curly_bracket")
        assert app.desk.speed == 300

    drive(store, steps, "first")


def test_a_click_on_the_time_goes_there_and_a_click_on_a_name_shows_that_screen(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await says(pilot, "Progress", "finished")
        await pilot.click("#time", offset=(30, 0))
        await until(pilot, lambda: "as of" in last_line(app))
        await pilot.click(".nav-item", offset=(1, 0))
        assert app.panel.id == "runs"

    drive(store, steps, "first")


def test_y_copies_text_that_is_safe_to_paste(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        app.open_sample("gsm8k/test/0")
        await says(pilot, "log-probabilities")
        await pilot.press("y")
        assert "Stage 0 thinks about gsm8k/test/0" in app.clipboard
        assert "\x1b" not in app.clipboard
        assert "\u202e" not in app.clipboard

    async def opened(app: Terminal, pilot: Pilot[None]) -> None:
        await says(pilot, "Progress", "finished")
        await until(pilot, lambda: app.desk.ready)
        await steps(app, pilot)

    drive(store, opened, "first")


def test_o_opens_the_report(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await says(pilot, "Progress", "finished")
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, TextDialog))
        await says(pilot, "report of first")
        assert isinstance(app.screen, TextDialog)
        assert len(app.screen.text.plain) > 1000

    drive(store, steps, "first")


def test_the_help_names_every_key(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await pilot.press("question_mark")
        await says(pilot, *(does for _, does in KEYS))
        await pilot.press("q")
        assert not isinstance(app.screen, TextDialog)

    drive(store, steps)


def test_a_colon_opens_the_commands_and_they_hold_every_key(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await pilot.press("colon")
        await until(pilot, lambda: type(app.screen).__name__ == "CommandPalette")
        await pilot.press(*"match before")
        await says(pilot, "key N")

    drive(store, steps)


def test_q_quits(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await pilot.press("q")
        await until(pilot, lambda: app._exit)

    drive(store, steps)


# trust


def test_hostile_text_is_shown_as_it_is_written_and_does_nothing(store: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await says(pilot, "Progress", "finished")
        for key in "345678":
            await pilot.press(key)
            await pilot.pause(0.3)
            assert not any(char in shown(app) for char in "\x1b\x07\u202e\u202c")
        await until(pilot, lambda: app.desk.ready)
        app.open_sample("gsm8k/test/0")
        await says(pilot, "So [bold]x[/] = 3 [/] [@click=app.quit]here[/] \\x1b[31mred\\x1b[0m \\u202egnirts\\u202c")
        assert not any(segment.style and "@click" in segment.style.meta for segment in styles(app))

    drive(store, steps, "first")


# live


def test_before_the_first_run_it_says_how_to_start_one_and_then_shows_it(tmp_path: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await says(pilot, "There is no store at", "asd-runner start")
        write(tmp_path / "none" / "late", Made(2).events(), 0)
        await says(pilot, "1 run in", "late")

    drive(tmp_path / "none", steps)


def test_a_run_that_was_named_before_it_began_opens_when_it_is_there(tmp_path: Path) -> None:
    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await says(pilot, "asd-runner start")
        write(tmp_path / "late", Made(2).events(), 0)
        await says(pilot, "Progress", "finished")

    drive(tmp_path, steps, "late")


def test_what_another_process_appends_is_on_the_screen_and_its_death_shows_as_stale(tmp_path: Path) -> None:
    path = tmp_path / "live"
    writer = subprocess.Popen([sys.executable, str(WRITER), str(path), "--rate", "300", "--samples", "4000"])

    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await until(pilot, path.exists)
        app.open_run("live")
        await says(pilot, "running", "last event", "events/s", "not for inference")
        before = app.frame.state.events  # type: ignore[union-attr]
        await until(pilot, lambda: app.frame.state.events > before + 100)  # type: ignore[union-attr]
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        dead = monotonic()
        await says(pilot, "stale", "its writer is gone")
        assert monotonic() - dead < 10

    try:
        drive(tmp_path, steps)
    finally:
        writer.kill()
        writer.wait()


def test_a_run_that_vanishes_is_said_and_what_was_read_stays(tmp_path: Path) -> None:
    write(tmp_path / "gone", Made(3).events(), 0)

    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await says(pilot, "Progress", "finished")
        shutil.rmtree(tmp_path / "gone")
        await says(pilot, "unreadable", "is gone", "toy-7b")
        await pilot.press("1")
        await says(pilot, "0 runs in", "no run is here yet")
        await pilot.press("2")
        shutil.rmtree(tmp_path)
        await pilot.press("1")
        await says(pilot, "There is no store at")

    drive(tmp_path, steps, "gone")


def test_a_damaged_run_is_said_and_the_others_can_be_read(tmp_path: Path) -> None:
    write(tmp_path / "bad", Made(3).events(), 0)
    write(tmp_path / "good", Made(3).events(), 0)
    sealed = next((tmp_path / "bad" / "main").glob("*.parquet"))
    data = bytearray(sealed.read_bytes())
    data[len(data) // 2] ^= 255
    sealed.write_bytes(data)
    for hot in (tmp_path / "bad" / "main").glob("*.jsonl"):
        hot.unlink()

    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await says(pilot, "unreadable", "asd verify")
        await pilot.press("1")
        await until(pilot, lambda: "! unreadable" in row_of(app, "bad") or "! damaged" in row_of(app, "bad"))
        app.open_run("good")
        await says(pilot, "good", "finished", "Progress")

    drive(tmp_path, steps, "bad")


# anywhere


def test_without_colours_nothing_is_coloured_and_everything_is_said(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def steps(app: Terminal, pilot: Pilot[None]) -> None:
        await says(pilot, "■ finished", "▸2 run", "none" if False else "Problems")
        colours = {
            tuple(colour.triplet or ())
            for segment in styles(app)
            if segment.style
            for colour in (segment.style.color, segment.style.bgcolor)
            if colour is not None and colour.triplet
        }
        assert all(max(one) - min(one) <= 1 for one in colours if one)

    drive(store, steps, "first")


def test_the_command_without_a_terminal_says_what_to_use(store: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "asd.views.tui.command", "--store", str(store)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--plain" in done.stderr
    assert done.stdout == ""


def test_plain_prints_lines_of_json_and_ends_with_the_run(tmp_path: Path) -> None:
    lines: list[str] = []
    told: list[str] = []
    writing = Thread(target=write, args=(tmp_path / "one", Made(6).events(), 100))
    reading = Thread(target=follow, args=(Source(tmp_path), None, lines.append, told.append))
    reading.start()
    writing.start()
    writing.join()
    reading.join(PATIENCE_S)
    states = [json.loads(line) for line in lines]
    assert len(states) > 1
    assert states[-1]["state"] == "finished"
    assert states[-1]["events"] == len(list(Made(6).events()))
    assert [one["events"] for one in states] == sorted(one["events"] for one in states)
    assert states[0]["interim"] is True
    assert len(told) <= 1
