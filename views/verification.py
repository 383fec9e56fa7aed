"""What a check of a log found, for people and as JSON."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import orjson

from asd.views.sanitize import sanitize

if TYPE_CHECKING:
    from asd.store.verify import Verification


def as_lines(found: "Verification") -> str:
    """A line a stream, then a line a problem, then the verdict."""
    lines = [
        f"{one.stream}: {one.events} events in {one.commits} commits, {one.sealed_files} sealed and {one.hot_files} "
        f"hot files, root {one.root[:16]}…"
        for one in found.streams
    ]
    lines += [f"{one.stream}: {count} events of unknown kind or version {kind}, kept as they are"
              for one in found.streams for kind, count in sorted(one.unknown.items())]  # fmt: skip
    lines += [f"{one.stream}: {one.torn_bytes} bytes after the last commit, of a write that was interrupted"
              for one in found.streams if one.torn_bytes]  # fmt: skip
    lines += [f"{one.file}: event {one.event}, byte {one.offset}: {one.what}" for one in found.problems]
    said = "nothing is wrong" if found.ok else f"{len(found.problems)} found wrong"
    lines.append(f"{found.run}: {said}")
    return "\n".join(sanitize(line) for line in lines) + "\n"


def as_json_text(found: "Verification") -> str:
    """Everything that was found."""
    shown = {
        "run": found.run,
        "ok": found.ok,
        "events": found.events,
        "streams": [asdict(one) for one in found.streams],
    }
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
