"""What goes wrong, as the SDK's own exception types and as plain HTTP."""

import httpx
import openai
import pytest

from harness import Mesh
from stub import CHAT_MODEL

MESSAGES = [{"role": "user", "content": "Hello."}]


def assert_openai_error(answer: httpx.Response, status: int) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    error = answer.json()["error"]
    assert {"message", "type", "param", "code"} <= error.keys()
    assert isinstance(error["message"], str) and error["message"]
    assert isinstance(error["type"], str) and error["type"]
    return error


@pytest.mark.parametrize("token", ["wrong", "x" * 4000, "tökén"])
def test_bad_token(mesh: Mesh, site: str, token: str):
    answer = httpx.get(f"{mesh.node(site).api}/v1/models", headers={"Authorization": f"Bearer {token}".encode()})
    assert_openai_error(answer, 401)


def test_no_token(mesh: Mesh, site: str):
    for method, path in [("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("GET", "/v1/models/common")]:
        answer = httpx.request(method, mesh.node(site).api + path, content=b"{}" if method == "POST" else None)
        assert_openai_error(answer, 401)
        assert answer.headers["www-authenticate"].lower().startswith("bearer")
    for scheme in ("Basic dXNlcjpw", "Bearer", mesh.tokens["user"]):
        answer = httpx.get(f"{mesh.node(site).api}/v1/models", headers={"Authorization": scheme})
        assert_openai_error(answer, 401)


def test_authentication_error(mesh: Mesh, site: str):
    with pytest.raises(openai.AuthenticationError):
        mesh.client(mesh.node(site), token="wrong").models.list()


def test_unknown_model_names_near_misses(mesh: Mesh, site: str):
    client = mesh.client(mesh.node(site))
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="comon", messages=MESSAGES)
    assert "common" in refused.value.message
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("stub-caht")
    assert CHAT_MODEL in refused.value.message


BAD_BODIES = {
    "empty": b"",
    "not JSON": b"hello",
    "cut short": b'{"model":"common","messages":[{"role":"user"',
    "an array": b'["model"]',
    "no model": b'{"messages":[]}',
    "model is a number": b'{"model":7,"messages":[]}',
    "model is null": b'{"model":null,"messages":[]}',
    "model is empty": b'{"model":"","messages":[]}',
    "rubbish behind": b'{"model":"common","messages":[]} x',
    "two values": b'{"model":"common"}{"model":"common"}',
    "not UTF-8": b'{"model":"common","messages":[{"role":"user","content":"\xff\xfe"}]}',
    "too deep": b'{"model":"common","messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
}


@pytest.mark.parametrize("name", BAD_BODIES)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"])
def test_bad_body(mesh: Mesh, path: str, name: str):
    headers = {"Content-Type": "application/json"}
    assert_openai_error(mesh.post(mesh.nodes[0], path, content=BAD_BODIES[name], headers=headers), 400)


def test_bad_request_error(mesh: Mesh, site: str):
    with pytest.raises(openai.BadRequestError):
        mesh.client(mesh.node(site)).chat.completions.create(model=None, messages=MESSAGES)


@pytest.mark.parametrize("status, kind", [
    (400, openai.BadRequestError), (403, openai.PermissionDeniedError), (404, openai.NotFoundError),
    (409, openai.ConflictError), (422, openai.UnprocessableEntityError), (429, openai.RateLimitError)])
@pytest.mark.parametrize("stream", [False, True])
def test_upstream_4xx_stays_that(mesh: Mesh, site: str, status: int, kind: type, stream: bool):
    with pytest.raises(kind) as refused:
        mesh.client(mesh.node(site)).chat.completions.create(
            model=CHAT_MODEL, messages=MESSAGES, stream=stream, extra_body={"stub_status": status})
    assert refused.value.status_code == status
    assert f"stub says {status}" in refused.value.message


def test_upstream_500_is_an_openai_error(mesh: Mesh, site: str):
    answer = mesh.chat(mesh.node(site), CHAT_MODEL, stub_status=500)
    assert answer.status_code >= 500
    assert_openai_error(answer, answer.status_code)


def test_stream_cut_by_its_backend_ends_with_an_error_event(mesh: Mesh, site: str):
    with pytest.raises(openai.APIError) as broken:
        list(mesh.client(mesh.node(site)).chat.completions.create(
            model=CHAT_MODEL, messages=MESSAGES, stream=True, extra_body={"stub_events": 9, "stub_cut_after": 3}))
    assert broken.value.type == "mesh_stream_interrupted"
    assert broken.value.body["site"] == "gamma"
    assert broken.value.body["tokensDelivered"] == 3


@pytest.mark.parametrize("path", ["/mesh/topology", "/mesh/catalog", "/mesh/route?model=common", "/metrics"])
def test_roles(mesh: Mesh, site: str, path: str):
    node = mesh.node(site)
    assert mesh.get(path, role=None, node=node).status_code == 401
    assert mesh.get(path, role="user", node=node).status_code == 403
    assert mesh.get(path, role="viewer", node=node).status_code == 200
    assert mesh.get(path, role="operator", node=node).status_code == 200


@pytest.mark.parametrize("method, path, allowed", [
    ("GET", "/v1/chat/completions", "POST"), ("PUT", "/v1/completions", "POST"), ("DELETE", "/v1/embeddings", "POST"),
    ("POST", "/v1/models", "GET"), ("DELETE", "/v1/models/common", "GET"), ("POST", "/mesh/topology", "GET"),
    ("POST", "/healthz", "GET"), ("PATCH", "/metrics", "GET")])
def test_method_not_allowed(mesh: Mesh, site: str, method: str, path: str, allowed: str):
    answer = httpx.request(method, mesh.node(site).api + path, headers=mesh.headers("operator"))
    assert answer.status_code == 405
    assert allowed in [word.strip() for word in answer.headers["allow"].split(",")]


@pytest.mark.parametrize("path", [
    "/", "/v1", "/v1/nothing", "/v1/chat/completions/", "/mesh", "/mesh/nothing", "/v2/models"])
def test_unknown_path(mesh: Mesh, path: str):
    assert mesh.get(path, role="operator").status_code == 404


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v1/models", "/mesh/topology", "/metrics", "/mesh/console"])
def test_head_is_get_without_the_body(mesh: Mesh, site: str, path: str):
    node = mesh.node(site)
    answer = httpx.head(node.api + path, headers=mesh.headers("viewer"))
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["content-type"] == mesh.get(path, node=node).headers["content-type"]
