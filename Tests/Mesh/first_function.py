"""A stand-in for the function that FIRST registers, to test the node's FIRST callbacks.

Ours, written from the observed protocol (FIRST.md 1.7, 2.1, 2.2), with its weaknesses: lines wait in a batch whose clock is only
looked at when the next line comes, nothing is sent twice, certificates are not verified. FIRST calls its server over https;
here it is http, so that a test's server needs no certificate. Standard library only; it is run from its source.
"""

UPSTREAM_SCHEME = "http"
BATCH_LINES = 20
BATCH_SECONDS = 0.5
DATA_SECONDS = 2
END_SECONDS = 10


def vllm_inference_function(parameters):
    import json
    import os
    import ssl
    import time
    import urllib.error
    import urllib.request

    settings = dict(parameters["model_params"])
    endpoint = settings.pop("openai_endpoint")
    port = settings.pop("api_port")
    host, gateway_port, protocol, task, token = (settings.pop(name, None) for name in (
        "streaming_server_host", "streaming_server_port", "streaming_server_protocol", "stream_task_id", "stream_task_token"))
    secret = os.environ.get("INTERNAL_STREAMING_SECRET", "default-secret-change-me")
    key = os.environ.get("OPENAI_API_KEY", "random_api_key")
    trusting = ssl._create_unverified_context()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting))
    began = time.time()

    def ask():
        health = endpoint == "health"
        return opener.open(urllib.request.Request(
            "%s://127.0.0.1:%s/%s" % (UPSTREAM_SCHEME, port, "health" if health else "v1/" + endpoint),
            None if health else json.dumps(settings).encode(),
            {"Content-Type": "application/json", "Authorization": "Bearer " + key}))

    def refusal(answer):
        return "API request failed with status code: %d\nResponse text: %s\nResponse headers: %s" % (
            answer.code, answer.read().decode("utf-8", "replace"), dict(answer.headers.items()))

    def post(kind, seconds, **fields):
        url = "%s://%s:%s/resource_server/api/streaming/%s/" % (protocol, host, gateway_port, kind)
        try:
            opener.open(urllib.request.Request(
                url, json.dumps({"task_id": task, **fields, "type": kind}).encode(),
                {"Content-Type": "application/json", "X-Internal-Secret": secret, "X-Stream-Task-Token": token}),
                timeout=seconds).close()
            return True
        except (OSError, ValueError):
            return False

    def rates(tokens):
        seconds = time.time() - began
        return {"response_time": seconds, "throughput_tokens_per_second": tokens / seconds if seconds else 0}

    if not settings.get("stream"):
        try:
            with ask() as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as answer:
            raise Exception("Unexpected error of type Exception: " + refusal(answer))
        except OSError as problem:
            raise Exception("Network error occurred: %s" % problem)
        try:
            result = json.loads(text)
        except ValueError:
            result = {"completion": text}
        return json.dumps({**result, **rates((result.get("usage") or {}).get("total_tokens", 0))}, indent=4)

    lines, chunks, sent, failed = [], 0, 0, 0
    last = time.time()

    def flush():
        nonlocal lines, sent, failed, last
        if lines:
            if post("data", DATA_SECONDS, data="\n".join(lines)):
                sent += len(lines)
            else:
                failed += 1
        lines, last = [], time.time()

    result = {"streaming": True, "task_id": task}
    try:
        with ask() as answer:
            for raw in answer:
                line = raw.decode().strip()
                if line:
                    chunks += 1
                    lines.append(line)
                    if len(lines) >= BATCH_LINES or time.time() - last >= BATCH_SECONDS:
                        flush()
        flush()
        post("done", END_SECONDS)
        result["status"] = "completed"
    except Exception as problem:
        result["error"] = refusal(problem) if isinstance(problem, urllib.error.HTTPError) else str(problem)
        result["status"] = "error"
        post("error", END_SECONDS, error=result["error"])
    result.update(rates(chunks), total_tokens=chunks, total_chunks=chunks, chunks_sent_to_server=sent)
    if failed:
        result["warning"] = "%d sends to the streaming server failed" % failed
    return json.dumps(result, indent=4)
