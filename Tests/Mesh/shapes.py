"""Says whether a JSON value has the shape that the contract gives it. Unknown keys are allowed, missing ones are not."""

import datetime
import re
from collections.abc import Callable

Shape = object  # a dict of shapes, a one-element list of a shape, or a function from value to bool


def problems(value: object, shape: Shape, where: str = "$") -> list[str]:
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{where} is not an object: {value!r}"]
        missing = [f"{where}.{key} is missing" for key in shape if key not in value]
        return missing + [
            found for key in shape if key in value for found in problems(value[key], shape[key], f"{where}.{key}")]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where} is not a list: {value!r}"]
        return [found for index, item in enumerate(value) for found in problems(item, shape[0], f"{where}[{index}]")]
    return [] if shape(value) else [f"{where} is {value!r}, not {shape.__name__}"]


def assert_shape(value: object, shape: Shape) -> None:
    found = problems(value, shape)
    assert not found, "\n".join(found)


def text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def flag(value: object) -> bool:
    return isinstance(value, bool)


def count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def duration(value: object) -> bool:
    return number(value) and value >= 0


def instant(value: object) -> bool:
    """RFC 3339 in UTC."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value):
        return False
    datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    return True


def url(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"https?://[^/]+", value) is not None


def one_of(*words: str) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        return value in words

    check.__name__ = f"one of {', '.join(words)}"
    return check


def unknown_or(shape: Callable[[object], bool]) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        return value is None or shape(value)

    check.__name__ = f"null or {shape.__name__}"
    return check


def texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


MODEL_STATE = one_of(
    "running", "starting", "queued", "stopped", "failed", "offline", "disconnected", "maintenance", "unknown")
NODE_STATE = one_of("alive", "suspect", "unreachable", "dead", "left")
REASON = one_of("home", "affinity", "spill", "only", "failover", "bounce", "direct", "continued", "pinned")
BACKEND = one_of("openai", "globusCompute", "first", "simulated")

TOPOLOGY = {
    "federation": text,
    "self": {"site": text, "node": text},
    "at": instant,
    "sites": [{
        "site": text,
        "nodes": [{
            "node": text, "state": NODE_STATE, "draining": flag, "generation": count, "api": url, "mesh": url,
            "via": unknown_or(text), "version": unknown_or(text), "heardSecondsAgo": unknown_or(duration),
            "certificateExpires": unknown_or(instant)}],
        "models": [{
            "id": text, "state": MODEL_STATE, "backend": BACKEND, "slots": unknown_or(count), "running": unknown_or(count),
            "waiting": unknown_or(count), "etaSeconds": unknown_or(duration),
            "walltimeRemainingSeconds": unknown_or(duration)}],
    }],
    "links": [{
        "from": text, "to": text, "state": one_of("up", "down"), "rttMilliseconds": unknown_or(duration),
        "exchangedSecondsAgo": unknown_or(duration)}],
}

CATALOG = {
    "at": instant,
    "models": [{
        "id": text,
        "sites": [{
            "site": text, "node": text, "state": MODEL_STATE, "backend": BACKEND, "aliases": texts,
            "contextTokens": unknown_or(count), "capabilities": unknown_or(texts), "policy": unknown_or(text),
            "version": {"generation": count, "sequence": count}, "ageSeconds": unknown_or(duration)}],
    }],
}

ROUTE = {
    "model": text,
    "chosen": unknown_or(text),
    "reason": unknown_or(text),
    "candidates": [{
        "site": text, "score": unknown_or(number), "state": MODEL_STATE, "ageSeconds": unknown_or(duration),
        "excluded": unknown_or(text)}],
}

READY = {
    "federation": text,
    "nodes": [{"site": text, "node": text, "api": url, "mesh": url, "pid": count, "state": text}],
    "tokens": {"user": text, "viewer": text, "operator": text},
    "ca": text,
}
