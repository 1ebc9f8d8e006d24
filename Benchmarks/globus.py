"""Measures what Globus Compute adds to a request, on the emulation of Globus. See README.md."""

import argparse
import contextlib
import http.client
import json
import pathlib
import random
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time

from federation import ROOT, Mesh, ask, chat, function_alone, globus_model, mesh
from inference import TOKEN_SECONDS, Handler, inference_server

STAND_IN = ROOT / "Tests/Mesh/first_function.py"
TOKENS, STALL_SECONDS = 200, 7
# Tokens that come closer together than this came in one burst.
BURST_SECONDS = TOKEN_SECONDS / 2
WINDOW_SECONDS, WINDOW_REQUESTS = 10, 20
REQUESTS_AT_ONCE = 50
RUN_SECONDS = 1800
WAYS = ("direct", "our function", "FIRST's kind")
# Measured with FIRST's own gateway and function, and with the Globus SDK's Executor at FIRST's settings, all on one
# machine and without Globus' own delays.
FIRST_STREAM = ("FIRST, measured behind its own gateway: first token at 1120-1170 ms against 50-120 ms direct;\n"
                "200 tokens in 9 bursts, longest gap 450-470 ms.")
FIRST_STALL = "FIRST, measured behind its own gateway: 80 of 200 tokens, then [DONE] as if all were well."
FIRST_WAITS = ("FIRST's Executor (4 submits in 16 s), measured: at 1/s median 4.44, p95 7.79; at 5/s median 4.43,\n"
               "p95 8.78; nothing is known of 50 at once.")


def say(text: str) -> None:
    """Progress: one line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def stream(node: Mesh, way: str, model: str, name: str, stall: float = 0) -> dict:
    """One stream and its times in milliseconds."""
    sent, answer = ask(node, model, name, TOKENS, stall, stream=True)
    arrivals, is_done = {}, False
    # A stream that is cut shows in what has come of it.
    with contextlib.suppress(OSError, http.client.HTTPException):
        while line := answer.readline():
            if line.startswith(b"data: [DONE]"):
                is_done = True
            elif line.startswith(b"data: ") and b'"content"' in line:
                # No two tokens are the same: one that came twice counts once.
                arrivals.setdefault(line, time.monotonic())
    if answer.status != 200 or not arrivals:
        raise SystemExit(f"globus: {way}: status {answer.status}, {len(arrivals)} tokens")
    times = list(arrivals.values())
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    return {"way": way, "tokens": len(times), "done": is_done, "firstTokenMilliseconds": (times[0] - sent) * 1000,
            "addedMilliseconds": (times[0] - Handler.answered[name]) * 1000,
            "taskMilliseconds": (Handler.received[name] - sent) * 1000,
            "bursts": 1 + sum(gap > BURST_SECONDS for gap in gaps),
            "longestGapMilliseconds": max(gaps, default=0) * 1000}


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def requests_at(node: Mesh, model: str, name: str, offsets: list[float]) -> list[float]:
    """Sends a request at each of some seconds from now: when they were really sent."""
    sent, problems = [], []
    start = time.monotonic() + 0.2

    def one(index: int, offset: float) -> None:
        time.sleep(max(0, start + offset - time.monotonic()))
        try:
            sent.append(chat(node, model, f"{name}-{index}"))
        except (OSError, ValueError, http.client.HTTPException) as problem:
            problems.append(problem)

    threads = [threading.Thread(target=one, args=item, daemon=True) for item in enumerate(offsets)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise SystemExit(f"globus: {name}: {len(problems)} of {len(offsets)} requests failed: {problems[0]}")
    return sorted(sent)


def submission(load: str, way: str, offsets: list[float], url: str, **emulated: object) -> dict:
    """How long requests wait for their submission, at a node and an emulation that have done nothing else."""
    with mesh([globus_model("bench", url, slots=256, workers=16, **emulated)]) as node:
        before = node.emulation("state")["time"]
        sent = requests_at(node, "bench", load.replace(" ", "-"), offsets)
        began = node.emulation_began()
        # All that the service counts, whatever it was for.
        log = [entry for entry in node.emulation("log") if entry["time"] > before and entry["route"] != "token"]
        client, = node.emulation("state")["clients"].values()
    submits = [entry for entry in log if entry["route"] == "submit" and entry["status"] == 200]
    submitted = [began + entry["time"] for entry in submits for _ in range(entry["tasks"])]
    if len(submitted) != len(sent):
        raise SystemExit(f"globus: {load}: {len(sent)} requests, {len(submitted)} tasks submitted")
    # One queue an endpoint, first come first served: the nth request sent is the nth task submitted.
    waits = [there - here for here, there in zip(sent, submitted)]
    times = [entry["time"] for entry in submits]
    return {"load": load, "way": way, "requests": len(sent), "submits": len(submits),
            "mostSubmitsIn10Seconds": max(sum(at <= other < at + WINDOW_SECONDS for other in times) for at in times),
            "polls": sum(entry["route"] == "batch_status" for entry in log), "throttled": client["throttled"],
            "others": sum(entry["route"] not in ("submit", "batch_status") for entry in log),
            "mostRequestsIn10Seconds": client["maximumIn10Seconds"], "medianWaitSeconds": statistics.median(waits),
            "p95WaitSeconds": percentile(waits, 0.95), "longestWaitSeconds": max(waits)}


def poisson(rate: float, seconds: float, source: random.Random) -> list[float]:
    offsets, now = [], source.expovariate(rate)
    while now < seconds:
        offsets.append(now)
        now += source.expovariate(rate)
    return offsets or [0.0]


def streaming(repeats: int, models: list[dict]) -> tuple[list[dict], list[dict]]:
    rows, stalled = [], []
    ways = list(zip(WAYS, (model["id"] for model in models)))
    with mesh(models) as node:
        for repeat in range(1, repeats + 1):
            for way, model in ways:
                say(f"streaming, repeat {repeat} of {repeats}: {way}")
                rows.append({"repeat": repeat, **stream(node, way, model, f"{model}-{repeat}")})
        for way, model in ways:
            say(f"a pause of {STALL_SECONDS} s: {way}")
            stalled.append(stream(node, way, model, f"{model}-stalled", STALL_SECONDS))
    return rows, stalled


def summarize(rows: list[dict]) -> list[dict]:
    summary = []
    for way in WAYS:
        own = [row for row in rows if row["way"] == way]
        row = {"way": way, "longestGapMilliseconds": max(row["longestGapMilliseconds"] for row in own)}
        for key in ("firstTokenMilliseconds", "addedMilliseconds", "taskMilliseconds", "bursts", "tokens"):
            row[key] = statistics.median(row[key] for row in own)
        for key in ("firstTokenMilliseconds", "addedMilliseconds"):
            row[f"longest{key[0].upper()}{key[1:]}"] = max(row[key] for row in own)
        summary.append(row)
    return summary


def tables(result: dict) -> str:
    lines = [
        f"Streams of {TOKENS} tokens, {TOKEN_SECONDS * 1000:g} ms each; {result['repeats']} each way. Milliseconds.",
        f"{'':13}{'first token':>12}{'longest':>9}{'task way':>10}{'added':>8}{'longest':>9}{'bursts':>8}"
        f"{'longest gap':>13}"]
    for row in result["streaming"]:
        lines.append(
            f"{row['way']:13}{row['firstTokenMilliseconds']:>12.0f}{row['longestFirstTokenMilliseconds']:>9.0f}"
            f"{row['taskMilliseconds']:>10.0f}{row['addedMilliseconds']:>8.1f}{row['longestAddedMilliseconds']:>9.1f}"
            f"{row['bursts']:>8.0f}{row['longestGapMilliseconds']:>13.0f}")
    direct, ours, first = (row["addedMilliseconds"] for row in result["streaming"])
    lines += [
        f"Added to direct once the task runs: our function {ours - direct:.1f} ms (aim: under 150), "
        f"{result['firstFunction']} {first - direct:.0f} ms.", FIRST_STREAM,
        "", f"A pause of {STALL_SECONDS} s in mid-stream."]
    for row in result["stall"]:
        end = "[DONE]" if row["done"] else "no [DONE]"
        lines.append(f"{row['way']:13}{row['tokens']:>5} of {TOKENS} tokens, {end}")
    lines += [
        FIRST_STALL, "",
        f"Wait for submission at one endpoint. Seconds. Allowed: {WINDOW_REQUESTS} requests of all kinds in "
        f"{WINDOW_SECONDS} s. Seed {result['seed']}.",
        f"{'':24}{'requests':>9}{'median':>8}{'p95':>7}{'longest':>9}{'submits':>9}{'in 10 s':>9}{'polls':>7}"
        f"{'other':>7}{'all in 10 s':>13}{'429s':>6}"]
    for row in result["submission"]:
        lines.append(
            f"{row['load']:11}{row['way']:13}{row['requests']:>9}{row['medianWaitSeconds']:>8.2f}"
            f"{row['p95WaitSeconds']:>7.2f}{row['longestWaitSeconds']:>9.2f}"
            f"{row['submits']:>9}{row['mostSubmitsIn10Seconds']:>9}{row['polls']:>7}"
            f"{row['others']:>7}{row['mostRequestsIn10Seconds']:>13}{row['throttled']:>6}")
    lines.append(FIRST_WAITS)
    return "\n".join(lines)


def stop(number: int, _: object) -> None:
    reason = f"not done in {RUN_SECONDS} s" if number == signal.SIGALRM else f"ended by signal {number}"
    raise SystemExit(f"globus: {reason}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="Benchmarks/globus")
    parser.add_argument("--repeats", type=int, default=10, help="streams each way, alternating (default 10)")
    parser.add_argument("--seconds", type=float, default=20, help="length of the arrivals at 1/s and 5/s (default 20)")
    parser.add_argument("--seed", type=int, default=1, help="of the arrivals' times (default 1)")
    parser.add_argument("--first-function", type=pathlib.Path, metavar="FILE",
                        help="FIRST's own function instead of the stand-in; its inference server then speaks TLS")
    parser.add_argument("--first-name", default="vllm_inference_function", metavar="NAME", help="its name in FILE")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    if not 1 <= options.repeats <= 100 or not 1 <= options.seconds <= 300:
        parser.error("--repeats: 1 to 100; --seconds: 1 to 300")
    if options.first_function and not shutil.which("openssl"):
        parser.error("--first-function needs the command openssl")
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, stop)
    signal.alarm(RUN_SECONDS)

    with tempfile.TemporaryDirectory(prefix="meshnode-bench-") as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        plain = stack.enter_context(inference_server())
        first = stack.enter_context(inference_server(folder)) if options.first_function else plain
        function = folder / "first.py"
        function.write_text(function_alone(options.first_function or STAND_IN, options.first_name))
        firsts = {"functionFile": str(function), "functionName": options.first_name}
        rows, stalled = streaming(options.repeats, [
            {"id": "direct", "backend": {"kind": "openai", "url": plain, "upstreamModel": "bench", "slots": 8}},
            globus_model("ours", plain), globus_model("first", first, **firsts)])
        source = random.Random(options.seed)
        slow, quick = (poisson(rate, options.seconds, source) for rate in (1, 5))
        waits = []
        for load, way, offsets, url, emulated in (
                (f"{REQUESTS_AT_ONCE} at once", WAYS[1], [0.0] * REQUESTS_AT_ONCE, plain, {}),
                ("1/s", WAYS[1], slow, plain, {}),
                ("5/s", WAYS[1], quick, plain, {}),
                ("5/s", WAYS[2], quick, first, firsts)):
            say(f"submission, {load}: {way}")
            waits.append(submission(load, way, offsets, url, **emulated))
    say("")
    result = {"repeats": options.repeats, "seed": options.seed, "streaming": summarize(rows), "streams": rows,
              "stall": stalled, "submission": waits,
              "firstFunction": "FIRST's own function" if options.first_function else "the stand-in for FIRST's"}
    print(json.dumps(result) if options.json else tables(result))


if __name__ == "__main__":
    main()
