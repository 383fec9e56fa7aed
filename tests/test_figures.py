"""Figures and LaTeX: drawn from events alone, the same bytes from the same events, hostile names as they are."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from fixtures_run import log_of, run_events

from asd.core.errors import UsageError
from asd.views.figures import NAMES, draw
from asd.views.figures_statistics import forest
from asd.views.latex_report import macro_name, to_latex, to_macros, to_pdf
from asd.views.report import TITLES, build
from asd.views.session import Session

HOSTILE = r"$\undefined{} & % # _ ^ ~ <b> λ"


@pytest.fixture(scope="module")
def session() -> Session:
    events = [
        event.model_copy(update={"task": HOSTILE}) if getattr(event, "task", "") == "words" else event
        for event in run_events()
    ]
    return Session(log_of(events))


@pytest.mark.parametrize("name", list(NAMES))
def test_a_figure_is_the_same_bytes_from_the_same_events(session: Session, name: str) -> None:
    first = draw(session, name)
    assert first is not None
    assert first.startswith(b"<?xml")
    assert draw(session, name) == first


def test_figures_come_as_pdf_without_a_date(session: Session) -> None:
    drawn = draw(session, "funnel", "pdf")
    assert drawn is not None
    assert drawn.startswith(b"%PDF")
    assert b"CreationDate" not in drawn


@pytest.mark.parametrize("name", list(NAMES))
def test_a_run_without_the_events_has_no_figure(name: str) -> None:
    assert draw(Session(log_of([])), name) is None


def test_the_forest_shows_the_posteriors_by_arviz_and_without_them_the_intervals() -> None:
    events = list(run_events())
    without = [event for event in events if "posterior" not in str(event.subject)]
    drawn, plain = (forest(Session(log_of(some))) for some in (events, without))
    assert drawn is not None
    assert plain is not None
    assert [text.get_text() for text in drawn.legends[0].get_texts()][1:] == [
        "planned estimate",
        "practical equivalence, ± 1 point",
    ]
    assert not plain.legends
    for figure in (drawn, plain):
        speedup, retention, difference = figure.axes
        assert [label.get_text() for label in speedup.get_yticklabels()] == ["sums", "words", "all"]
        assert list(retention.get_yticks()) == list(speedup.get_yticks()) == list(difference.get_yticks())


def test_an_unknown_figure_is_refused(session: Session) -> None:
    with pytest.raises(UsageError, match="no figure 'nothing'; there are: frontier"):
        draw(session, "nothing")


def test_names_of_macros_are_letters() -> None:
    assert macro_name("speedup", "gsm8k") == "asdSpeedupGsmEightK"
    assert re.fullmatch("[A-Za-z]+", macro_name("quality_retention", HOSTILE))


def test_macros_are_not_defined_twice(session: Session) -> None:
    names = re.findall(r"\\newcommand\{(\\\w+)\}", to_macros(session))
    assert len(names) == len(set(names))
    assert {"\\asdAbstract", "\\asdMethod", "\\asdResults", "\\asdSpeedup"} <= set(names)


TEX = shutil.which("pdflatex")


@pytest.mark.skipif(TEX is None, reason="no pdflatex is installed; the report is not compiled")
def test_the_report_compiles_and_gives_the_same_pdf_twice(session: Session) -> None:
    document = build(session)
    first = to_pdf(document, session)
    assert first.startswith(b"%PDF")
    assert to_pdf(document, session) == first
    assert first.count(b"/Subtype /Form") >= len(NAMES), "the figures are in it"


def japanese_tex() -> bool:
    """Whether lualatex and its Japanese fonts are there."""
    found = shutil.which("kpsewhich")
    return bool(shutil.which("lualatex") and found and subprocess.run([found, "luatexja.sty"]).returncode == 0)


@pytest.mark.skipif(not japanese_tex(), reason="no lualatex with luatexja is installed; the report is not compiled")
def test_the_japanese_report_compiles_and_gives_the_same_pdf_twice(session: Session) -> None:
    document = build(session, "ja")
    first = to_pdf(document, session, "ja")
    assert first.startswith(b"%PDF")
    assert to_pdf(document, session, "ja") == first


def test_a_japanese_report_without_its_tex_says_what_is_missing(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/pdflatex" if name == "pdflatex" else None)
    with pytest.raises(UsageError, match="no TeX is installed \\(lualatex\\)"):
        to_pdf(build(session, "ja"), session, "ja")


def test_japanese_headings_stand_as_they_are_and_hostile_names_do_not() -> None:
    events = [
        event.model_copy(update={"task": f"日本{HOSTILE}"}) if getattr(event, "task", "") == "words" else event
        for event in run_events()
    ]
    session = Session(log_of(events))
    text = to_latex(build(session, "ja"), "ja")
    for number, (_, title) in enumerate(TITLES, 1):
        assert rf"\section*{{{number}. {title}}}" in text
    assert r"日本\$\textbackslash{}undefined" in text
    assert HOSTILE not in text
    assert not re.search("[\u3000-\u9fff]", to_latex(build(session)))


@pytest.mark.skipif(TEX is None, reason="no pdflatex is installed; the macros are not compiled")
def test_a_paper_can_input_the_macros(session: Session, tmp_path: Path) -> None:
    (tmp_path / "asd.tex").write_text(to_macros(session), encoding="utf-8")
    paper = r"""\documentclass{article}\usepackage{booktabs}\input{asd}
\begin{document}\asdAbstract{} \asdMethod{} \asdResults{} \asdSpeedup{}\end{document}"""
    (tmp_path / "paper.tex").write_text(paper, encoding="utf-8")
    command = [str(TEX), "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=240)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-2000:]


def test_latex_never_holds_a_bare_special_character_of_a_name(session: Session) -> None:
    text = to_latex(build(session))
    assert r"\$\textbackslash{}undefined\{\} \& \% \# \_" in text
    assert HOSTILE not in text
