"""The two lines above every screen, and the line of time below."""

from rich.text import Text

from asd.views.sanitize import sanitize
from asd.views.tui.model import figures
from asd.views.tui.model.frames import Frame
from asd.views.tui.model.state import MICRO
from asd.views.tui.paint.words import INTERIM, apart, bar, clock, cut, percent, seconds, state, whole_seconds


def header(frame: Frame | None, store: str, now_us: int, width: int) -> Text:
    """Which run this is and how it is: state with staleness, sequence, lag, events per second."""
    if frame is None:
        return Text(f"asd  {sanitize(store)}\nno run is open: choose one among the runs (1) with enter", no_wrap=True)
    second = Text(sanitize(frame.trouble), "yellow") if frame.trouble else _second(frame, now_us, width)
    return Text("\n").join([_first(frame, now_us, width), second])


def _first(frame: Frame, now_us: int, width: int) -> Text:
    run = frame.state
    status = figures.status(run, now_us, frame.writer)
    word = "unreadable" if frame.trouble else "opening" if frame.opening else status.word
    line = Text().append(cut(run.run, max(20, width - 60)), "bold").append("  ").append_text(state(word))
    detail = "" if frame.trouble else status.detail
    if word in ("running", "quiet", "stale") and run.as_of_us is None:
        line.append(f"  last event {whole_seconds(figures.age_s(run, now_us))} ago")
    if detail:
        line.append(f"  {sanitize(detail)}", "yellow")
    share = figures.share_done(run)
    return apart(line, bar(share, 12).append(f" {percent(share):>4}"), width)


def _second(frame: Frame, now_us: int, width: int) -> Text:
    run = frame.state
    heads = ", ".join(f"{cut(name, 16)} {seq:,}" for name, seq in sorted(run.streams.items()))
    line = Text(f"{run.events:,} events")
    if run.as_of_us is None and not run.life.finished_us:
        line.append(f"  lag {seconds(frame.lag_s)}  {figures.per_second(run, now_us):,.0f}{' events' * (width > 99)}/s")
    if heads:
        line.append(f"  seq {heads}", "dim")
    said = Text()
    if run.life.attempts > 1:
        said.append(f"attempt {run.life.attempts}  ", "yellow")
    if run.life.nature:
        said.append(f"{cut(run.life.nature, 12)}  ", "" if run.life.nature == "measured" else "magenta")
    if figures.interim(run) and run.events:
        said.append(INTERIM, "yellow")
    said.rstrip()
    return apart(line, said, width)


def time_line(frame: Frame | None, width: int) -> Text:
    """Where in the run's time the screen stands: a slider, its moment, and how fast it goes."""
    if frame is None or not frame.end_us:
        return Text("")
    first, end = frame.state.first_us, frame.end_us
    now = frame.state.as_of_us
    words = "live" if now is None and not frame.state.life.finished_us else "end" if now is None else ""
    if now is not None:
        going = f"▶ {frame.speed}×" if frame.playing else f"❚❚ {frame.speed}×"
        words = f"as of {clock(now)}  {seconds((now - first) / MICRO)} in  {going}"
    room = max(10, width - len(words) - 4)
    place = 1.0 if now is None else (now - first) / max(1, end - first)
    at = round(max(0.0, min(1.0, place)) * (room - 1))
    line = Text(no_wrap=True).append("[", "dim")
    line.append("━" * at, "blue").append("●", "bold blue").append("─" * (room - 1 - at), "dim").append("] ", "dim")
    return line.append(words, "bold yellow" if now is not None else "dim")


def hints(does: str, width: int) -> Text:
    """What can be done on this screen, keys before words; help and the way out are always there."""
    line = Text()
    for one in does.split("  "):
        key, _, words = one.rpartition("|")
        line.append(key, "bold cyan").append(f" {words}   ", "dim")
    ends = Text().append("?", "bold cyan").append(" keys   ", "dim").append("q", "bold cyan").append(" quit", "dim")
    return apart(line, ends, width)
