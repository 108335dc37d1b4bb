"""The compose files as they are written: what containers give up, what they may write, and who reaches them.

No engine is needed. Their form is checked by `make check-containers`, what really runs by `make test-compose`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).parents[2]
BASE: Final = ROOT / "docker-compose.yml"
FILES: Final = (BASE, *sorted((ROOT / "docker").glob("compose.*.yml")))
#: A port below 1024.
CAPABILITIES: Final = {"tls": ["NET_BIND_SERVICE"]}
#: Service -> where it is published, ports on this machine left open. TLS is there for others.
PUBLISHED: Final = {
    "api": ["${CROZE_BIND:-127.0.0.1}:*:8000"],
    "prometheus": ["127.0.0.1:*:9090"],
    "grafana": ["127.0.0.1:*:3000"],
    "tls": ["${CROZE_TLS_BIND:-0.0.0.0}:443:443", "${CROZE_TLS_BIND:-0.0.0.0}:80:80"],
}
#: What would give a container more than its own.
SHARED_WITH_HOST: Final = {"privileged", "network_mode", "pid", "ipc", "userns_mode", "devices", "volumes_from"}
#: Set by docker/stack.sh, not by people.
NOT_FOR_PEOPLE: Final = {"CROZE_REVISION"}
VARIABLE: Final = re.compile(r"\$\{(\w+)(?::?([-?])((?:[^{}]|\$\{[^{}]*\})*))?\}")

Service = dict[str, Any]


def loaded(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    return content


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """As compose merges mappings."""
    together = {**below, **above}
    for key in below.keys() & above.keys():
        if isinstance(below[key], dict):
            together[key] = merged(below[key], above[key])
    return together


def services() -> dict[str, Service]:
    """Every service, with what the overlays and `extends` make of it."""
    found: dict[str, Service] = {}
    for file in FILES:
        for name, own in loaded(file)["services"].items():
            parent = own.pop("extends", {"service": name})["service"]
            found[name] = merged(found.get(parent, {}), own)
    return found


SERVICES: Final = services()


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == CAPABILITIES.get(name, [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not SHARED_WITH_HOST & service.keys()
    assert set(service["deploy"]["resources"]["limits"]) >= {"memory", "pids"}
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}


@pytest.mark.parametrize("name", SERVICES)
def test_what_can_be_written_is_memory_or_a_volume(name: str) -> None:
    service = SERVICES[name]
    assert all("size=" in folder for folder in service.get("tmpfs", ()))
    volumes = set().union(*(loaded(file).get("volumes", {}) for file in FILES))
    for mount in service.get("volumes", ()):
        origin, _, *options = mount.split(":")
        assert origin in volumes or (origin.startswith("./docker/") and options == ["ro"]), mount


def test_no_process_of_ours_is_root() -> None:
    assert SERVICES["redis"]["user"] == "999:999"
    for service in SERVICES.values():
        if "build" in service:
            dockerfile = (ROOT / service["build"]["dockerfile"]).read_text()
            users = re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE)
            assert users[-1:] == ["10001:10001"]
            assert "user" not in service


def test_the_api_alone_is_published_and_on_loopback() -> None:
    found = {
        name: [re.sub(r":\$\{CROZE_\w*PORT:-\d+\}:", ":*:", port) for port in service["ports"]]
        for name, service in SERVICES.items()
        if "ports" in service
    }
    assert found == PUBLISHED
    assert [name for name, service in loaded(BASE)["services"].items() if "ports" in service] == ["api"]


def test_redis_and_workers_have_no_way_out() -> None:
    assert loaded(BASE)["networks"]["inside"] == {"internal": True}
    for name, service in SERVICES.items():
        if name not in PUBLISHED:
            assert service["networks"] == ["inside"], name


def test_nobody_comes_in_without_a_key_and_no_secret_is_in_an_environment() -> None:
    assert SERVICES["api"]["environment"]["CROZE_ACCESS"] == "keys"
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET", variable):  # each names a file
                assert value.startswith("/run/secrets/"), variable
                assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_the_example_has_every_setting_with_its_default() -> None:
    used: dict[str, set[str]] = {}
    for file in FILES:
        text = re.sub(r"(?m)^\s*#.*$", "", file.read_text())
        for variable, kind, default in VARIABLE.findall(text):
            used.setdefault(variable, set()).add(default if kind == "-" else "")
    script = (ROOT / "docker" / "stack.sh").read_text()
    for variable, default in re.findall(r"\$\(setting (\w+) (\S+)\)", script):
        used.setdefault(variable, set()).add(default)
    example = dict(re.findall(r"(?m)^#(\w+)=(.*)$", (ROOT / ".env.example").read_text()))
    del example["COMPOSE_FILE"]
    assert {variable: {value} for variable, value in example.items()} == {
        variable: defaults for variable, defaults in used.items() if variable not in NOT_FOR_PEOPLE
    }
