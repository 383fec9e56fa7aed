"""The record of one run: RECORD's ten sections in order, every field from an event or the words 'not recorded'."""

from collections.abc import Callable

from asd.views import glossary
from asd.views.digits import NONE
from asd.views.document import Block, Document, Language, Section, Table, Text
from asd.views.report_closing import ablations, paper, reproducibility, timing
from asd.views.report_results import results
from asd.views.report_setup import datasets, dates, environment, models, parameters
from asd.views.sentences import verdict
from asd.views.session import Session

TITLES: tuple[tuple[str, str], ...] = (
    ("Dates and times", "実験日時情報"),
    ("Datasets", "データセット詳細情報"),
    ("Models", "モデル設定詳細"),
    ("Parameters", "実験パラメータ詳細"),
    ("Environment", "ハードウェア・ソフトウェア環境"),
    ("Timing in detail", "詳細なタイミング記録"),
    ("Results", "結果の詳細記録"),
    ("Ablations", "アブレーション研究"),
    ("For the paper", "論文執筆時の活用例"),
    ("Reproducibility", "再現性"),
)
_SECTIONS: tuple[Callable[[Session], tuple[Block, ...]], ...] = (
    dates,
    datasets,
    models,
    parameters,
    environment,
    timing,
    results,
    ablations,
    paper,
    reproducibility,
)


def build(session: Session, language: Language = "en") -> Document:
    """The report on the session's run. Raises `UsageError` where a projection's SQL fails."""
    sections = tuple(
        Section(number, titles[language == "ja"], _blocks(section(session), language))
        for number, (titles, section) in enumerate(zip(TITLES, _SECTIONS, strict=True), 1)
    )
    terms = [
        term for section in sections for block in section.blocks if isinstance(block, Table) for term in block.terms
    ]
    title = "実験記録" if language == "ja" else "Record of the run"
    preface = (*_preface(session), *_warned(sections))
    return Document(f"{title} {session.run}", session.run, preface, sections, glossary.used(terms))


def _blocks(blocks: tuple[Block, ...], language: Language) -> tuple[Block, ...]:
    if language == "en":
        return blocks
    from asd.views.japanese import in_japanese

    return tuple(map(in_japanese, blocks))


def _warned(sections: tuple[Section, ...]) -> tuple[Block, ...]:
    """What a reader must not miss who reads no further."""
    count = {one.number: sum(isinstance(block, Text) and block.warning for block in one.blocks) for one in sections}
    where = [f"{warnings} in section {number}" for number, warnings in count.items() if warnings]
    return (Text(f"This record bears warnings: {', '.join(where)}.", warning=True),) if where else ()


def _preface(session: Session) -> tuple[Block, ...]:
    run = next(iter(session.rows("run")), None)
    if run is None:
        return (Text("The run has not started: the log holds no run.started.", warning=True),)
    said = f"The figures of this record are {run['nature']}. Each table names the projection that it comes from. "
    said += f"A dash ({NONE}) stands where there can be no value."
    if run["state"] == "finished":
        return (Text(said), Text(verdict(session)))
    unfinished = (
        f"The run has not finished (state: {run['state']}); the record holds what was logged so far. Where the run no"
        f" longer goes on, asd-runner resume {session.run} records the rest."
    )
    return (Text(said), Text(unfinished, warning=True))
