"""Damage is named and never cut; what no disk does by itself (edited, swapped, spliced lines) is noticed too."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from log_events import failed, graded, started
from log_files import crashed, sealed

from asd.store import commit, hot, torn
from asd.store.commit import Commit, commit_line
from asd.store.damage import DamagedFileError
from asd.store.disk import Disk
from asd.store.files import FileLog
from asd.store.line import HASH_LENGTH, leaf_of, sealed_with
from asd.store.merkle import root_of
from asd.store.opening import open_stream
from asd.store.verify import verify

Share = Callable[[int, int], range]
Tried = Callable[[str, int], None]
EVERY = 10**9
SIZES = (3, 1, 7, 2, 5, 1, 1, 6, 4, 4)


def small_log(run: Path) -> Path:
    """A hot file of 34 events in ten groups."""
    numbers = iter(range(sum(SIZES)))
    return crashed(run, [[graded(next(numbers)) for _ in range(size)] for size in SIZES])


def sample(whole: int, share: range) -> list[int]:
    """The share of a random sample of the numbers below `whole`; of all of them where it asks for so many."""
    if share.stop >= whole:
        return list(range(share.start, whole, share.step))
    return Random(whole).sample(range(whole), share.stop)[share.start :: share.step]


def flip_result(path: Path, data: bytes, bit: int) -> str:
    """What opening and verification say of a file with one flipped bit: "named" where both name the right place."""
    at, changed = bit // 8, bytearray(data)
    changed[at] ^= 1 << bit % 8
    path.write_bytes(changed)
    begin = data.rfind(b"\n", 0, at) + 1
    try:
        open_stream(path.parent, Disk())
        return "accepted"
    except DamagedFileError as error:
        named = error.file == path and error.offset == begin
    found = [(one.file, one.offset) for one in verify(path.parent.parent).problems]
    return "named" if named and found == [(str(path), begin)] and path.read_bytes() == changed else "misnamed"


def test_every_flipped_bit_of_a_log_is_named_by_file_and_line_and_nothing_is_cut(
    place: Path, share: Share, tried: Tried
) -> None:
    path = small_log(place / "run-1")
    data = path.read_bytes()
    found = Counter(flip_result(path, data, bit) for bit in sample(8 * len(data), share(1_500, EVERY)))
    assert set(found) == {"named"}
    tried("bits flipped in a log of 34 events", found.total())


def test_flipped_bits_of_a_large_log_are_named(place: Path, share: Share, tried: Tried) -> None:
    batches = [[failed(number, "text, 日本語 " * 30), started()] for number in range(300)]
    path = crashed(place / "run-1", batches)
    data = path.read_bytes()
    found = Counter(flip_result(path, data, bit) for bit in sample(8 * len(data), share(30, 1_000)))
    assert set(found) == {"named"}
    tried("bits flipped in a log of 600 events", found.total())


@pytest.mark.parametrize("suffix", [".parquet", ".json", ".note"])
def test_every_flipped_bit_of_a_sealed_file_and_what_belongs_to_it_is_noticed(
    place: Path, share: Share, tried: Tried, suffix: str
) -> None:
    path = sealed(place / "run-1", [[graded(number) for number in range(34)]]).with_suffix(suffix)
    data = path.read_bytes()
    bits = sample(8 * len(data), share(300, EVERY))
    for bit in bits:
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        assert [Path(one.file).stem for one in verify(place / "run-1").problems][:1] == [path.stem], bit
    tried(f"bits flipped in a sealed file's {suffix}", len(bits))


def test_a_truncation_leaves_whole_appends_and_says_what_it_cut(place: Path, share: Share, tried: Tried) -> None:
    path = small_log(place / "run-1")
    data = path.read_bytes()
    sizes = sample(len(data), share(500, EVERY))
    ends = [sum(SIZES[:number]) for number in range(len(SIZES) + 1)]
    for size in sizes:
        path.write_bytes(data[:size])
        assert verify(place / "run-1").ok
        opened = open_stream(path.parent, Disk())
        assert opened.tree.size in ends
        assert data.startswith(path.read_bytes())
        cut = size - path.stat().st_size
        assert (opened.recovered.bytes_cut if opened.recovered else 0) == cut
    tried("truncations of a log", len(sizes))


def edited(lines: list[bytes], random: Random) -> list[bytes]:
    """The lines of a hot file, changed as an editor or a careless script would, and not only cut short."""
    while True:
        found = _edited(lines, random)
        if found != lines[: len(found)]:
            return found


def _edited(lines: list[bytes], random: Random) -> list[bytes]:
    found = list(lines)
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(7):
        case 0:
            del found[at : at + random.randint(1, 3)]
        case 1:
            found.insert(other, found[at])
        case 2:
            found[at], found[other] = found[other], found[at]
        case 3:
            found[at] = found[at].replace(b"true", b"false")
        case 4:
            line = found[at]
            place = random.randrange(len(line))
            found[at] = line[:place] + bytes([random.randrange(32, 127)]) + line[place + 1 :]
        case 5:
            found[at] = _rehashed(found[at].replace(b'"gsm8k/test', b'"gsm8k/tost'))
        case _:
            found[at:at] = random.sample(lines, random.randint(1, 4))
    return found


def _rehashed(line: bytes) -> bytes:
    """A changed line with the hash that belongs to it."""
    if b'{"commit"' in line:
        return line
    body = line[:-HASH_LENGTH] + b"}"
    return sealed_with(body, leaf_of(body))


def test_no_edit_of_lines_goes_unnoticed(place: Path, share: Share, tried: Tried) -> None:
    path = small_log(place / "run-1")
    data = path.read_bytes()
    lines, seeds = data.splitlines(keepends=True), share(1_000, 100_000)
    for seed in seeds:
        changed = edited(lines, Random(seed))
        path.write_bytes(b"".join(changed))
        found = verify(place / "run-1")
        assert found.problems or _is_shorter(found.events, found.streams[0].torn_bytes, data, changed)
    tried("edits of lines: removed, doubled, swapped, altered, rehashed, spliced", len(seeds))


def _is_shorter(events: int, torn_bytes: int, data: bytes, changed: list[bytes]) -> bool:
    """Whether only the end is missing, which is said, and looks exactly as if the last write had been interrupted."""
    whole = b"".join(changed)
    kept = whole[: len(whole) - torn_bytes]
    return events < sum(SIZES) and data.startswith(kept) and torn_bytes > 0


def test_mutated_types_versions_and_extra_members_verify_and_are_kept_and_counted(
    place: Path, share: Share, tried: Tried
) -> None:
    run, seeds = place / "run-1", share(500, 10_000)
    path = crashed(run, [[failed(1, "text")]])
    line = path.read_bytes().splitlines(keepends=True)[0]
    for number, seed in enumerate(seeds):
        mutated = _mutated(line, Random(seed))
        root = root_of([leaf_of(_body(mutated))])
        path.write_bytes(mutated + commit_line(Commit(0, 1, len(mutated), root), len(mutated)))
        found = verify(run)
        assert found.ok, mutated
        assert sum(found.streams[0].unknown.values()) == (0 if b'failed.v1"' in mutated else 1)
        if number % 50 == 0:
            _check_kept(run, path, mutated)
    tried("types, versions and members that this build does not know", len(seeds))


def _mutated(line: bytes, random: Random) -> bytes:
    kind = random.choice((b"asd.sample.failed", b"asd.sample.dreamt", b"asd.x", b"com.example.thing"))
    version = random.randint(1, 12)
    name = kind + (b".v%d" % version if kind.startswith(b"asd.") else b"")
    extra = random.choice((b"", b'"traceparent":"00-%d",' % random.randrange(99), b'"partitionkey":7,', b'"x":true,'))
    more = random.choice((b"", b'"added":%d,' % random.randrange(10**9), b'"zzz":{"deep":[1,2,{"x":null}]},'))
    body = _body(line).replace(b"asd.sample.failed.v1", name).replace(b'"data":{', extra + b'"data":{' + more)
    return sealed_with(body, leaf_of(body))


def _body(line: bytes) -> bytes:
    return line[:-HASH_LENGTH] + b"}"


def _check_kept(run: Path, path: Path, line: bytes) -> None:
    """Sealed and read again, the line is the same to the byte."""
    from asd.store.layout import sealed_files
    from asd.store.manifest import read_manifest
    from asd.store.sealed import lines_in

    with FileLog(run) as log:
        log.append("main", [started()])
    (one,) = sealed_files(run / "main")
    assert next(iter(lines_in(one, read_manifest(one)))) == line
    for part in one.parts:
        part.unlink()
    path.touch()


def test_a_build_that_skips_the_hash_is_caught(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (hot, torn, commit):
        monkeypatch.setattr(module, "leaf_in", lambda line: leaf_of(line[:-HASH_LENGTH] + b"}"))
    path = small_log(place / "run-1")
    data = path.read_bytes()
    assert {flip_result(path, data, bit) for bit in sample(8 * len(data), range(300))} != {"named"}


def test_a_build_that_takes_all_damage_for_a_torn_tail_is_caught(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot, "flaw_in", lambda file, offset, end, seq: None)
    path = small_log(place / "run-1")
    data = path.read_bytes()
    assert "accepted" in {flip_result(path, data, bit) for bit in sample(8 * len(data), range(300))}


def test_a_line_rewritten_with_its_own_hash_is_noticed_by_the_root(place: Path) -> None:
    path = small_log(place / "run-1")
    lines = path.read_bytes().splitlines(keepends=True)
    lines[0] = _rehashed(lines[0].replace(b"gsm8k/test/0", b"gsm8k/test/9"))
    path.write_bytes(b"".join(lines))
    assert [one.what for one in verify(place / "run-1").problems] == ["its group's root is not the tree's"]
