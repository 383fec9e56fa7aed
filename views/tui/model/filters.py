"""What a person types into the filter and the search: words, each a condition on the rows, all of which must hold."""

from dataclasses import dataclass, field

Parameters = dict[str, object]


@dataclass(frozen=True, slots=True)
class Where:
    """A condition in SQL with its parameters."""

    sql: str = "true"
    parameters: Parameters = field(default_factory=dict)


SAMPLE_WORDS = {
    "right": "last_right",
    "wrong": "NOT last_right",
    "differ": "least_right <> most_right",
    "early": "early",
    "escalated": "decided AND NOT early",
    "failed": "failed > 0",
    "unfinished": "answers < stages",
}
"""What the words of the samples' filter mean; any other word is looked for in name, prompt and answers."""
SAMPLE_FIELDS = {"task": "task", "sample": "sample", "role": "role", "cluster": "cluster"}
EVENT_FIELDS = {"kind": "kind", "stream": "stream", "subject": "subject", "id": "id"}


def samples_where(text: str) -> Where:
    """`task=gsm8k wrong apples`: the samples of one task that the last stage got wrong and that mention apples."""
    return _where(
        text,
        SAMPLE_FIELDS,
        SAMPLE_WORDS,
        "(sample ILIKE {p} OR prompt ILIKE {p}"
        " OR sample IN (SELECT g.sample FROM sample_generated g WHERE g.text ILIKE {p}))",
    )


def events_where(text: str) -> Where:
    """`kind=sample.* apples`: events whose kind begins so and that hold the word somewhere."""
    return _where(text, EVENT_FIELDS, {}, "(kind ILIKE {p} OR subject ILIKE {p} OR data ILIKE {p})")


def _where(text: str, columns: dict[str, str], words: dict[str, str], anywhere: str) -> Where:
    parts, parameters = [], Parameters()
    for word in text.split():
        name, sign, value = word.partition("=")
        key = f"w{len(parameters)}"
        if sign and name in columns and value:
            parts.append(f"{columns[name]} ILIKE ${key} ESCAPE '!'")
            parameters[key] = like(value).replace("*", "%")
        elif word in words:
            parts.append(words[word])
        else:
            parts.append(anywhere.format(p=f"${key} ESCAPE '!'"))
            parameters[key] = f"%{like(word)}%"
    return Where(" AND ".join(parts) or "true", parameters)


def like(text: str) -> str:
    """`text` as part of a LIKE pattern with the escape character `!`, standing for itself."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
