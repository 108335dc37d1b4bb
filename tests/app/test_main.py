"""The process: light, and without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import redis as redis_driver

from app.main import create_app
from app.settings import Settings

ROOT = Path(__file__).parents[2]

_WITHOUT_TORCH = """
import sys
import app.main
assert "torch" not in sys.modules, "importing"
app.main.create_app()
assert "torch" not in sys.modules, "creating"
import httpx
from tests.app.conftest import served
from tests.app.driving import submit
from app.settings import Settings
with served(Settings(redis_url=sys.argv[1])) as url, httpx.Client(base_url=url, timeout=30) as api:
    assert submit(api).status_code == 202
    assert submit(api, architectures=["nonsense"]).status_code == 422
    assert api.get("/v1/batches").status_code == 200
assert "torch" not in sys.modules, "serving"
"""


def test_the_api_never_imports_torch(redis_url: str, redis: redis_driver.Redis) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_TORCH, redis_url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_the_public_paths_are_these() -> None:
    document = create_app(Settings(redis_url="redis://127.0.0.1:1")).openapi()

    assert {(method.upper(), path) for path, item in document["paths"].items() for method in item} == {
        ("POST", "/v1/jobs"),
        ("GET", "/v1/jobs/{job_id}"),
        ("GET", "/v1/jobs/{job_id}/scores"),
        ("POST", "/v1/jobs/{job_id}/cancel"),
        ("PUT", "/v1/jobs/{job_id}"),
        ("DELETE", "/v1/jobs/{job_id}"),
        ("GET", "/v1/jobs"),
        ("GET", "/v1/jobs/{job_id}/events"),
        ("POST", "/v1/jobs/{job_id}/retry"),
        ("GET", "/v1/jobs/{job_id}/deliveries"),
        ("POST", "/v1/jobs/{job_id}/deliveries/{delivery_id}/redeliver"),
        ("POST", "/v1/architectures/validate"),
        ("POST", "/v1/architectures/convert"),
        ("GET", "/v1/spaces"),
        ("GET", "/v1/spaces/{name}"),
        ("GET", "/v1/proxies"),
        ("GET", "/v1/aggregates"),
        ("GET", "/v1/batches"),
        ("POST", "/v1/batches"),
        ("GET", "/v1/problems"),
        ("GET", "/v1/problems/{code}"),
        ("GET", "/v1"),
        ("GET", "/livez"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/v1/workers"),
        ("GET", "/v1/scores/{digest}"),
    }
