"""What operators look at: every metric that rules and dashboard name is one that the real API exports."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.app.driving import cells, fail, submitted, work
from tests.app.fleet.test_endpoints import BUSY
from tests.app.telemetry.test_process import api_process
from workers.settings import connect
from workers.store import Store

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "docker" / "observability"
RULES: Final = FOLDER / "croze.rules.yml"
DASHBOARD: Final = FOLDER / "grafana" / "dashboards" / "croze.json"
DOCS: Final = ROOT / "docs" / "dashboards.md"
#: What Prometheus makes by itself, with labels that need no metric of ours.
BUILT_IN: Final = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate", "severity", "job", "instance"}}
#: Put on by whoever scrapes.
OF_SCRAPES: Final = {"job", "instance"}

Labels = dict[str, set[str]]


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def rules() -> list[dict[str, Any]]:
    return [rule for group in loaded(RULES)["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def queries() -> list[str]:
    """Every expression of the dashboard, its variables filled in."""
    expressions = [target["expr"] for panel in panels() for target in panel.get("targets", ())]
    return [each.replace("$__rate_interval", "1m").replace("$job", "croze") for each in expressions]


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """(metric, labels in braces and not) of all that an expression reads. The labels of `by` come apart."""
    text = re.sub(r'"[^"]*"', '""', expression)
    text = re.sub(r"\b(?:by|on)\s*\([^)]*\)", "", text)
    for name, inside in re.findall(r"\b((?:croze|process)[_:][\w:]+|up|ALERTS)\b(?:\s*\{([^}]*)\})?", text):
        yield name, set(re.findall(r"(\w+)\s*(?:=|!)", inside))


@pytest.fixture
def scraped(api: tuple[httpx.Client, Store]) -> Labels:
    """Names of samples -> labels, as the real API exports them."""
    client, _ = api
    found: Labels = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.fixture
def api(redis: object, redis_url: str, tmp_path: Path) -> Iterator[tuple[httpx.Client, Store]]:
    """A process of the API that has something to tell of everything, and its store."""
    del redis  # an empty server
    with api_process(redis_url, tmp_path / "log") as (_, client), connect(redis_url) as connection:
        store = Store(connection)
        store.fleet.beat(BUSY)
        job_id = submitted(client, architectures=cells(8))["id"]
        work(store, job_id, 3)
        fail(store, job_id, "timeout")
        submitted(client, architectures=cells(2))  # known by now
        yield client, store


def test_rules_and_dashboard_name_what_is_exported(scraped: Labels) -> None:
    recorded = {rule["record"]: {"job"} for rule in rules() if "record" in rule}
    known = scraped | recorded | BUILT_IN
    expressions = [*queries(), *(rule["expr"] for rule in rules())]
    read = [pair for expression in expressions for pair in selectors(expression)]
    assert len(read) > 60
    for name, labels in read:
        assert name in known, f"{name} is exported by nobody"
        assert labels <= known[name] | OF_SCRAPES, f"{name} has no label {sorted(labels - known[name])}"


def test_every_metric_of_the_service_is_shown(scraped: Labels) -> None:
    shown = {
        name for expression in [*queries(), *(rule["expr"] for rule in rules())] for name, _ in selectors(expression)
    }
    of_histograms = {name for name in scraped if re.search(r"_(bucket|sum|count)$", name)}
    missing = {name for name in scraped if name.startswith("croze_")} - shown - of_histograms
    assert missing <= {"croze_http_request_seconds"}, sorted(missing)
    for name in of_histograms:
        assert f"{name.rpartition('_')[0]}_bucket" in shown


def test_labels_to_group_by_exist(scraped: Labels) -> None:
    """`by` and `on` take labels that a metric of the same expression has."""
    of_metric = scraped | {rule["record"]: {"job"} for rule in rules() if "record" in rule} | BUILT_IN
    for expression in [*queries(), *(rule["expr"] for rule in rules())]:
        present = set().union(*(of_metric[name] for name, _ in selectors(expression))) | OF_SCRAPES
        for inside in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
            assert set(re.split(r"\s*,\s*", inside.strip())) <= present, expression


def test_codes_that_wake_people_are_codes_of_failures() -> None:
    (rule,) = [rule for rule in rules() if rule.get("record") == "croze:items_broken_total"]
    (codes,) = re.findall(r'code=~"([^"]+)"', rule["expr"])
    documented = re.findall(r"^\| `([a-z_]+)` \|", (ROOT / "docs" / "reliability.md").read_text(), re.MULTILINE)
    assert set(codes.split("|")) == set(documented) - {"non_finite"}


def test_alerts_say_what_to_do() -> None:
    headings = {heading.lower() for heading in re.findall(r"^#+ (\w+)$", DOCS.read_text(), re.MULTILINE)}
    alerts = [rule for rule in rules() if "alert" in rule]
    assert len(alerts) >= 8
    for rule in alerts:
        assert set(rule["annotations"]) == {"summary", "description", "runbook"}
        assert rule["labels"]["severity"] in {"critical", "warning"}
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (page, anchor) == ("docs/dashboards.md", rule["alert"].lower())
        assert anchor in headings


def test_every_alert_has_a_test_that_it_speaks_and_one_that_it_is_silent() -> None:
    said: dict[str, set[bool]] = {}
    for case in loaded(FOLDER / "croze.rules.test.yml")["tests"]:
        for test in case.get("alert_rule_test", ()):
            said.setdefault(test["alertname"], set()).add(bool(test["exp_alerts"]))
    assert said == {rule["alert"]: {True, False} for rule in rules() if "alert" in rule}


def test_the_dashboard_is_whole() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)
    variables = {variable["name"] for variable in dashboard["templating"]["list"]} | {"__rate_interval"}
    assert set(re.findall(r"\$\{?(\w+)", DASHBOARD.read_text())) == variables
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        x, y, width, height = (panel["gridPos"][side] for side in "xywh")
        assert x + width <= 24
        cells_of_grid = {(column, line) for column in range(x, x + width) for line in range(y, y + height)}
        assert not taken & cells_of_grid, f"{panel['title']} covers another panel"
        taken |= cells_of_grid
        if panel["type"] != "row":
            assert panel["description"].endswith((".", ")"))
            assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}


def test_grafana_finds_what_is_provisioned() -> None:
    (source,) = loaded(FOLDER / "grafana" / "datasources" / "prometheus.yml")["datasources"]
    compose = loaded(ROOT / "docker" / "compose.observability.yml")["services"]
    scrape = loaded(FOLDER / "prometheus.yml")
    assert source["url"] == "http://prometheus:9090"
    assert source["jsonData"]["timeInterval"] == scrape["global"]["scrape_interval"]
    mounts = {
        target: Path(origin) for origin, target, *_ in (each.split(":") for each in compose["grafana"]["volumes"])
    }
    (provider,) = loaded(FOLDER / "grafana" / "dashboards" / "provider.yml")["providers"]
    folder = mounts[provider["options"]["path"]]
    assert (ROOT / folder / "croze.json").is_file()


def test_every_stack_lets_prometheus_in() -> None:
    (target,) = loaded(FOLDER / "prometheus.yml")["scrape_configs"][0]["static_configs"][0]["targets"]
    for file in (ROOT / "docker-compose.yml", ROOT / "docker" / "compose.tls.yml"):
        allowed = loaded(file)["services"]["api"]["environment"]["CROZE_ALLOWED_HOSTS"]
        assert target.partition(":")[0] in re.split(r"[,}]", allowed), file.name


PROMTOOL: Final = shutil.which("promtool")


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not on PATH (Debian's package: prometheus)")
@pytest.mark.parametrize(
    "arguments",
    ["check config --syntax-only prometheus.yml", "check rules croze.rules.yml", "test rules croze.rules.test.yml"],
)
def test_promtool_is_content(arguments: str) -> None:
    assert PROMTOOL is not None
    run = subprocess.run([PROMTOOL, *arguments.split()], cwd=FOLDER, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
