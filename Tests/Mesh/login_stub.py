"""A stand-in for Globus Auth and for a node's own answers about logging in and keys, on one port, for the commands' tests.

Tests change `life`, `away` and `revoked` to steer it, and read `log` for what it was asked.
"""

import base64
import hashlib
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT = "0b7a5f3e-0000-4000-8000-000000000001"
SITES = {"alpha": "server-alpha", "beta": "server-beta"}


def scope_of(server: str) -> str:
    return f"https://auth.globus.org/scopes/{server}/action_all"


class LoginStub:
    """Serves on every address that it is asked to have: the first is alpha's node and Auth, the second beta's node."""

    def __init__(self, federation: str = "tests"):
        self.federation = federation
        self.life = 172_800
        self.away = False  # Auth answers 503
        self.log: list[tuple[str, dict]] = []
        self.codes: dict[str, dict] = {}
        self.refresh: dict[str, str] = {}  # refresh token: resource server
        self.access: dict[str, str] = {}  # access token: resource server
        self.revoked: set[str] = set()
        self.keys: list[dict] = []
        self.lock = threading.Lock()
        self.servers = []
        for site in SITES:
            bound = type("Bound", (Handler,), {"stub": self, "site": site})
            server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
            server.daemon_threads = True
            self.servers.append(server)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.urls = {site: f"http://127.0.0.1:{server.server_address[1]}" for site, server in zip(SITES, self.servers)}
        self.auth = self.urls["alpha"]

    def close(self) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def asked(self, what: str) -> list[dict]:
        return [fields for name, fields in self.log if name == what]

    def authorize(self, page: str, refuse: bool = False) -> str:
        """What a user does in the browser: consents on the page, and is sent to the address that this gives."""
        parts = urlsplit(page)
        assert f"{parts.scheme}://{parts.netloc}" == self.auth and parts.path == "/v2/oauth2/authorize"
        fields = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=True).items()}
        assert fields["client_id"] == CLIENT and fields["response_type"] == "code"
        assert fields["code_challenge_method"] == "S256" and fields["access_type"] == "offline"
        if refuse:
            back = {"error": "access_denied", "state": fields["state"]}
        else:
            code = secrets.token_urlsafe(16)
            self.codes[code] = fields
            back = {"code": code, "state": fields["state"]}
        return f"{fields['redirect_uri']}?{urlencode(back)}"

    def issue(self, server: str, refresh: str | None = None) -> dict:
        access, refresh = secrets.token_urlsafe(24), refresh or secrets.token_urlsafe(24)
        self.access[access], self.refresh[refresh] = server, server
        return {"access_token": access, "refresh_token": refresh, "expires_in": self.life, "token_type": "Bearer",
                "resource_server": server, "scope": scope_of(server)}

    def token(self, form: dict) -> tuple[int, object]:
        assert form["client_id"] == CLIENT
        if form["grant_type"] == "refresh_token":
            refresh = form["refresh_token"]
            if refresh not in self.refresh or refresh in self.revoked:
                return 400, {"error": "invalid_grant"}
            return 200, {**self.issue(self.refresh[refresh], refresh), "other_tokens": []}
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if not asked or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant", "error_description": "no such code"}
        first, *others = [self.issue(server) for server in SITES.values() if scope_of(server) in asked["scope"].split()]
        return 200, {**first, "other_tokens": others}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two writes: without this the second waits for the first to be acknowledged, up to 40 ms.
    disable_nagle_algorithm = True
    stub: LoginStub
    site: str

    def log_message(self, *_):
        pass

    def answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status: int, message: str) -> None:
        self.answer(status, {"error": {"message": message, "type": "invalid_request_error", "code": None}})

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def is_known(self) -> bool:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.stub.access.get(token) == SITES[self.site] and token not in self.stub.revoked:
            return True
        self.refuse(401, f"this node takes tokens with the scope {scope_of(SITES[self.site])}")
        return False

    def do_GET(self):
        stub = self.stub
        path = urlsplit(self.path).path
        if path == "/.well-known/meshnode":
            return self.answer(200, {
                "federation": stub.federation, "site": self.site, "node": "n1", "version": "0.1.0",
                "authentication": {
                    "methods": ["globus"], "authorizationServer": stub.auth, "nativeClientId": CLIENT,
                    "scopes": [{"site": site, "scope": scope_of(server), "apis": [stub.urls[site]]}
                               for site, server in SITES.items()]}})
        if not self.is_known():
            return None
        if path == "/v1/models":
            return self.answer(200, {"data": [{"id": f"model-of-{self.site}", "state": "running", "sites": [],
                                               "capabilities": ["chat"]}]})
        if path == "/v1/keys":
            if "all=true" in self.path:
                return self.refuse(403, "the keys of all are for operators")
            return self.answer(200, {"object": "list", "data": stub.keys})
        return self.refuse(404, "no such route")

    def do_POST(self):
        stub = self.stub
        body = self.body()
        if self.path == "/v1/keys":
            if not self.is_known():
                return None
            wanted = json.loads(body)
            stub.log.append(("key", wanted))
            key = {"id": f"k{len(stub.asked('key'))}", "createdAt": "2026-11-24T19:00:00Z",
                   "expiresAt": "2026-12-01T19:00:00Z", "lastUsedAt": None, "tokensToday": 0, "owner": "ada@alpha.example",
                   **wanted}
            stub.keys.append(key)
            return self.answer(201, {**key, "key": f"mk-{secrets.token_urlsafe(16)}"})
        form = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}
        assert "Authorization" not in self.headers
        if stub.away:
            return self.answer(503, {"error": "unavailable"})
        with stub.lock:
            if self.path == "/v2/oauth2/token":
                stub.log.append((form["grant_type"], form))
                return self.answer(*stub.token(form))
            assert self.path == "/v2/oauth2/token/revoke"
            stub.log.append(("revoke", form))
            stub.revoked.add(form["token"])
            return self.answer(200, {"active": False})

    def do_DELETE(self):
        if not self.is_known():
            return None
        found = [key for key in self.stub.keys if self.path == f"/v1/keys/{key['id']}"]
        if not found:
            return self.refuse(404, "there is no such key")
        self.stub.keys.remove(found[0])
        return self.answer(200, {"id": found[0]["id"], "object": "key", "deleted": True})
