"""docs/integrations.md names what there is, and its code gives what it says."""

from __future__ import annotations

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

from croze_client.encodings import DARTS, NASBENCH201

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "integrations.md").read_text()
#: Where they are named otherwise than in the table.
PACKAGES = {"Ray Tune": "ray", "Ax": "ax-platform", "Syne Tune": "syne-tune"}
EXTRAS = {"Ray Tune": "ray", "Syne Tune": "syne-tune"}


def test_every_adapter_and_every_example_is_in_the_table() -> None:
    adapters = {path.stem for path in (ROOT / "client/croze_client/adapters").glob("[a-z]*.py")}
    assert set(re.findall(r"`adapters\.(\w+)\.\w+`", PAGE)) == adapters
    for module, name in re.findall(r"`adapters\.(\w+)\.(\w+)`", PAGE):
        spec = find_spec(f"croze_client.adapters.{module}")
        assert spec is not None
        assert re.search(rf"^(class|def) {name}\b", Path(str(spec.origin)).read_text(), re.MULTILINE)
    assert set(re.findall(r"\]\(\.\./examples/(\w+\.py)\)", PAGE)) == {
        path.name for path in (ROOT / "examples").glob("*")
    }


def test_releases_are_those_that_are_tested() -> None:
    pins = dict(re.findall(r"^(\S+)==(\S+)$", (ROOT / "client/constraints.txt").read_text(), re.MULTILINE))
    named = dict(re.findall(r"^\| ([\w ]+) (\d[\d.]*) \| `adapters", PAGE, re.MULTILINE))
    assert len(named) == 8
    for library, version in named.items():
        assert f"{pins[PACKAGES.get(library, library.lower())]}.".startswith(f"{version}.")
    extras = tomllib.loads((ROOT / "client/pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {EXTRAS.get(name, name.lower()) for name in named} == set(extras) - {"progress"}


def test_choices_by_number_and_by_name_are_the_same_architecture() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    lines = block.split("\n\n", 1)[1].replace("NASBENCH201.genotype(", "found(").strip()
    found: list[object] = []
    exec(lines, {"found": lambda chosen: found.append(NASBENCH201.genotype(chosen))})  # noqa: S102
    assert len(found) == 2
    assert found[0] == found[1]
    assert f"({len(DARTS.variables)} choices" in PAGE
