"""The HTML report: one file, no network, safe with hostile text, usable in a browser."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fixtures_run import log_of, run_events

from asd.views.html import to_html
from asd.views.report import build
from asd.views.session import Session

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def page() -> str:
    hostile = []
    for event in run_events():
        task = "<img src=x onerror=alert(1)>$"
        hostile.append(event.model_copy(update={"task": task}) if getattr(event, "task", "") == "words" else event)
    session = Session(log_of(hostile))
    return to_html(build(session), session)


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def elements(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(page)
    return parser.found


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    for tag, attributes in elements(page):
        assert tag not in ("link", "iframe", "object", "embed", "img", "base")
        for name in ("src", "href", "xlink:href", "action"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    assert not re.search(r"@import|url\((?!#)", page)


def test_hostile_names_stay_text(page: str) -> None:
    assert "onerror=alert" in page
    assert "<img" not in page
    assert all(not name.startswith("on") for _, attributes in elements(page) for name in attributes)


def test_ids_are_used_once(page: str) -> None:
    ids = [attributes["id"] for _, attributes in elements(page) if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_figures_keep_their_colours(page: str) -> None:
    assert not re.search(r'fill="#[a-z]+-', page)
    for name in set(re.findall(r"url\(#([^)]*)\)", page)):
        assert f'id="{name}"' in page


def test_every_heading_of_a_column_can_be_reached_by_keyboard(page: str) -> None:
    heads = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', page)
    assert heads
    assert all(head.startswith('<button type="button">') for head in heads)


def test_every_number_in_a_table_says_where_it_comes_from(page: str) -> None:
    for cell in re.findall(r'<td[^>]*data-value="[^"]*">(.*?)</td>', page):
        assert cell.startswith("<button") or "not recorded" in cell, cell


def test_the_same_events_give_the_same_page(page: str) -> None:
    made = []
    for _ in range(2):
        session = Session(log_of(run_events()))
        made.append(to_html(build(session), session))
    assert made[0] == made[1]


SCRIPT = """
<script>
addEventListener("load", () => {
  const said = [];
  const table = [...document.querySelectorAll("table")].find((one) => one.rows.length > 9);
  const head = table.tHead.rows[0].cells[2].querySelector("button");
  head.click(); said.push(table.tHead.rows[0].cells[2].getAttribute("aria-sort"));
  head.click(); said.push(table.tHead.rows[0].cells[2].getAttribute("aria-sort"));
  const filter = document.querySelector("input[type=search]");
  filter.value = "statistics"; filter.dispatchEvent(new Event("input"));
  const shown = [...document.getElementById(filter.dataset.table).tBodies[0].rows].filter((row) => !row.hidden);
  said.push("rows " + shown.length);
  document.querySelector("[data-projection=results] button[data-column=speedup]").click();
  said.push(document.getElementById("why").open ? "open" : "closed");
  said.push(document.getElementById("why-command").textContent);
  said.push(document.getElementById("why-events").children.length + " sources");
  said.push(document.documentElement.scrollWidth <= innerWidth ? "fits " + innerWidth : "wider than the window");
  parent.postMessage(said.join(" | "), "*");
});
</script>
"""
# No window of Chromium is narrower than 500 pixels; a frame in it is as narrow as a phone.
FRAME = """<iframe src="report.html" style="border:0;width:{width}px;height:900px"></iframe>
<script>addEventListener("message", (event) => document.title = event.data)</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed; the page is not opened")
@pytest.mark.parametrize("width", [320, 800, 1600])
def test_in_a_browser_tables_sort_and_filter_and_numbers_tell_their_lineage(
    page: str, tmp_path: Path, width: int
) -> None:
    file = tmp_path / "report.html"
    open_page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    file.write_text(open_page.replace("</body>", SCRIPT + "</body>"), encoding="utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text("<title>nothing was said</title>" + FRAME.format(width=width), encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    window = ["--allow-file-access-from-files", "--virtual-time-budget=10000", "--window-size=1700,1000", "--dump-dom"]
    command = [str(CHROMIUM), *flags, *window, frame.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title is not None, done.stderr
    said = title[1].split(" | ")
    assert said[:4] == ["ascending", "descending", "rows 1", "open"]
    assert said[4].startswith("asd why results.speedup --where")
    assert said[6] == f"fits {width}"


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed; no picture is taken")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_of_the_page_shows_ink_on_paper(page: str, tmp_path: Path, scheme: str) -> None:
    from matplotlib.image import imread

    file, picture = tmp_path / "report.html", tmp_path / "report.png"
    file.write_text(page.replace('<html lang="en">', f'<html lang="en" data-theme="{scheme}">'), encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    command = [str(CHROMIUM), *flags, "--window-size=800,1200", f"--screenshot={picture}", file.as_uri()]
    subprocess.run(command, capture_output=True, timeout=240, check=True)
    grey = imread(picture)[..., :3].mean(axis=2)
    paper = grey[5, 5]
    assert (paper > 0.9) == (scheme == "light")
    assert abs(grey - paper).max() > 0.6
    assert 0.005 < (abs(grey - paper) > 0.3).mean() < 0.5


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed; the page is not opened")
def test_the_page_s_own_script_runs_under_its_content_security_policy(page: str, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"]
    command = [str(CHROMIUM), *flags, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert "CONSOLE" not in done.stderr, done.stderr
