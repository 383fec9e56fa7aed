"""From a YAML file to a runner: packaged configurations, overrides, and plugins as fields."""

import os
import re
from collections.abc import Mapping, Sequence
from functools import reduce
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, SerializeAsAny, ValidationError

from asd.core import plugins
from asd.core.errors import ConfigError, UsageError
from asd.core.event import JsonObject
from asd.runners.base import Runner
from asd.runners.engines.base import Engine
from asd.runners.tasks.base import Task

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def _plugin(group: str, key: str) -> BeforeValidator:
    """A field whose class is named by its own member `key`: `{task: gsm8k, …}` becomes a `Gsm8k`."""

    def build(value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        if not isinstance(value.get(key), str):
            raise ValueError(f"needs a member {key!r} that names one of: {', '.join(plugins.names(group))}")
        return model(group, value[key]).model_validate(value)

    return BeforeValidator(build)


AnyTask = Annotated[SerializeAsAny[Task], _plugin(plugins.TASKS, "task")]
AnyEngine = Annotated[SerializeAsAny[Engine], _plugin(plugins.ENGINES, "engine")]


def packaged() -> tuple[str, ...]:
    """The names of the configurations that come with the package."""
    found = files("asd.runners").joinpath("configs").iterdir()
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in found if entry.name.endswith(".yaml")))


def load_runner(config: str, overrides: Sequence[str] = ()) -> Runner:
    """The runner that a YAML file (a path, or the name of a packaged one) describes, `key=value` overrides applied.

    A key may be dotted (`predictor.epochs=3`, `stages.0.batch=32`); values are YAML. `${NAME:-default}` in the file
    is replaced from the environment. Raises `ConfigError` naming the field, `UnknownPluginError` for a name that
    nothing provides.
    """
    settings: JsonObject = reduce(_override, overrides, _read(config))
    return build(settings, config)


def build(settings: JsonObject, source: str = "configuration") -> Runner:
    """The runner that plain `settings` describe; `runner` names its plugin. Errors as `load_runner`."""
    rest = dict(settings)
    name = rest.pop("runner", None)
    if not isinstance(name, str):
        raise ConfigError(f"{source}: needs a key 'runner', one of: {', '.join(plugins.names(plugins.RUNNERS))}")
    try:
        runner = model(plugins.RUNNERS, name).model_validate(rest)
    except ValidationError as error:
        raise ConfigError(f"{source}: {_first(error)}") from error
    assert isinstance(runner, Runner)
    return runner


def model(group: str, name: str) -> type[BaseModel]:
    """The class of the plugin `name`. Raises `UnknownPluginError`, and `UsageError` for one that has no fields."""
    found = plugins.load(group, name)
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        raise UsageError(f"the plugin {name!r} of {group} is no class with fields; its entry point names {found!r}")
    return found


def _read(config: str) -> JsonObject:
    path = Path(config)
    try:
        if config in packaged():
            text = files("asd.runners").joinpath("configs", f"{config}.yaml").read_text("utf-8")
        else:
            text = path.read_text("utf-8")
        settings = yaml.safe_load(_expanded(text, config))
    except OSError as error:
        hint = f"{error.strerror}; give a file, or one of: {', '.join(packaged())}"
        raise ConfigError(f"cannot read the configuration {config}: {hint}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{config} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"{config}: needs keys and values, first of all 'runner'")
    return settings


def _expanded(text: str, source: str) -> str:
    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1], match[2])
        if found is None:
            raise ConfigError(f"{source} needs the environment variable {match[1]}; set it")
        return found

    return _VARIABLE.sub(value, text)


def _override(settings: JsonObject, override: str) -> JsonObject:
    key, sign, text = override.partition("=")
    if not sign or not key:
        raise ConfigError(f"override {override!r}: write key=value")
    replaced: JsonObject = _replaced(settings, key.split("."), yaml.safe_load(text), override)
    return replaced


def _replaced(node: Any, path: list[str], value: object, override: str) -> Any:
    if not path:
        return value
    head, *rest = path
    if isinstance(node, list):
        if not head.isdigit() or int(head) >= len(node):
            raise ConfigError(f"override {override!r}: {head!r} is no place in a list of {len(node)}")
        return [_replaced(item, rest, value, override) if i == int(head) else item for i, item in enumerate(node)]
    if not isinstance(node, dict | None):
        raise ConfigError(f"override {override!r}: there is nothing below {head!r}")
    return {**(node or {}), head: _replaced((node or {}).get(head), rest, value, override)}


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{place} is no setting here; `asd-runner settings` lists those that are"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
