"""Files of foreign formats, read by the published types and parsers of those formats.

`make check-containers` and `make check-manifests` run this in environments of their own, which have these packages and
none of ours:

    python -m tests.docker.typed_check queries          every PromQL expression parses, with good types
    python -m tests.docker.typed_check dashboard        Grafana's types for dashboards know all that it says
    python -m tests.docker.typed_check scaling FILE     KEDA's types know all that FILE's ScaledObjects say

Such types drop what they do not know. So what is read is written again, and must come back whole.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[2] / "docker"
DASHBOARD: Final = FOLDER / "observability" / "grafana" / "dashboards" / "croze.json"
RULES: Final = FOLDER / "observability" / "croze.rules.yml"
SCALING: Final = FOLDER / "k8s" / "worker" / "scaling.yaml"
#: Grafana's variables, as it would fill them in.
VARIABLES: Final = {"$__rate_interval": "1m", "$job": "croze"}


def lost(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """What `before` says and `after` does not; what was added, such as defaults, does not matter."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from lost(value, after.get(key), f"{path}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for position, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from lost(one, other, f"{path}/{position}")
    elif before != after:
        yield f"{path} is {json.dumps(before)}, and was read as {json.dumps(after)}"


def expressions() -> Iterator[tuple[str, str]]:
    """(where, PromQL) of dashboard, rules and scaling."""
    yaml = importlib.import_module("yaml")
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            text = target["expr"]
            for variable, value in VARIABLES.items():
                text = text.replace(variable, value)
            yield f"{DASHBOARD.name}, {panel['title']}", text
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            yield f"{RULES.name}, {rule.get('alert') or rule['record']}", rule["expr"]
    for trigger in yaml.safe_load(SCALING.read_text())["spec"]["triggers"]:
        yield SCALING.name, trigger["metadata"]["query"]


def queries() -> Iterator[str]:
    parser = importlib.import_module("promql_parser")
    for where, text in expressions():
        try:
            parser.parse(text)
        except ValueError as error:
            yield f"{where}: {error}: {' '.join(text.split())}"


def dashboard() -> Iterator[str]:
    importlib.import_module("grafana_foundation_sdk.cog.plugins").register_default_plugins()
    models = importlib.import_module("grafana_foundation_sdk.models.dashboard")
    encoder = importlib.import_module("grafana_foundation_sdk.cog.encoder").JSONEncoder()
    written = json.loads(DASHBOARD.read_text())
    yield from lost(written, json.loads(encoder.encode(models.Dashboard.from_json(written))))


def scaling(file: str) -> Iterator[str]:
    models = importlib.import_module("cloudcoil.models.keda").v1alpha1
    manifests = importlib.import_module("yaml").safe_load_all(Path(file).read_text())
    scaled = [each for each in manifests if each["kind"] == "ScaledObject"]
    if not scaled:
        yield f"{file}: no ScaledObject"
    for each in scaled:
        try:
            read = models.ScaledObject.model_validate(each)
        except ValueError as error:
            yield f"{file}: {error}"
        else:
            yield from lost(each, read.model_dump(mode="json", by_alias=True, exclude_none=True))


COMMANDS: Final[dict[str, Callable[..., Iterator[str]]]] = {
    "queries": queries,
    "dashboard": dashboard,
    "scaling": scaling,
}


def main() -> int:
    command, *arguments = sys.argv[1:]
    faults = [*COMMANDS[command](*arguments)]
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
