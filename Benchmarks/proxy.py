"""Compares a MeshNode node with nginx's `proxy_pass` in front of the same plain backend. See README.md."""

import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = ROOT / ".build/release/meshnode"
NGINX = "/usr/sbin/nginx" if os.path.exists("/usr/sbin/nginx") else "nginx"
MODEL = "bench"
READY_SECONDS = 70
SERVER_CPU, LOAD_CPU = 0, 1

ANSWER = {
    "id": "chatcmpl-bench", "object": "chat.completion", "created": 1, "model": MODEL,
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "word " * 150}}],
    "usage": {"prompt_tokens": 150, "completion_tokens": 150, "total_tokens": 300},
}
REQUEST = {
    "model": MODEL, "temperature": 0.5, "max_tokens": 150,
    "messages": [{"role": "system", "content": "You are a bench mark."}, {"role": "user", "content": "word " * 165}],
}
MODELS = {"object": "list", "data": [
    {"id": MODEL, "object": "model", "created": 1, "owned_by": "bench", "max_model_len": 1000000}]}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what: str, probe: Callable[[], object], seconds: float = READY_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, ValueError):
            if probe():
                return
        if time.monotonic() > deadline:
            raise SystemExit(f"proxy: not within {seconds:g} s: {what}")
        time.sleep(0.05)


def nginx_text(value: object) -> str:
    """A JSON value as a quoted string of nginx's configuration."""
    text = json.dumps(value).replace("\\", "\\\\").replace("'", "\\'")
    assert "$" not in text
    return f"'{text}'"


def backend_server(port: int) -> str:
    return f"""
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location = /health {{ return 200 '{{"status":"ok"}}'; }}
        location = /v1/models {{ return 200 {nginx_text(MODELS)}; }}
        location = /v1/chat/completions {{ return 200 {nginx_text(ANSWER)}; }}
    }}"""


def proxy_server(port: int, backend: int) -> str:
    return f"""
    upstream backend {{ server 127.0.0.1:{backend}; keepalive 128; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}"""


@contextlib.contextmanager
def running(command: list, cpu: int, log: pathlib.Path) -> Iterator[subprocess.Popen]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["taskset", "-c", str(cpu), *map(str, command)], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def nginx(role: str, server: str, cpu: int, port: int, folder: pathlib.Path) -> Iterator[int]:
    """Runs one nginx and gives its worker's process id."""
    text = (HERE / "nginx.conf.in").read_text()
    for key, value in {"FOLDER": str(folder), "ROLE": role, "SERVER": server}.items():
        text = text.replace(f"@{key}@", value)
    configuration = folder / f"{role}.conf"
    configuration.write_text(text)
    log = folder / f"{role}.log"
    # Without -e nginx would first open the system's error log, which only root may.
    command = [NGINX, "-e", folder / f"{role}.error.log", "-p", folder, "-c", configuration]
    with running(command, cpu, log) as process:
        wait_for(f"nginx as {role} answers", lambda: process.poll() is not None or get(f"http://127.0.0.1:{port}/health"))
        if process.poll() is not None:
            raise SystemExit(f"proxy: nginx as {role} ended: {log.read_text()}")
        yield int(pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])


def get(url: str, token: str | None = None) -> bytes:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
        return answer.read()


@contextlib.contextmanager
def node(backend: int, folder: pathlib.Path, loops: int) -> Iterator[tuple[int, str, str]]:
    """Runs one node with everything it has switched on; gives its process id, URL and a user's token.

    `up` makes the federation, its certificates and the node's configuration; then the node alone is run from that
    configuration, with as many event loops as nginx has workers."""
    ready = folder / "ready.json"
    token = "bench-token-of-a-user"
    topology = folder / "bench.json5"
    topology.write_text(json.dumps({
        "federation": "bench",
        "tokens": {"user": token, "viewer": "bench-token-of-a-viewer", "operator": "bench-token-of-an-operator"},
        "sites": [{"site": "alpha", "nodes": [{"node": "a1", "apiPort": free_port(), "meshPort": free_port()}], "models": [{
            "id": MODEL, "backend": {"kind": "openai", "url": f"http://127.0.0.1:{backend}/v1", "slots": 1024}}]}],
    }))
    log = folder / "meshnode.log"
    up = [PROGRAM, "up", topology, "--state", folder / "state", "--ready-file", ready]
    with running(up, SERVER_CPU, log) as process:
        wait_for("the federation is up", lambda: process.poll() is not None or ready.exists())
        if process.poll() is not None:
            raise SystemExit(f"proxy: meshnode up ended: {log.read_text()}")
        entry = json.loads(ready.read_text())["nodes"][0]
        arguments = pathlib.Path(f"/proc/{entry['pid']}/cmdline").read_bytes().decode().split("\0")
        original = pathlib.Path(arguments[arguments.index("--config") + 1])
        text, changes = re.subn(r'(["\']?\bloops["\']?\s*:\s*)\d+', rf"\g<1>{loops}", original.read_text())
        if changes != 1:
            raise SystemExit(f"proxy: {original} does not set loops")
    configuration = original.with_name("bench.json5")
    configuration.write_text(text)
    with running([PROGRAM, "serve", "--config", configuration], SERVER_CPU, log) as process:
        url = entry["api"]
        wait_for("the node offers the model", lambda: process.poll() is not None or MODEL in get(
            f"{url}/v1/models", token).decode())
        if process.poll() is not None:
            raise SystemExit(f"proxy: meshnode serve ended: {log.read_text()}")
        yield process.pid, url, token


def cpu_nanoseconds(pid: int) -> int:
    """Time on a processor of a process's threads, those that have ended included: the kernel's clock of that process
    (clock_getcpuclockid(3)), the sum of what /proc/PID/task/*/schedstat shows."""
    scheduler_clock = 2
    return time.clock_gettime_ns((~pid << 3) | scheduler_clock)


def drive(url: str, token: str, seconds: float, connections: int, folder: pathlib.Path) -> dict:
    """Loads a server with wrk; gives requests completed, requests a second and errors."""
    script = folder / "post.lua"
    script.write_text(
        'wrk.method = "POST"\n'
        f"wrk.body = [==[{json.dumps(REQUEST)}]==]\n"
        'wrk.headers["Content-Type"] = "application/json"\n'
        f'wrk.headers["Authorization"] = "Bearer {token}"\n'
        "done = function(summary, latency, requests)\n"
        '  local e = summary.errors\n'
        '  io.write(string.format("RESULT %d %d %d %d\\n", summary.requests, summary.duration,\n'
        "    e.connect + e.read + e.write + e.timeout + e.status, latency:percentile(50)))\n"
        "end\n")
    output = subprocess.run(
        ["taskset", "-c", str(LOAD_CPU), "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(script),
         f"{url}/v1/chat/completions"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"^RESULT (\d+) (\d+) (\d+) (\d+)$", output, re.MULTILINE)
    if not found:
        raise SystemExit(f"proxy: cannot read wrk's output:\n{output}")
    requests, microseconds, errors, median = map(int, found.groups())
    return {"requests": requests, "requestsPerSecond": requests * 1e6 / microseconds, "errors": errors,
            "medianMilliseconds": median / 1000}


def measure(name: str, pid: int, url: str, token: str, options: argparse.Namespace, folder: pathlib.Path) -> dict:
    drive(url, token, options.warm_up, options.connections, folder)
    before = cpu_nanoseconds(pid)
    result = drive(url, token, options.seconds, options.connections, folder)
    spent = cpu_nanoseconds(pid) - before
    if result["errors"] or not result["requests"]:
        raise SystemExit(f"proxy: {name}: {result['errors']} errors in {result['requests']} requests")
    return {"server": name, **result, "cpuMicrosecondsPerRequest": spent / result["requests"] / 1000}


def table(results: list[dict], summary: dict) -> str:
    lines = [f"{'':10}{'repeat':>7}{'req/s':>10}{'CPU us/req':>12}{'median ms':>11}"]
    for row in results:
        lines.append(f"{row['server']:10}{row['repeat']:>7}{row['requestsPerSecond']:>10.0f}"
                     f"{row['cpuMicrosecondsPerRequest']:>12.2f}{row['medianMilliseconds']:>11.2f}")
    lines.append("")
    for name in ("nginx", "meshnode"):
        if name in summary:
            lines.append(f"{name:10}{'median':>7}{summary[name]['requestsPerSecond']:>10.0f}"
                         f"{summary[name]['cpuMicrosecondsPerRequest']:>12.2f}")
    if summary["cpuRatio"] is not None:
        lines.append(f"CPU a request, meshnode to nginx: median ratio {summary['cpuRatio']:.2f} "
                     f"(of the repeats: {', '.join(f'{ratio:.2f}' for ratio in summary['cpuRatios'])}); aim: at most 1.30")
    return "\n".join(lines)


def summarize(results: list[dict]) -> dict:
    summary: dict = {"cpuRatio": None, "cpuRatios": []}
    by_name = {name: [row for row in results if row["server"] == name] for name in ("nginx", "meshnode")}
    for name, rows in by_name.items():
        if rows:
            summary[name] = {key: statistics.median(row[key] for row in rows)
                             for key in ("requestsPerSecond", "cpuMicrosecondsPerRequest")}
    # Each repeat's own ratio: the machine's speed drifts more between repeats than within one.
    summary["cpuRatios"] = [ours["cpuMicrosecondsPerRequest"] / theirs["cpuMicrosecondsPerRequest"]
                            for ours, theirs in zip(by_name["meshnode"], by_name["nginx"])]
    if summary["cpuRatios"]:
        summary["cpuRatio"] = statistics.median(summary["cpuRatios"])
    return summary


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError("more than 0, at most 3600")
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="Benchmarks/proxy")
    parser.add_argument("--repeats", type=int, default=3, help="measurements of each server, alternating (default 3)")
    parser.add_argument("--seconds", type=positive, default=5, help="length of a measurement (default 5)")
    parser.add_argument("--warm-up", type=positive, default=1, help="seconds of load before each (default 1)")
    parser.add_argument("--connections", type=int, default=64, help="kept connections (default 64)")
    parser.add_argument("--loops", type=int, default=1, help="event loops of the node; nginx has one worker (default 1)")
    parser.add_argument("--only", choices=["nginx", "meshnode"], help="measure one of the two")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("proxy: needs two processors: one for the server, one for the load")

    results = []
    with tempfile.TemporaryDirectory(prefix="meshnode-bench-") as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        backend, front = free_port(), free_port()
        stack.enter_context(nginx("backend", backend_server(backend), LOAD_CPU, backend, folder))
        servers = []
        if options.only != "meshnode":
            worker = stack.enter_context(nginx("proxy", proxy_server(front, backend), SERVER_CPU, front, folder))
            servers.append(("nginx", worker, f"http://127.0.0.1:{front}", "unused"))
        if options.only != "nginx":
            servers.append(("meshnode", *stack.enter_context(node(backend, folder, options.loops))))
        for repeat in range(1, options.repeats + 1):
            for server in servers:
                results.append({"repeat": repeat, **measure(*server, options, folder)})
                row = results[-1]
                print(f"{row['server']} {repeat}: {row['requestsPerSecond']:.0f} req/s", file=sys.stderr)

    summary = summarize(results)
    print(json.dumps({"results": results, "summary": summary}) if options.json else table(results, summary))


if __name__ == "__main__":
    main()
