"""Who is let in, how often, and what of others' they see: over a real connection."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.gate import OPEN_PATHS, _is_from_here, is_open
from app.main import create_app
from app.settings import Settings
from tests.app.conftest import Serve
from tests.app.driving import cells, submit, submitted, work
from workers.records import Role
from workers.store import Store

DOCUMENT = create_app(Settings(redis_url="redis://127.0.0.1:1")).openapi()
OPERATIONS = [(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item]
GUARDED = [(method, path) for method, path in OPERATIONS if not is_open(path)]
#: What is said of one job. PUT makes one: under the caller's own name, so that nobody's job can be met.
OF_A_JOB = [(method, path) for method, path in OPERATIONS if "{job_id}" in path and method != "PUT"]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def client(api: httpx.Client, store: Store, name: str, role: Role = "user") -> httpx.Client:
    """A client with a new key."""
    _, token = store.api_keys.add(name, role)
    return httpx.Client(base_url=api.base_url, headers=bearer(token), timeout=30)


@pytest.fixture
def alice(api: httpx.Client, store: Store) -> Iterator[httpx.Client]:
    with client(api, store, "alice") as one:
        yield one


@pytest.fixture
def bob(api: httpx.Client, store: Store) -> Iterator[httpx.Client]:
    with client(api, store, "bob") as one:
        yield one


def check_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert answer.json()["code"] == code
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_with_a_key_made_every_path_needs_one(api: httpx.Client, store: Store, method: str, path: str) -> None:
    assert api.request(method, path).status_code != 401, "open to this machine as long as nobody ever made a key"
    key, _ = store.api_keys.add("alice", "user")

    answer = api.request(method, path)

    check_problem(answer, 401, "missing_key")
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert "croze keys add" in answer.json()["detail"]
    store.api_keys.revoke(key.id)
    assert api.request(method, path).status_code == 401, "the last key is gone, and nothing opens"


def test_paths_that_nobody_thought_of_need_a_key_too(api: httpx.Client, store: Store) -> None:
    store.api_keys.add("alice", "user")

    for path in ("/", "/nothing", "/v1/jobs/", "/livez/", "//livez", "/v1/problems/../jobs", "/LIVEZ"):
        assert api.get(path).status_code == 401, path


@pytest.mark.parametrize("path", OPEN_PATHS)
def test_open_paths_stay_open(api: httpx.Client, store: Store, path: str) -> None:
    store.api_keys.add("alice", "user")

    assert api.get(path).status_code == (404 if path.endswith("/") else 200)
    assert api.get(path, headers=bearer("nonsense")).status_code != 401, "nobody looks"


def test_a_key_lets_in_until_it_is_revoked(api: httpx.Client, store: Store) -> None:
    old, old_token = store.api_keys.add("alice", "user")
    _, new_token = store.api_keys.add("alice", "user")
    job = api.post(
        "/v1/jobs", json={"space": "nasbench201", "architectures": cells(1)}, headers=bearer(old_token)
    ).json()
    path = job["links"]["self"]

    assert api.get(path, headers=bearer(new_token)).status_code == 200, "jobs belong to the name"
    store.api_keys.revoke(old.id)
    answer = api.get(path, headers=bearer(old_token))
    check_problem(answer, 401, "invalid_key")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert api.get(path, headers=bearer(new_token)).status_code == 200
    assert api.get(path, headers={"Authorization": f"bEaReR   {new_token}"}).status_code == 200


@pytest.mark.parametrize("accept", ["application/x-ndjson", "text/event-stream"])
def test_a_stream_ends_when_its_key_is_revoked(api: httpx.Client, store: Store, accept: str) -> None:
    key, token = store.api_keys.add("alice", "user")
    headers = {**bearer(token), "Accept": accept}
    with httpx.Client(base_url=api.base_url, headers=bearer(token)) as alice:
        job = submitted(alice, architectures=cells(2))
    work(store, job["id"], limit=1)
    path = job["links"]["events" if "event" in accept else "scores"]
    with api.stream("GET", path, headers=headers, timeout=20) as answer:
        lines = answer.iter_lines()
        assert next(lines), "what has ended comes at once"

        store.api_keys.revoke(key.id)

        for _ in lines:
            pass  # until the service ends it; the job itself would never end
    check_problem(api.get(path, headers=headers), 401, "invalid_key")


def test_a_wait_is_refused_when_its_key_is_revoked(api: httpx.Client, store: Store) -> None:
    key, token = store.api_keys.add("alice", "user")
    with httpx.Client(base_url=api.base_url, headers=bearer(token)) as alice:
        job = submitted(alice, architectures=cells(1))
    timer = threading.Timer(0.5, store.api_keys.revoke, [key.id])
    timer.start()

    answer = api.get(job["links"]["self"], params={"wait": 20}, headers=bearer(token), timeout=19)
    timer.join()

    check_problem(answer, 401, "invalid_key")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Basic YTpi", "Bearer croze_0_0", f"Bearer croze_{'0' * 12}_{'0' * 64}", "croze", "\xff"],
)
@pytest.mark.parametrize("keys_exist", [False, True])
def test_what_is_no_key_is_refused_even_where_none_is_needed(
    api: httpx.Client, store: Store, header: str, keys_exist: bool
) -> None:
    if keys_exist:
        store.api_keys.add("alice", "user")

    answer = api.get("/v1/spaces", headers=[(b"Authorization", header.encode("latin-1"))])

    check_problem(answer, 401, "invalid_key")


@pytest.mark.parametrize(
    ("access", "open_first", "open_then"), [("auto", 200, 401), ("keys", 401, 401), ("open", 200, 200)]
)
def test_who_needs_no_key_is_the_operators_choice(
    serve: Serve, redis_url: str, store: Store, access: Any, open_first: int, open_then: int
) -> None:
    api = serve(Settings(redis_url=redis_url, access=access))

    assert api.get("/v1/spaces").status_code == open_first
    _, token = store.api_keys.add("alice", "user")
    assert api.get("/v1/spaces").status_code == open_then
    assert api.get("/v1/spaces", headers=bearer(token)).status_code == 200


def test_requests_from_elsewhere_always_need_a_key(api: httpx.Client, serve: Serve, redis_url: str) -> None:
    # The server takes this header from a peer on this machine: a reverse proxy, as here.
    elsewhere = {"X-Forwarded-For": "192.0.2.7"}

    check_problem(api.get("/v1/spaces", headers=elsewhere), 401, "missing_key")
    assert api.get("/v1/spaces", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 200
    assert api.get("/v1/spaces", headers={"X-Forwarded-For": "127.0.0.1, 192.0.2.7"}).status_code == 401
    told = serve(Settings(redis_url=redis_url, access="open"))
    assert told.get("/v1/spaces", headers=elsewhere).status_code == 200


@pytest.mark.parametrize(
    ("server", "from_here"),
    [(("127.0.0.1", 1), True), (("::1", 1), True), (("192.0.2.7", 1), False), (("0.0.0.0", 1), False), (None, False)],  # noqa: S104
)
def test_both_ends_must_be_here(server: Any, from_here: bool) -> None:
    assert _is_from_here({"server": server, "client": ("127.0.0.1", 2)}) is from_here
    assert not _is_from_here({"server": server, "client": None})


def test_a_reader_may_not_write(api: httpx.Client, store: Store, alice: httpx.Client) -> None:
    path = submitted(alice)["links"]["self"]
    with client(api, store, "alice", "read") as reader:
        assert reader.get(path).status_code == 200
        check_problem(submit(reader), 403, "forbidden")
        check_problem(reader.post(f"{path}/cancel"), 403, "forbidden")
    assert alice.get(path).json()["status"] == "queued"


@pytest.mark.parametrize(("method", "path"), OF_A_JOB)
def test_jobs_of_others_do_not_exist(
    api: httpx.Client, store: Store, alice: httpx.Client, bob: httpx.Client, method: str, path: str
) -> None:
    real, unreal = submitted(alice)["id"], uuid4().hex

    def asked(who: httpx.Client, job_id: str) -> httpx.Response:
        with who.stream(method, re.sub(r"\{\w+\}", "0", path.replace("{job_id}", job_id))) as answer:
            if answer.is_error:  # a stream of events goes on as long as its job
                answer.read()
            return answer

    answer, for_nothing = asked(bob, real), asked(bob, unreal)
    check_problem(answer, 404, "unknown_job")
    assert answer.json()["detail"].replace(real, unreal) == for_nothing.json()["detail"]
    assert alice.get(f"/v1/jobs/{real}").json()["status"] == "queued", "nothing was done to it"
    with client(api, store, "root", "admin") as admin:
        found = asked(admin, real)
        assert found.status_code != 404 or found.json()["code"] == "unknown_delivery", "the job itself is found"


def test_jobs_made_while_the_service_was_open_are_the_admins(api: httpx.Client, store: Store) -> None:
    path = submitted(api)["links"]["self"]
    with client(api, store, "alice") as user, client(api, store, "root", "admin") as admin:
        check_problem(user.get(path), 404, "unknown_job")
        assert admin.get(path).status_code == 200


def test_answers_say_what_is_left_of_the_allowance(serve: Serve, redis_url: str, store: Store) -> None:
    with client(serve(Settings(redis_url=redis_url, requests_per_minute=3)), store, "alice") as user:
        headers = [user.get("/v1/spaces").headers for _ in range(3)]
        assert {each["ratelimit-policy"] for each in headers} == {'"requests";q=3;w=60'}
        assert [re.fullmatch(r'"requests";r=(\d);t=(\d+)', each["ratelimit"])[1] for each in headers] == list("210")  # type: ignore[index]

        refused = user.get("/v1/spaces")

        check_problem(refused, 429, "rate_limited")
        assert 0 < int(refused.headers["retry-after"]) <= 20
        assert refused.headers["ratelimit"].startswith('"requests";r=0;t=')
        assert "'alice' may have 3 requests a minute" in refused.json()["detail"]
        assert user.get("/livez").status_code == 200


def test_nobody_uses_up_the_allowance_of_another(serve: Serve, redis_url: str, store: Store) -> None:
    api = serve(Settings(redis_url=redis_url, requests_per_minute=1))
    key, _ = store.api_keys.add("alice", "user")
    with client(api, store, "alice") as user:
        for _ in range(3):
            guess = bearer(f"croze_{key.id}_{'0' * 64}")
            assert api.get("/v1/spaces", headers=guess).status_code == 401
        assert user.get("/v1/spaces").status_code == 200


@pytest.mark.parametrize("head", ["", "Authorization: Bearer nonsense\r\n", "used up"])
def test_the_answer_comes_before_the_body(serve: Serve, redis_url: str, store: Store, head: str) -> None:
    api = serve(Settings(redis_url=redis_url, requests_per_minute=1))
    _, token = store.api_keys.add("alice", "user")
    expected = b"HTTP/1.1 401 "
    if head == "used up":
        head, expected = f"Authorization: Bearer {token}\r\n", b"HTTP/1.1 429 "
        assert api.get("/v1/spaces", headers=bearer(token)).status_code == 200
    with socket.create_connection((api.base_url.host, api.base_url.port or 0), timeout=30) as connection:
        # A gigabyte is announced, which is above the limit for bodies too, and none of it is sent.
        connection.sendall(
            f"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\n{head}Content-Type: application/json\r\n"
            f"Content-Length: {2**30}\r\n\r\n".encode()
        )
        assert connection.recv(1000).startswith(expected)


def test_the_document_names_the_scheme_and_every_refusal() -> None:
    assert DOCUMENT["components"]["securitySchemes"]["api_key"]["scheme"] == "bearer"
    for method, path in OPERATIONS:
        operation = DOCUMENT["paths"][path][method.lower()]
        if is_open(path):
            assert "security" not in operation
            assert "401" not in operation["responses"]
        else:
            assert {"api_key": []} in operation["security"]
            assert {"401", "429", "503"} <= operation["responses"].keys()
            reads = method in ("GET", "HEAD") or path.startswith("/v1/architectures/")
            assert ("403" in operation["responses"]) == (not reads)
