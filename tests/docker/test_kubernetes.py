"""The Kubernetes manifests, as kustomize renders them: what one part names, another has, and the real API answers.

No cluster is needed. Against the published schemas: `make check-manifests`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from pydantic import ByteSize, TypeAdapter

from app.settings import Settings
from tests.app.telemetry.test_process import api_process
from workers.settings import WorkerSettings

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "docker" / "k8s"
DOCS: Final = (ROOT / "docs" / "kubernetes.md").read_text()
OVERLAYS: Final = ("cpu", "gpu")
KUSTOMIZE: Final = {"kustomize": ["kustomize", "build"], "kubectl": ["kubectl", "kustomize"]}
#: A worker's process beside its engine, and what else a container counts.
BESIDE_ENGINE: Final = 256 * 2**20
#: After the drain: the engine ends, and spans are sent.
TO_END_S: Final = 15

Manifest = dict[str, Any]


def loaded(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text()))


@pytest.fixture(scope="module", params=OVERLAYS)
def rendered(request: pytest.FixtureRequest) -> list[Manifest]:
    """All objects of one overlay."""
    command = next((words for program, words in KUSTOMIZE.items() if shutil.which(program)), None)
    if command is None:
        pytest.skip("neither kustomize nor kubectl is on PATH")
    run = subprocess.run(
        [*command, str(FOLDER / "overlays" / request.param)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return list(yaml.safe_load_all(run.stdout))


def of_kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] == kind}


def container(deployment: Manifest) -> Manifest:
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def environment(deployment: Manifest) -> dict[str, str]:
    """The variables that have their values here."""
    return {each["name"]: each["value"] for each in container(deployment)["env"] if "value" in each}


def size(text: str) -> int:
    """Bytes of `1Gi` and of `1536MiB`."""
    return TypeAdapter(ByteSize).validate_python(re.sub(r"i$", "iB", text))


def chosen(selector: Mapping[str, Any], deployments: Mapping[str, Manifest]) -> list[str]:
    """The deployments whose pods a selector means."""
    assert set(selector) <= {"matchLabels"}
    wanted = selector.get("matchLabels", {}).items()
    return [
        name for name, each in deployments.items() if wanted <= each["spec"]["template"]["metadata"]["labels"].items()
    ]


def test_every_file_is_part_of_an_overlay() -> None:
    listed = {FOLDER / "overlays" / overlay for overlay in OVERLAYS}
    found: set[Path] = set()
    while listed:
        entry = listed.pop()
        found.add(entry)
        if entry.is_dir():
            (content,) = loaded(entry / "kustomization.yaml")
            names = [*content["resources"], *content.get("configurations", ())]
            names += [patch["path"] for patch in content.get("patches", ())]
            listed |= {(entry / name).resolve() for name in names}
            found.add(entry / "kustomization.yaml")
        else:
            assert loaded(entry)
    assert found >= set(FOLDER.rglob("*.yaml"))


def test_workers_and_api_are_as_compose_has_them(rendered: list[Manifest]) -> None:
    deployments = of_kind(rendered, "Deployment")
    assert sorted(deployments) in (["api", "worker-cpu"], ["api", "worker-gpu"])
    compose = (ROOT / "docker-compose.yml").read_text() + (ROOT / "docker" / "compose.gpu.yml").read_text()
    for name, deployment in deployments.items():
        image, _, tag = container(deployment)["image"].partition(":")
        assert f"{image}:${{CROZE_VERSION:-{tag}}}" in compose
        dockerfile = (ROOT / "docker" / f"{name.partition('-')[0]}.Dockerfile").read_text()
        pod = deployment["spec"]["template"]["spec"]["securityContext"]
        assert f"USER {pod['runAsUser']}:{pod['runAsGroup']}" in dockerfile
        for port in container(deployment).get("ports", ()):
            assert f"EXPOSE {port['containerPort']}" in dockerfile
        for command in re.findall(r"HEALTHCHECK .*CMD (\[.*\])", dockerfile):
            assert (
                name == "api" or yaml.safe_load(command) == container(deployment)["readinessProbe"]["exec"]["command"]
            )


def test_variables_are_settings_with_good_values(rendered: list[Manifest], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, deployment in of_kind(rendered, "Deployment").items():
        model = Settings if name == "api" else WorkerSettings
        known = {f"CROZE_{field.upper()}" for field in model.model_fields}
        variables = {each["name"] for each in container(deployment)["env"]}
        assert {each for each in variables if each.startswith("CROZE_")} <= known
        assert variables - known <= {"CUDA_CACHE_PATH", "CUDA_CACHE_MAXSIZE"}
        with monkeypatch.context() as patch:
            for variable, value in environment(deployment).items():
                patch.setenv(variable, value)
            patch.delenv("CROZE_REDIS_PASSWORD_FILE")
            model()


def test_memory_and_time_fit_into_each_other(rendered: list[Manifest]) -> None:
    deployments = of_kind(rendered, "Deployment")
    api = deployments.pop("api")
    (worker,) = deployments.values()
    engine = size(environment(worker)["CROZE_ENGINE_MEMORY"])
    limits = container(worker)["resources"]["limits"]
    assert size(environment(api)["CROZE_MEMORY_LIMIT"]) * 2 <= engine
    assert engine + BESIDE_ENGINE <= size(limits["memory"])
    for deployment in (api, worker):
        resources = container(deployment)["resources"]
        assert size(resources["requests"]["memory"]) <= size(resources["limits"]["memory"])
        assert "cpu" in resources["requests"]
    grace = worker["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace >= float(environment(worker)["CROZE_DRAIN_SECONDS"]) + TO_END_S
    assert ("nvidia.com/gpu" in limits) == (environment(worker).get("CROZE_REQUIRE_DEVICE") == "cuda")


def test_pods_may_do_nothing_that_they_need_not(rendered: list[Manifest]) -> None:
    (namespace,) = of_kind(rendered, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for each in rendered:
        assert each["kind"] == "Namespace" or each["metadata"]["namespace"] == namespace["metadata"]["name"]
    for deployment in of_kind(rendered, "Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container(deployment)["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        mounted = {mount["name"]: mount for mount in container(deployment)["volumeMounts"]}
        assert set(mounted) == {volume["name"] for volume in pod["volumes"]}
        writable = [mount["mountPath"] for mount in mounted.values() if not mount.get("readOnly")]
        assert writable == ["/tmp"]  # noqa: S108 (a folder of the pod's own)
        for variable, value in environment(deployment).items():
            if value.startswith("/"):
                assert any(value.startswith(f"{mount['mountPath']}/") for mount in mounted.values()), variable


def test_secrets_are_those_that_the_manual_makes(rendered: list[Manifest]) -> None:
    documented = set(re.findall(r"create secret generic (\S+)", DOCS))
    for deployment in of_kind(rendered, "Deployment").values():
        volumes = deployment["spec"]["template"]["spec"]["volumes"]
        (mounted,) = [volume["secret"]["secretName"] for volume in volumes if "secret" in volume]
        (url,) = [each["valueFrom"]["secretKeyRef"] for each in container(deployment)["env"] if "valueFrom" in each]
        assert mounted == url["name"]
        assert mounted in documented
        assert "--from-literal=url=" in DOCS
        assert "--from-file=password=" in DOCS
    assert not of_kind(rendered, "Secret")


def test_selectors_mean_what_they_should(rendered: list[Manifest]) -> None:
    deployments = of_kind(rendered, "Deployment")
    for name, deployment in deployments.items():
        assert chosen(deployment["spec"]["selector"], deployments) == [name]
    budgets = of_kind(rendered, "PodDisruptionBudget")
    assert sorted(budgets) == sorted(deployments)
    for name, budget in budgets.items():
        assert chosen(budget["spec"]["selector"], deployments) == [name]
    (service,) = of_kind(rendered, "Service").values()
    assert chosen({"matchLabels": service["spec"]["selector"]}, deployments) == ["api"]
    names = {port["name"] for port in container(deployments["api"])["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= names
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container(deployments["api"])[kind]["httpGet"]["port"] in names


def test_networks_let_through_what_is_needed_and_no_more(rendered: list[Manifest]) -> None:
    deployments = of_kind(rendered, "Deployment")
    policies = {name: each["spec"] for name, each in of_kind(rendered, "NetworkPolicy").items()}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert chosen(policies["dns-and-redis"]["podSelector"], deployments) == list(deployments)
    assert chosen(policies["api"]["podSelector"], deployments) == ["api"]
    assert [name for name, spec in policies.items() if "ingress" in spec] == ["api"]
    (ingress,) = policies["api"]["ingress"]
    names = {port["name"] for port in container(deployments["api"])["ports"]}
    assert {port["port"] for port in ingress["ports"]} <= names
    (allowed,) = [key["namespaceSelector"]["matchLabels"] for key in ingress["from"] if "namespaceSelector" in key]
    ((label, value),) = allowed.items()
    assert f"{label}={value}" in DOCS


def test_workers_are_scaled_by_a_figure_that_exists(rendered: list[Manifest]) -> None:
    (scaled,) = of_kind(rendered, "ScaledObject").values()
    target = of_kind(rendered, "Deployment")[scaled["spec"]["scaleTargetRef"]["name"]]
    assert "replicas" not in target["spec"]
    assert scaled["spec"]["minReplicaCount"] < scaled["spec"]["maxReplicaCount"]
    (trigger,) = scaled["spec"]["triggers"]
    assert (trigger["type"], trigger["metricType"]) == ("prometheus", "AverageValue")
    assert trigger["metadata"]["ignoreNullValues"] == "false"
    assert all(isinstance(value, str) for value in trigger["metadata"].values())
    (rules,) = loaded(ROOT / "docker" / "observability" / "croze.rules.yml")
    recorded = {rule["record"] for group in rules["groups"] for rule in group["rules"] if "record" in rule}
    metrics = re.findall(r"croze[:_]\w+(?=\{)", trigger["metadata"]["query"])
    assert metrics
    assert set(metrics) <= recorded  # test_observability.py holds these against the real API


@pytest.mark.usefixtures("redis")
def test_the_real_api_answers_the_probes(rendered: list[Manifest], redis_url: str, tmp_path: Path) -> None:
    """With the settings of the manifest, by the address of a pod, without a key; Redis there, and away."""
    api = of_kind(rendered, "Deployment")["api"]
    probes = {kind: container(api)[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    settings = environment(api)
    del settings["CROZE_REDIS_PASSWORD_FILE"]
    pod = {"Host": "10.1.2.3:8000"}
    for url, ready in ((redis_url, 200), ("redis://127.0.0.1:1", 503)):
        with api_process(url, tmp_path / "log", **settings) as (_, client):
            answers = {kind: client.get(probe["path"], headers=pod).status_code for kind, probe in probes.items()}
            assert answers == {"startup": 200, "liveness": 200, "readiness": ready}
            if ready == 200:
                assert client.get("/metrics", headers=pod).status_code == 401, "by its address, and not without a key"


def test_a_worker_is_restarted_only_if_its_heartbeat_stopped(rendered: list[Manifest], tmp_path: Path) -> None:
    deployments = of_kind(rendered, "Deployment")
    (worker,) = [each for name, each in deployments.items() if name != "api"]
    command = container(worker)["livenessProbe"]["exec"]["command"]
    note = tmp_path / "note"
    variables = {**os.environ, "CROZE_HEALTH_FILE": str(note)}

    def alive() -> bool:
        return subprocess.run(command, env=variables, timeout=60, check=False).returncode == 0

    assert alive(), "no beat yet: it waits for Redis"
    note.write_text("{}")
    assert alive()
    long_ago = time.time() - 600
    os.utime(note, (long_ago, long_ago))
    assert not alive()
