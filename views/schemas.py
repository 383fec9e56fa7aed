"""The events' JSON Schemas, generated: `python -m asd.views.schemas` writes them to `schemas/`, one file a kind.

`schemas/index.json` lists every kind with its version. A test fails where the files are not what the classes say.
"""

import sys
from pathlib import Path

import orjson

import asd.core.facts  # noqa: F401  (registers the built-in events)
from asd.core.event import Event, kinds

FOLDER = Path(__file__).parents[1] / "schemas"


def schemas() -> dict[str, bytes]:
    """File name to contents for every event that ships with asd."""
    own = {kind: cls for kind, cls in kinds().items() if cls.__module__.startswith("asd.core.facts.")}
    files = {f"{kind}.v{cls.v}.json": _dumped(schema(cls)) for kind, cls in own.items()}
    return files | {"index.json": _dumped({kind: f"{kind}.v{cls.v}.json" for kind, cls in own.items()})}


def schema(cls: type[Event]) -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of an event's data, with its kind and version."""
    made = cls.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:asd:{cls.kind}:v{cls.v}",
        **made,
        "title": f"{cls.kind} version {cls.v}",
    }


def _dumped(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def differences(folder: Path = FOLDER) -> list[str]:
    """The files of `folder` that are not what the classes say, are missing, or belong to no class.

    A schema of an older version than today's stays: data of that version is still read.
    """
    made = schemas()
    there = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    wrong = [name for name, data in made.items() if there.get(name) != data]
    known = {name.rpartition(".v")[0] for name in made}
    return wrong + [name for name in there if name not in made and name.rpartition(".v")[0] not in known]


def write(folder: Path = FOLDER) -> list[str]:
    """Write what differs into `folder`; return the names written."""
    folder.mkdir(exist_ok=True)
    made = schemas()
    changed = [name for name in differences(folder) if name in made]
    for name in changed:
        (folder / name).write_bytes(made[name])
    return changed


if __name__ == "__main__":
    sys.stderr.write("".join(f"{name}\n" for name in write()) or "nothing differs\n")
