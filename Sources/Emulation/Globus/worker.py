"""Runs one task in a process of its own, as a Globus Compute worker of a given release would.

Descriptor 0 is a socket. In: 8 bytes big-endian length, then JSON {"buffer", "agent": [major, minor, patch], "serializers",
"limit"}. Out: one line of JSON, then the serialized result or the failure's text as a JSON string literal.
"""
import base64
import json
import os
import pickle
import platform
import signal
import socket
import sys
import threading
import time
import traceback

# The name that this file is compiled under.
FILE = "<worker>"


def receive(channel, count):
    parts = []
    while count:
        part = channel.recv(min(count, 1 << 20))
        if not part:
            raise SystemExit(1)
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def end_with_emulation(channel):
    """The other end never sends more: whatever comes is its end. Everything that the function started goes too."""
    try:
        channel.recv(1)
    except OSError:
        pass
    os.killpg(0, signal.SIGKILL)


class DeserializationError(Exception):
    def __init__(self, message):
        super().__init__("Deserialization failed: " + message)


class SerializationError(Exception):
    def __init__(self, message):
        super().__init__("Serialization failed: " + message)


for error in (DeserializationError, SerializationError):
    error.__module__ = "globus_compute_sdk.errors.error_types"


def unpack(text):
    buffers = []
    while text:
        length, mark, text = text.partition("\n")
        if not mark or not length.isdigit() or int(length) > len(text):
            raise DeserializationError("Invalid length delimiter: " + length[:40])
        buffers.append(text[: int(length)])
        text = text[int(length) :]
    return buffers


def load_data(buffer):
    header, body = buffer[:3], buffer[3:]
    if header == "11\n":
        return json.loads(body)
    if header == "00\n":
        return pickle.loads(base64.b64decode(body))
    if header == "13\n":
        for inner in unpack(body):
            try:
                return load_data(inner)
            except Exception:
                continue
    raise DeserializationError("Invalid header: %s in data payload" % header)


def load_code(buffer, agent):
    header, body = buffer[:3], buffer[3:]
    if header in ("st\n", "sd\n") and agent >= (3, 3, 0):
        name, _, source = body.partition(":")
    elif header in ("04\n", "03\n"):
        name, source = pickle.loads(base64.b64decode(body))
    elif header == "12\n" and agent >= (4, 0, 0):
        return load_code(unpack(body)[0], agent)
    elif header == "01\n":
        return pickle.loads(base64.b64decode(body))
    else:
        raise DeserializationError("Invalid header: %s in data payload" % header)
    if agent < (3, 3, 0):
        names = {}
        exec(source, {"__builtins__": __builtins__}, names)
    else:
        names = {}
        exec(source, names)
    return names[name]


def dump_json(value):
    return "11\n" + json.dumps(value)


def dump_pickle(value):
    return "00\n" + base64.encodebytes(pickle.dumps(value, protocol=4)).decode()


def serialize(value, names, agent):
    if not names or agent < (3, 6, 0):
        return dump_pickle(value)
    failures = []
    for name in names:
        strategy = {"JSONData": dump_json, "DillDataBase64": dump_pickle}.get(name.rpartition(".")[2])
        try:
            if strategy is None or not name.startswith("globus_compute_sdk.serialize."):
                raise ValueError("Invalid strategy-like %r." % name)
            return strategy(value)
        except Exception as error:
            failures.append(error)
    cause = failures[0]
    if sys.version_info >= (3, 11):
        cause = ExceptionGroup("Strategy failures:", failures)
    raise SerializationError("All strategies failed.") from cause


def report(error):
    """The traceback without this file's own frames, as a worker's has none of the emulation."""
    for held in (error, error.__cause__):
        while held is not None and held.__traceback__ is not None:
            if held.__traceback__.tb_frame.f_code.co_filename != FILE:
                break
            held.__traceback__ = held.__traceback__.tb_next
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    if error.__traceback__ is None and not text.startswith("Traceback"):
        head = "Traceback (most recent call last):\n"
        at = text.rfind(text_of(error))
        text = text[:at] + head + text[at:] if at >= 0 else head + text
    return text


def text_of(error):
    return "".join(traceback.format_exception_only(type(error), error))


def run(order):
    agent = tuple(order["agent"])
    buffers = unpack(order["buffer"])
    if len(buffers) != 3:
        raise DeserializationError("a task has three buffers, this has %d" % len(buffers))
    function = load_code(buffers[0], agent)
    arguments, keywords = load_data(buffers[1]), load_data(buffers[2])
    value = function(*arguments, **keywords)
    text = serialize(value, order["serializers"], agent)
    if len(text) > order["limit"]:
        return False, "MaxResultSizeExceeded(%d, %d)" % (len(text), order["limit"])
    return True, text


def main():
    channel = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    order = json.loads(receive(channel, int.from_bytes(receive(channel, 8), "big")))
    threading.Thread(target=end_with_emulation, args=(channel,), daemon=True).start()
    start = time.time()
    try:
        succeeded, text = run(order)
    except BaseException as error:
        succeeded, text = False, report(error)
    head = {
        "success": succeeded,
        "start": start,
        "end": time.time(),
        "os": platform.platform(),
        "python": platform.python_version(),
    }
    sys.stdout.flush()
    sys.stderr.flush()
    channel.sendall(json.dumps(head).encode() + b"\n" + json.dumps(text).encode())
    channel.shutdown(socket.SHUT_WR)
    # Threads that the function left must not keep the process.
    os._exit(0)


main()
