"""A node that is not what its certificate says: it has a real key, and its own program."""

import base64
import json
import ssl
import struct
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certificates import Identity
from harness import Mesh, Node
from processes import dialled
from test_trust import ALPN, certificate_of, port_of

GROUP = "11111111-2222-3333-4444-555555555555"
ALICE = {
    "subject": "9c8f0000-0000-0000-0000-000000000000", "username": "alice@anl.gov", "domain": "anl.gov", "groups": [GROUP],
    "policies": [], "isServiceAccount": False}


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def signed(identity: Identity, payload: dict, kind: str) -> str:
    """A JWS (ES256) by a node's key, as the node itself would make it."""
    certificate = x509.load_pem_x509_certificate(identity.certificate_file.read_bytes())
    key = serialization.load_pem_private_key(identity.key_file.read_bytes(), None)
    header = {"alg": "ES256", "kid": certificate.fingerprint(hashes.SHA256()).hex(), "typ": kind}
    text = ".".join(encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, payload))
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def statement(identity: Identity, claims: dict, kind: str = "meshnode-identity+jws") -> str:
    """What a node says of a user."""
    return signed(identity, claims, kind)


def claims(**changes: object) -> dict:
    now = int(time.time())
    return {"iss": "alpha/a1", "aud": "beta", "federation": "tests", "iat": now, "exp": now + 60, "user": ALICE, **changes}


class Answer:
    """An answer of a mesh port."""

    def __init__(self, raw: bytes):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        self.text = raw.decode(errors="replace")
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        self.refused = self.fields.get("meshnode-refused", "")


def send(identity: Identity, url: str, path: str, body: bytes, fields: dict[str, str]) -> Answer:
    """One POST to a mesh port, by a TLS client of its own that shows a node's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([ALPN])
    context.load_cert_chain(identity.certificate_file, identity.key_file)
    lines = [f"POST {path} HTTP/1.1", "Host: mesh", f"Content-Length: {len(body)}", "Connection: close",
             *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    with dialled(("127.0.0.1", port_of(url)), 20) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall("\r\n".join(lines).encode() + body)
            answer = b""
            while part := connection.recv(65536):
                answer += part
    return Answer(answer)


def chat(node: Node, identity: Identity, model: str, says: str | None = None, **fields: str) -> Answer:
    """One request for a model on a node's mesh port; `says`: who its user is."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello."}], "max_tokens": 4}).encode()
    head = {"Content-Type": "application/json", "Meshnode-Model": model, "Meshnode-Request-Id": "req_1",
            "Meshnode-Admission": "queue", **{name.replace("_", "-"): value for name, value in fields.items()}}
    if says is not None:
        head["Meshnode-Identity"] = says
    return send(identity, node.mesh, "/v1/chat/completions", body, head)


def from_node(mesh: Mesh, site: str, identity: Identity, model: str, says: str | None = None) -> tuple[int, str, str]:
    """One request on a site's mesh port: status, `Meshnode-Refused`, and all of the answer."""
    answer = chat(mesh.node(site), identity, model, says)
    return answer.status, answer.refused, answer.text


# Gossip's wire form, as far as a liar needs it.

KINDS = {"identity": 1, "catalog": 2, "load": 3}


def origin_hash(site: str, node: str) -> int:
    """FNV-1a of the name, mixed as SplitMix64 does: as digests have it."""
    mask = 0xFFFFFFFFFFFFFFFF
    value = 0xCBF29CE484222325
    for byte in f"{site}/{node}".encode():
        value = (value ^ byte) * 0x100000001B3 & mask
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & mask
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & mask
    return value ^ (value >> 31)


def delta(site: str, node: str, kind: str, generation: int, sequence: int, token: str) -> bytes:
    """A gossip message that carries one record, which claims to be of `site/node`."""
    text = token.encode()
    return (bytes([1]) + struct.pack(">H", 0) + bytes([4, 0, 0]) + struct.pack(">H", 1)
            + struct.pack(">QB", origin_hash(site, node), KINDS[kind]) + generation.to_bytes(5, "big")
            + struct.pack(">I", sequence) + struct.pack(">I", len(text)) + text + struct.pack(">H", 0))


def gossip(node: Node, identity: Identity, message: bytes) -> Answer:
    return send(identity, node.mesh, "/meshnode/v1/gossip", message, {"Content-Type": "application/vnd.meshnode.gossip"})
