"""The stand-in for FIRST's function does what FIRST's does (FIRST.md 1.7, 2.2)."""

import json
import pathlib

import pytest

MODULE = pathlib.Path(__file__).resolve().parents[1] / "Mesh/first_function.py"
ENVIRONMENT = {"INTERNAL_STREAMING_SECRET": "shared", "OPENAI_API_KEY": "sk-1"}


@pytest.fixture
def first(work, node, server):
    def start(**parameters):
        return work(MODULE, "vllm_inference_function", {"model_params": {
            "model": "m", "openai_endpoint": "chat/completions", "api_port": server.port, **parameters}}, environment=ENVIRONMENT)

    return start


@pytest.fixture
def streaming(first, node):
    return lambda: first(stream=True, streaming_server_host="127.0.0.1", streaming_server_port=node.port,
                         streaming_server_protocol="https", stream_task_id="t1", stream_task_token="secret-1")


def posted(node, status: int = 200) -> tuple[str, dict]:
    call = node.accept()
    first, fields, body = call.request()
    assert (fields["x-internal-secret"], fields["x-stream-task-token"]) == ("shared", "secret-1")
    call.answer(status, b'{"status":"received"}')
    call.close()
    return first.split()[1], json.loads(body)


def test_lines_go_in_batches_of_twenty(node, server, streaming):
    worker = streaming()
    upstream = server.accept()
    first, fields, body = upstream.request()
    assert (first, fields["authorization"], json.loads(body)) == (
        "POST /v1/chat/completions HTTP/1.1", "Bearer sk-1", {"model": "m", "stream": True})
    upstream.begin_stream()
    for index in range(21):
        upstream.chunk(b"data: %d\n\n" % index)
    batch = "\n".join(f"data: {index}" for index in range(20))
    assert posted(node) == ("/resource_server/api/streaming/data/", {"task_id": "t1", "data": batch, "type": "data"})
    upstream.chunk(b"data: [DONE]\n\n")
    upstream.end_stream()
    upstream.close()
    assert posted(node)[1] == {"task_id": "t1", "data": "data: 20\ndata: [DONE]", "type": "data"}
    assert posted(node) == ("/resource_server/api/streaming/done/", {"task_id": "t1", "type": "done"})
    result = json.loads(worker.result())
    assert (result["status"], result["total_chunks"], result["chunks_sent_to_server"], "warning" in result) == (
        "completed", 22, 22, False)


def test_what_the_gateway_does_not_take_is_lost(node, server, streaming):
    worker = streaming()
    upstream = server.accept()
    upstream.request()
    upstream.answer(200, b"data: 1\n\n")
    posted(node, 413)
    posted(node)
    result = json.loads(worker.result())
    assert (result["status"], result["chunks_sent_to_server"]) == ("completed", 0) and result["warning"]


def test_a_refusal_in_a_stream_is_an_error(node, server, streaming):
    worker = streaming()
    upstream = server.accept()
    upstream.request()
    upstream.answer(400, b'{"error":{"message":"too long"}}')
    path, body = posted(node)
    assert (path, body["type"]) == ("/resource_server/api/streaming/error/", "error")
    assert body["error"].startswith('API request failed with status code: 400\nResponse text: {"error":{"message":"too long"}}\n')
    assert json.loads(worker.result())["status"] == "error"


def test_a_whole_answer(server, first):
    worker = first()
    upstream = server.accept()
    upstream.request()
    upstream.answer(200, b'{"id":"x","usage":{"total_tokens":8}}')
    upstream.close()
    result = json.loads(worker.result())
    assert set(result) == {"id", "usage", "response_time", "throughput_tokens_per_second"}


def test_a_refusal_is_raised(server, first):
    worker = first()
    upstream = server.accept()
    upstream.request()
    upstream.answer(404, b'{"error":{"message":"no such model"}}')
    upstream.close()
    _, errors = worker.process.communicate(timeout=30)
    assert ("Exception: Unexpected error of type Exception: API request failed with status code: 404\n"
            'Response text: {"error":{"message":"no such model"}}\nResponse headers: {') in errors
