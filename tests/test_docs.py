"""What the documentation shows is run, and what it names is there."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*) ?(?:file=(\S+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
MAIN = "import sys; from asd.views.{} import main; main()"


def files_in(page: Path) -> dict[str, str]:
    """The blocks of a page that say which file they are."""
    return {file: text for _, file, text in FENCE.findall(page.read_text("utf-8")) if file}


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the examples of CONTRIBUTING.md, installed as a package is: modules beside their metadata."""
    folder = tmp_path_factory.mktemp("plugins")
    files = files_in(ROOT / "CONTRIBUTING.md")
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    metadata = folder / "reviewing-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: reviewing\nVersion: 1\n", "utf-8")
    groups = tomllib.loads(files["pyproject.toml"])["project"]["entry-points"]
    lines = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in names.items())
        for group, names in groups.items()
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines), "utf-8")
    return folder


def run(module: str, *words: str, plugins: Path) -> str:
    """What a command prints, with the examples installed."""
    env = {
        **os.environ,
        "PYTHONPATH": str(plugins),
        "ASD_STORE": str(plugins / "store"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", MAIN.format(module), *words]
    done = subprocess.run(command, env=env, cwd=plugins, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_examples_of_an_engine_and_a_task_make_a_whole_run(plugins: Path) -> None:
    run("runner_commands", "start", "parrots.yaml", plugins=plugins)
    stages = json.loads(run("commands", "project", "stages", "--format", "json", plugins=plugins))
    assert [(row["model"], row["accuracy"]) for row in stages] == [("parrot", 1.0), ("parrot", 1.0)]


def test_the_examples_of_an_event_a_runner_and_a_projection_work_together(plugins: Path) -> None:
    (plugins / "reviews.yaml").write_text(
        "{runner: reviewing, reviews: {echo/made/word1: true, echo/made/word2: false}}"
    )
    run("runner_commands", "start", "reviews.yaml", plugins=plugins)
    rows = json.loads(run("commands", "project", "disputed", "--format", "json", plugins=plugins))
    assert [row["sample"] for row in rows] == ["echo/made/word2"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    for target in (one or other for one, other in LINK.findall(page.read_text("utf-8"))):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        place = (page.parent / file).resolve() if file else page
        assert place.exists(), target
        if anchor and place.suffix == ".md":
            assert anchor in anchors(place), target


COMMANDS = sorted(
    {
        line
        for page in PAGES
        for language, _, text in FENCE.findall(page.read_text("utf-8"))
        if language in ("", "sh")
        for line in (one.strip() for one in text.splitlines())
        if line.startswith(("asd ", "asd-runner "))
    }
)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_that_is_shown_is_one_that_there_is_with_such_options(line: str) -> None:
    from typer.testing import CliRunner

    from asd.views import commands, projections, runner_commands

    program, *words = shlex.split(line, comments=True)
    apps = {"asd": commands.app, "asd-runner": runner_commands.app}
    done = CliRunner().invoke(apps[program], [*words, "--help"])
    assert done.exit_code == 0, done.output
    if words[0] == "project" and len(words) > 1:
        assert words[1] in {*projections.names(), "report"}


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as hubs make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_word_of_the_glossary_that_a_report_links_is_there() -> None:
    from asd.views import glossary

    assert {target.split("#")[1] for target in re.findall(r"docs/glossary\.md#[\w-]+", str(vars(glossary)))} <= anchors(
        ROOT / "docs" / "glossary.md"
    )


def test_the_page_of_settings_says_what_the_code_says() -> None:
    from asd.views.settings import page

    assert (ROOT / "docs" / "configuration.md").read_text("utf-8") == page()


def test_a_setting_that_is_not_there_is_answered_with_where_to_look() -> None:
    from asd.core.errors import ConfigError
    from asd.runners.config import load_runner

    with pytest.raises(ConfigError, match=r"predictor.epoch is no setting here; `asd-runner settings`"):
        load_runner("pocket", ["predictor.epoch=3"])


def test_settings_come_with_bounds_defaults_and_blocks() -> None:
    from asd.views.settings import about

    ((thing, text, rows),) = about("cascade")
    settings = {row["setting"]: (row["type"], row["default"]) for row in rows}
    assert (thing, "`shares`: How samples are shared" in text) == ("runner", True)
    assert settings["predictor.dropout"] == ("number ≥ 0, < 1", "0.2")
    assert settings["stages"] == ("list: engine, see below", "must be given")


def test_a_name_that_an_engine_and_a_task_share_tells_of_both() -> None:
    from asd.views.settings import about

    assert [thing for thing, _, _ in about("recorded")] == ["engine", "task"]
