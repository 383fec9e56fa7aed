"""What every event log keeps: the tests that each implementation inherits."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from threading import Thread

import pytest
from log_events import ODD_TEXTS, failed, finished, generated, graded, started

from asd.core.errors import ConflictError, EventError, UsageError
from asd.core.facts.run import PhaseFinished, PhaseStarted
from asd.core.facts.sample import SampleGraded
from asd.core.log import START, Cursor, EventLog, Record, advance


class LogContract(ABC):
    """Inherit, and give `log`: a fixture that yields an empty log of the run `run-1`."""

    @pytest.fixture
    @abstractmethod
    def log(self, tmp_path: Path) -> EventLog | Iterator[EventLog]:
        """An empty log."""

    def test_an_empty_log_yields_nothing(self, log: EventLog) -> None:
        assert list(log.read()) == []

    def test_what_is_appended_is_read_back_as_the_same_typed_events(self, log: EventLog) -> None:
        events = [started(), graded(1), generated(2), finished()]
        log.append("main", events)
        assert [one.event for one in log.read()] == events

    def test_text_of_any_kind_comes_back_as_it_was(self, log: EventLog) -> None:
        log.append("main", [failed(number, text) for number, text in enumerate(ODD_TEXTS)])
        assert [one.json["message"] for one in log.read()] == list(ODD_TEXTS)

    def test_a_record_says_where_and_what_the_event_is(self, log: EventLog) -> None:
        log.append("main", [graded(1)])
        (one,) = log.read()
        assert (one.run, one.stream, one.seq, one.kind, one.v) == ("run-1", "main", 0, "sample.graded", 1)
        assert one.subject == "gsm8k/test/1@1"
        assert one.cause == "sample.generated:gsm8k/test/1@1"
        assert one.time.tzinfo == UTC

    def test_a_fact_stated_once_is_named_by_its_subject_and_others_by_their_place(self, log: EventLog) -> None:
        log.append("main", [graded(1), started()])
        assert [one.id for one in log.read()] == ["sample.graded:gsm8k/test/1@1", "phase.started#1"]

    def test_sequence_numbers_count_from_zero_in_each_stream(self, log: EventLog) -> None:
        assert log.append("main", [started(), started()]) == 1
        assert log.append("telemetry", [started()]) == 0
        assert log.append("main", [finished()]) == 2
        assert sorted((one.stream, one.seq) for one in log.read()) == [
            ("main", 0),
            ("main", 1),
            ("main", 2),
            ("telemetry", 0),
        ]

    def test_appending_nothing_changes_nothing(self, log: EventLog) -> None:
        assert log.append("main", []) == -1
        log.append("main", [started()])
        assert log.append("main", []) == 0
        assert len(list(log.read())) == 1

    def test_the_same_fact_again_is_no_new_record(self, log: EventLog) -> None:
        log.append("main", [graded(1), graded(2)])
        assert log.append("main", [graded(1), graded(3), graded(3)]) == 2
        assert [one.event for one in log.read()] == [graded(1), graded(2), graded(3)]

    def test_a_fact_stated_otherwise_is_refused_and_named(self, log: EventLog) -> None:
        log.append("main", [graded(1)])
        with pytest.raises(ConflictError, match=r"sample\.graded:gsm8k/test/1@1"):
            log.append("main", [graded(1, correct=False)])

    def test_facts_stated_again_in_any_order_are_no_new_records(self, log: EventLog) -> None:
        facts = [graded(number) for number in range(20)]
        log.append("main", facts[:12])
        for one in facts[12:]:
            log.append("main", [one])
        for one in (*reversed(facts), *facts[::3], *facts[1::3]):
            assert log.append("main", [one]) == 19
        assert [one.event for one in log.read()] == facts

    def test_a_refused_append_stores_none_of_its_events(self, log: EventLog) -> None:
        log.append("main", [graded(1)])
        with pytest.raises(ConflictError):
            log.append("main", [started(), graded(2), graded(1, correct=False)])
        with pytest.raises(ConflictError):
            log.append("main", [graded(5), graded(5, correct=False)])
        assert [one.event for one in log.read()] == [graded(1)]
        assert log.append("main", [graded(2, correct=False)]) == 1

    def test_an_event_that_happens_again_is_a_new_record(self, log: EventLog) -> None:
        log.append("main", [started(), started()])
        assert len({one.id for one in log.read()}) == 2

    def test_text_that_json_cannot_say_is_refused(self, log: EventLog) -> None:
        with pytest.raises(EventError, match=r"sample\.failed"):
            log.append("main", [started(), failed(1, "a lone surrogate: \ud800")])
        assert list(log.read()) == []

    def test_an_event_larger_than_readers_accept_is_refused(self, log: EventLog) -> None:
        with pytest.raises(EventError, match="into a file"):
            log.append("main", [started(), failed(1, "x" * (1 << 20))])
        assert list(log.read()) == []

    @pytest.mark.parametrize("name", ["", "Main", "../main", "a/b", "files", "cache", "x" * 65, "main\n", "-main"])
    def test_a_stream_with_a_bad_name_is_refused(self, log: EventLog, name: str) -> None:
        with pytest.raises(UsageError):
            log.append(name, [started()])

    def test_reading_after_a_cursor_goes_on_where_it_stood(self, log: EventLog) -> None:
        log.append("main", [started(str(number)) for number in range(5)])
        log.append("other", [started(str(number)) for number in range(3)])
        seen = [(one.stream, one.seq) for one in log.read({"main": 2})]
        assert seen == [("main", 3), ("main", 4), ("other", 0), ("other", 1), ("other", 2)]

    def test_reading_in_steps_is_reading_at_once(self, log: EventLog) -> None:
        cursor: Cursor = START
        seen: list[Record] = []
        for number in range(6):
            log.append(("main", "other")[number % 2], [started(str(number)), finished()])
            for one in log.read(cursor):
                seen.append(one)
                cursor = advance(cursor, one)
        assert seen == list(log.read())

    def test_only_the_asked_for_types_are_read(self, log: EventLog) -> None:
        log.append("main", [started(), graded(1), finished()])
        kinds = [one.kind for one in log.read(only=(PhaseStarted, PhaseFinished))]
        assert kinds == ["phase.started", "phase.finished"]

    def test_streams_are_merged_in_order_of_time(self, log: EventLog) -> None:
        for number in range(10):
            log.append(("b", "a")[number % 2], [started(str(number))])
        records = list(log.read())
        assert [one.json["phase"] for one in records] == [str(number) for number in range(10)]
        assert [one.time for one in records] == sorted(one.time for one in records)

    def test_a_follower_sees_what_was_there_and_what_comes(self, log: EventLog) -> None:
        log.append("main", [graded(0)])
        following = log.follow()
        assert next(following).event == graded(0)
        writer = Thread(target=lambda: [log.append("main", [graded(number)]) for number in range(1, 20)])
        writer.start()
        assert [next(following).event for _ in range(19)] == [graded(number) for number in range(1, 20)]
        writer.join()

    def test_a_follower_of_one_type_starts_where_it_is_told(self, log: EventLog) -> None:
        log.append("main", [graded(0), started(), graded(1)])
        following = log.follow({"main": 0}, only=(SampleGraded,))
        assert next(following).event == graded(1)
        log.append("late", [started(), graded(2)])
        assert next(following).event == graded(2)
