"""The report of a run: one content as a page, as Markdown and as PDF, in both languages, through Django's client."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from pypdf import PdfReader

from simulations import catalogue
from simulations.engine.experiment import with_overrides
from simulations.engine.process import Text
from simulations.engine.world import World
from simulations.models import Run
from simulations.reports import content
from simulations.services import reports, runs
from tests.web import kit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_redis")]


@pytest.fixture
def drill() -> Run:
    """The drill, shown to its end, with one decision of a person: declare without waiting for the approver."""
    calm = {f"workload.{client}.rate": 2 for client in ("payers", "readers", "writers")}
    experiment = with_overrides(catalogue.load("DR-04"), calm)
    run = runs.create_run(visitor=kit.OWNER, experiment=experiment)
    kit.pause_at(run, 131_000_000)
    do = {"do": "command", "target": ["team"], "name": "declare"}
    assert kit.give(run, do, 131_000_000) is not None
    kit.pause_at(run, run.stop_us)
    run.refresh_from_db()
    return run


def get(run: Run, **query: Any) -> Any:
    return Client().get(f"/api/runs/{run.code}/report", query)


def test_markdown_tells_lanes_timeline_and_verdicts(drill: Run) -> None:
    answer = get(drill, format="md", language="en")
    assert answer.status_code == 200, answer.content
    words = answer.content.decode()
    assert answer["Content-Disposition"] == f'attachment; filename="{drill.code}-report.md"'
    for heading in (
        "Business: functions by priority",
        "Organisation: decisions and delays",
        "Timeline",
        "Verdicts",
    ):
        assert f"## {heading}" in words
    assert "| 131 | Declare a disaster | team | person 1 |" in words
    assert "Region outage: flood" in words


@pytest.mark.parametrize("language", ["en", "zh"])
def test_checks_and_numbers_are_called_by_words(drill: Run, language: str) -> None:
    words = get(drill, format="md", language=language).content.decode()
    judged = words.partition("## Verdicts" if language == "en" else "## 结论")[2]
    judged = judged.partition("## Recipe" if language == "en" else "## 配方")[0]
    assert len(judged.splitlines()) > 20
    assert re.findall(r"[a-z]+_[a-z_0-9]+", judged) == []


def test_the_page_is_complete_without_scripts_in_both_languages(drill: Run) -> None:
    chinese = get(drill, format="html", language="zh").content.decode()
    assert '<html lang="zh-CN">' in chinese
    assert "业务连续性演练" in chinese
    assert "组织：决定与延误" in chinese
    assert "<script" not in chinese
    assert "build/assets/noto-sans-sc-" in chinese  # (No machine needs a Chinese font of its own.)
    english = Client().get(f"/r/{drill.code}/report", {"language": "en"}).content.decode()
    assert "A business continuity drill" in english


def test_a_missing_page_brings_its_chinese_font_too() -> None:
    missing = Client(headers={"accept-language": "zh-CN"}).get("/r/zzzzzz")
    assert missing.status_code == 404
    assert "这里什么都没有" in missing.content.decode()
    assert "build/assets/noto-sans-sc-" in missing.content.decode()


def test_the_font_with_chinese_comes_ahead_of_those_without() -> None:
    css = (settings.BASE_DIR / "static" / "report.css").read_text(encoding="utf-8")
    families = [found for found in re.findall(r"font-family: ([^;]+);", css) if "Noto Sans SC" in found]
    assert families
    assert all(found.index("Noto Sans SC") < found.index("system-ui") for found in families)


def test_chinese_can_be_read_back_from_the_pdf_and_its_font_is_embedded(drill: Run) -> None:
    answer = get(drill, format="pdf", language="zh")
    assert answer["Content-Type"] == "application/pdf"
    reader = PdfReader(io.BytesIO(answer.content))
    words = "".join(page.extract_text() for page in reader.pages)
    for expected in ("业务连续性演练", "组织：决定与延误", "地域故障", "时间线", drill.code):
        assert expected in words, expected
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]  # type: ignore[index]
    descriptors = [font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object() for font in fonts]
    assert descriptors
    assert all("/FontFile2" in one for one in descriptors)
    reports.made.cache_clear()
    assert get(drill, format="pdf", language="zh").content == answer.content


def test_a_report_tells_nothing_that_nobody_has_seen(drill: Run) -> None:
    early = kit.make_run("DR-04")
    kit.pause_at(early, 50_000_000)
    words = get(early, format="md", language="en").content.decode()
    assert "Region outage" not in words
    assert "simulated, s: 50" in words


def test_every_experiment_has_one_not_only_the_drill() -> None:
    run = kit.make_run("RA-01")
    kit.pause_at(run, run.stop_us)
    words = get(run, format="md", language="en").content.decode()
    assert "## Incidents: RTO and RPO" in words
    assert "leads no more" in words


def test_cuts_and_partitions_are_told_with_the_sides_they_part() -> None:
    told: list[tuple[dict[str, Any], str]] = [
        ({"do": "cut", "resolved": [], "arguments": {"from": ["n1"], "to": ["n2", "n3"]}}, "n1 | n2, n3"),
        ({"do": "cut", "arguments": {"from": "n1", "to": ["n2"], "one_way": True}}, "n1 → n2"),
        ({"do": "partition", "arguments": {"groups": [["n1", "n2"], ["n3"]]}}, "n1, n2 | n3"),
        ({"do": "kill", "resolved": [f"n{number}" for number in range(1, 9)]}, "n1, n2, n3, n4, n5, n6 …"),
        ({"do": "heal", "resolved": []}, ""),
    ]
    assert [content.target_of(one) for one, _ in told] == [words for _, words in told]
    shaped = {"do": "partition", "resolved": [], "arguments": {"shape": "minority"}}
    assert content.words_of(shaped, {}).zh.endswith("切开少数派")
    run = kit.make_run("RA-03")
    kit.pause_at(run, run.stop_us)
    words = get(run, format="md", language="en").content.decode()
    incidents = words.partition("## Incidents")[2]
    assert "n1, n2 \\| n3, n4, n5" in incidents


@pytest.mark.parametrize(
    ("query", "field", "allowed"),
    [
        ({"format": "docx"}, "format", ["html", "md", "pdf"]),
        ({"language": "fr"}, "language", ["en", "zh"]),
        ({"branch": "9"}, "branch", None),
        ({"branch": "x"}, "branch", ["0..1000000"]),
    ],
)
def test_bad_input_is_named(query: dict[str, str], field: str, allowed: list[str] | None) -> None:
    answer = get(kit.make_run("RA-01"), **query)
    assert answer.status_code in (400, 404)
    error = answer.json()["error"]
    assert error["field"] == field
    assert error.get("allowed") == allowed


def test_a_run_that_is_not_there() -> None:
    assert Client().get("/api/runs/zzzzzz/report").status_code == 404


def test_too_many_events_are_refused_with_the_limit(drill: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    reports.made.cache_clear()
    monkeypatch.setattr(reports, "EVENTS_MAX", 1000)
    answer = get(drill, format="md")
    assert answer.status_code == 413
    assert "1000" in answer.json()["error"]["message"]
    reports.made.cache_clear()


@pytest.mark.parametrize(("id", "chosen"), [("CO-01", Text("asynchronous", "异步")), ("DR-04", None)])
def test_the_recipe_says_what_was_chosen_by_its_name(id: str, chosen: Text | None) -> None:
    experiment = catalogue.load(id)
    values = [value for _, value in content.recipe(World(experiment, experiment.seed)).rows]
    assert chosen is None or chosen in values
    assert [value for value in values if isinstance(value, str) and re.match(r'"\w+"$', value)] == []
