"""One sample from its prompt to its last decision: everything that the log holds of it, and what caused what."""

from dataclasses import dataclass
from typing import Any

from asd.views.tui.model.tables import Cursor

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """One sample. `stages` hold answers with grades and predictions, `decisions` the policy's steps, in order;
    `chain` the events about it as (sequence number, kind, subject, id of the cause)."""

    sample: str
    planned: Values
    answers: tuple[Values, ...]
    failures: tuple[Values, ...]
    quality: tuple[Values, ...]
    decisions: tuple[Values, ...]
    chain: tuple[tuple[str, int, int, str, str, str, str], ...]


_PLANNED = "SELECT * EXCLUDE (time) FROM sample_planned WHERE sample = $sample LIMIT 1"
_ANSWERS = """
SELECT g.* EXCLUDE (time, token_ids), t.correct, t.extracted, t.grader
FROM sample_generated g LEFT JOIN sample_graded t
    ON t.sample = g.sample AND t.stage = g.stage AND t.sampling_seed IS NOT DISTINCT FROM g.sampling_seed
WHERE g.sample = $sample ORDER BY g.stage, g.sampling_seed
"""
_FAILURES = "SELECT stage, error, message FROM sample_failed WHERE sample = $sample ORDER BY stage"
_QUALITY = "SELECT stage, seed, q FROM quality_predicted WHERE sample = $sample ORDER BY stage, seed"
_DECISIONS = """
SELECT policy, lam, seed, stage, q, stop_value, go_value, cost, next_stage, NULL AS answer_stage, NULL AS correct,
    NULL AS basis
FROM stage_escalated WHERE sample = $sample
UNION ALL
SELECT policy, lam, seed, stage, q, stop_value, go_value, cost, NULL, answer_stage, correct, basis
FROM sample_answered WHERE sample = $sample
ORDER BY policy, lam, seed, stage
"""
_CHAIN = """
SELECT stream, seq, epoch_us(time)::BIGINT, id, kind, coalesce(subject, ''), coalesce(cause, '')
FROM events WHERE subject = $sample OR starts_with(subject, $sample || '@') OR starts_with(subject, $sample || '/')
ORDER BY time, stream, seq
"""


def story(tables: Cursor, sample: str) -> Story:
    """What the log holds of `sample`; its parts are empty where it holds nothing."""
    asked: dict[str, object] = {"sample": sample}
    planned = tables.rows(_PLANNED, asked)
    return Story(
        sample,
        planned[0] if planned else {},
        tuple(tables.rows(_ANSWERS, asked)),
        tuple(tables.rows(_FAILURES, asked)),
        tuple(tables.rows(_QUALITY, asked)),
        tuple(tables.rows(_DECISIONS, asked)),
        tuple(tables.db.execute(_CHAIN, asked).fetchall()),
    )


def event_text(tables: Cursor, stream: str, seq: int) -> tuple[Values, str]:
    """The envelope and the data of one event, as written."""
    query = "SELECT * EXCLUDE (time, data), data FROM events WHERE stream = $stream AND seq = $seq"
    found = tables.rows(query, {"stream": stream, "seq": seq})
    if not found:
        return {}, ""
    data = str(found[0].pop("data"))
    return found[0], data
