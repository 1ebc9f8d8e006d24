"""An HTTP CONNECT proxy that the tests command: it may refuse, want credentials, cut idle tunnels, or look inside TLS."""

import base64
import selectors
import socket
import ssl
import threading
import time

from certificates import Authority


class ConnectProxy:
    """Use as a context manager.

    - `refuse`: the status that every CONNECT is answered with.
    - `credentials`: `user:password` that a client must bring.
    - `idle_seconds`: a tunnel without a byte for this long is cut; with `silently` nobody is told, and bytes just go nowhere.
    - `inspector`: an authority; the proxy then ends TLS itself with a certificate of it, as inspecting proxies do.
    """

    def __init__(self, refuse: int | None = None, credentials: str | None = None, idle_seconds: float | None = None,
                 silently: bool = False, inspector: Authority | None = None, address: str = "127.0.0.1"):
        self.refuse = refuse
        self.credentials = credentials
        self.idle_seconds = idle_seconds
        self.silently = silently
        self.inspector = inspector
        self.targets: list[str] = []
        self.cut = 0
        self.open: list["Tunnel"] = []
        self.server = socket.create_server((address, 0), backlog=64)
        self.port = self.server.getsockname()[1]
        self.url = f"http://{address}:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "ConnectProxy":
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()
        for tunnel in list(self.open):
            tunnel.close()

    def asked_for(self, port: int) -> int:
        """How often a tunnel to a port was asked for."""
        return sum(target.endswith(f":{port}") for target in self.targets)

    def oldest(self, port: int) -> float:
        """Seconds that the oldest tunnel to a port has lived that still passes bytes; 0 without one."""
        ages = [time.monotonic() - tunnel.begun for tunnel in list(self.open)
                if tunnel.target.endswith(f":{port}") and not tunnel.is_cut]
        return max(ages, default=0)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                part = client.recv(4096)
                if not part or len(head) > 65536:
                    return client.close()
                head += part
            lines = head.decode().split("\r\n")
            method, target, _ = lines[0].split(" ", 2)
            fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            self.targets.append(target)
            status = self._status(method, fields)
            if status != 200:
                client.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
                return client.close()
            host, _, port = target.rpartition(":")
            try:
                upstream = socket.create_connection((host.strip("[]"), int(port)), 5)
            except OSError:
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return client.close()
            client.sendall(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 tests\r\n\r\n")
            if self.inspector:
                client = self._inspect(client)
            tunnel = Tunnel(self, target, client, upstream)
            self.open.append(tunnel)
            tunnel.run()
            self.open.remove(tunnel)
        except (OSError, ValueError):
            client.close()

    def _status(self, method: str, fields: dict[str, str]) -> int:
        if self.refuse:
            return self.refuse
        if method != "CONNECT":
            return 405
        if self.credentials:
            wanted = "Basic " + base64.b64encode(self.credentials.encode()).decode()
            return 200 if fields.get("proxy-authorization") == wanted else 407
        return 200

    def _inspect(self, client: socket.socket) -> socket.socket:
        identity = self.inspector.issue("inspected", "i1", identities=[])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.certificate_file, identity.key_file)
        return context.wrap_socket(client, server_side=True)


class Tunnel:
    """Bytes both ways, until one side ends or nothing was said for too long."""

    def __init__(self, proxy: ConnectProxy, target: str, client: socket.socket, upstream: socket.socket):
        self.proxy = proxy
        self.target = target
        self.ends = (client, upstream)
        self.begun = time.monotonic()
        self.is_cut = False

    def run(self) -> None:
        client, upstream = self.ends
        selector = selectors.DefaultSelector()
        selector.register(client, selectors.EVENT_READ, upstream)
        selector.register(upstream, selectors.EVENT_READ, client)
        try:
            while True:
                ready = selector.select(self.proxy.idle_seconds)
                if not ready:
                    self.is_cut = True
                    self.proxy.cut += 1
                    if not self.proxy.silently:
                        return
                    selector.select(None)
                    # Whoever speaks now is not heard, and not told.
                    time.sleep(3600)
                for key, _ in ready:
                    part = key.fileobj.recv(65536)
                    if not part:
                        return
                    key.data.sendall(part)
        except OSError:
            pass
        finally:
            self.close()

    def close(self) -> None:
        for end in self.ends:
            try:
                end.close()
            except OSError:
                pass
