"""Runs beside an inference server and brings its answer to a mesh node as it is made. Python 3.9 and newer, standard library.

Everything is inside the one function, imports too: old workers run this source with separate globals and locals.

The order:
    {"version": 1, "task": "<name>",
     "request": {"path": "/v1/chat/completions", "body": "<JSON text>" or null for a GET, "stream": true, "headers": {}},
     "server": {"url": "http://127.0.0.1:8000" | "https://..." | "unix:/path", "keyEnvironment": "NAME" | null,
                "caFile": null | "/path", "ca": null | "PEM", "verify": true},
     "callback": {"url": "https://node/...", "token": "<secret>", "ca": null | "PEM", "connectSeconds": 5,
                  "proxy": null | "http://proxy:3128" | "https://proxy:3129" | "environment" (its https_proxy)} | null,
     "timeouts": {"connectSeconds": 10, "firstByteSeconds": 300, "stallSeconds": 300, "totalSeconds": 3600},
     "resultBytes": 8388608}
or {"version": 1, "probe": true}, with or without a callback, which only tries to reach the node.

The node gets one chunked POST; each chunk is a frame: a kind (1 byte), a length (4 bytes, big-endian), a payload.
    S started {"host", "python", "function"}    H head {"status", "contentType", "retryAfter"}    D bytes of the answer
    E broken {"code", "message"}                Z whole {"bytes"}
The node leaves by closing or by answering before the end; the connection to the inference server is then closed at once,
which is how that learns to stop. If the node cannot be reached, the whole answer is the task's result.

The result, for all trouble that can be expected ("sent" and "bytes" count the answer's bytes):
    {"version": 1, "status": "streamed", "bytes", "http"}       {"version": 1, "status": "aborted", "sent", "why"}
    {"version": 1, "status": "returned", "http", "contentType", "retryAfter", "body" or "bodyBase64", "why"}
    {"version": 1, "status": "failed", "code", "message"}, with "sent" if the node was told
    {"version": 1, "status": "ready", "host", "python", "function", "callback": null | "reachable" | "could not ..."}

The server's key comes from the environment variable named; the proxy's credentials from MESHNODE_PROXY_CREDENTIALS
(user:password), or from https_proxy if that names the same proxy. None is ever printed or returned.
"""


def meshnode_inference(order):
    import base64, errno, http.client, io, json, os, platform, re, select, socket, ssl, struct, threading
    from time import monotonic as now, sleep
    from urllib.parse import unquote, urlsplit

    function_version = "1.0.0"
    receive_bytes = 65536  # Also the most in one frame.
    head_bytes = 65536
    # Globus Compute loses a result of more than 10485760 characters of serialized text; the rest is left for the envelope.
    serialized_characters = 10400000
    answer_seconds = 10
    longest_seconds = 7 * 86400
    own_fields = ("host", "connection", "content-length", "transfer-encoding", "authorization", "content-type", "accept", "te",
                  "accept-encoding", "expect", "trailer", "upgrade", "keep-alive", "proxy-authorization")

    secrets = []
    opened = []  # Sockets to close at the end, whatever happens.
    node = None  # The node's end once it was reached: `pause` watches it, whatever else is waited for.

    class Late(OSError):
        """Something was waited for too long."""

    class NodeGone(Exception):
        """The node closed, refused, or takes no more."""

    class Trouble(Exception):
        """An expected failure: a code and a message."""

    def close_from(index):
        while len(opened) > index:
            opened.pop().close()

    def seconds(settings, name, default):
        value = settings.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= longest_seconds:
            raise Trouble("bad_order", "%s is not a number of seconds" % name)
        return value

    def describe(problem):
        """An exception in one line without secrets."""
        words = str(getattr(problem, "strerror", None) or problem)
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            words = words.replace(secret, "***")
        return " ".join(words.split())[:300]

    def pause(connection, events, deadline):
        """Waits for a socket: true if it is ready, Late after the deadline, NodeGone if the node leaves meanwhile."""
        poller = select.poll()
        poller.register(connection, events)
        watched = node.stream.socket if node is not None else None
        if watched is not None:
            poller.register(watched, select.POLLIN | (events if watched is connection else 0))
        left = deadline - now()
        ready = dict(poller.poll(int(left * 1000) + 1)) if left > 0 else {}
        if not ready:
            raise Late("timed out")
        if watched is not None and ready.get(watched.fileno(), 0) & ~select.POLLOUT:
            node.check()
        return connection.fileno() in ready

    # Streams: receive() gives bytes, b"" at the end, None when nothing is there yet; send() returns when all is written.

    class Plain:
        def __init__(self, connection):
            self.socket = connection

        def receive(self, most):
            try:
                return self.socket.recv(most)
            except (BlockingIOError, InterruptedError):
                return None

        def send(self, data, deadline):
            view = memoryview(data)
            while view:
                try:
                    view = view[self.socket.send(view):]
                except (BlockingIOError, InterruptedError):
                    pause(self.socket, select.POLLOUT, deadline)

    class Secure:
        """TLS over another stream, so that it goes over a proxy's TLS too."""

        def __init__(self, inner, context, host, deadline):
            self.inner = inner
            self.socket = inner.socket
            self.incoming = ssl.MemoryBIO()
            self.outgoing = ssl.MemoryBIO()
            self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=host)
            shaken = False
            while not shaken:
                try:
                    self.tls.do_handshake()
                    shaken = True
                except ssl.SSLWantReadError:
                    inner.send(self.outgoing.read(), deadline)
                    while not self.fill():
                        pause(self.socket, select.POLLIN, deadline)
            inner.send(self.outgoing.read(), deadline)

        def fill(self):
            data = self.inner.receive(receive_bytes)
            if data:
                self.incoming.write(data)
            elif data is not None:
                self.incoming.write_eof()
            return data is not None

        def receive(self, most):
            while True:
                try:
                    return self.tls.read(most)
                except ssl.SSLWantReadError:
                    if not self.fill():
                        return None

        def send(self, data, deadline):
            view = memoryview(data)
            while view:
                view = view[self.tls.write(view):]
            self.inner.send(self.outgoing.read(), deadline)

    def tls_context(ca, ca_file, verify):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif ca or ca_file:
            context.load_verify_locations(cafile=ca_file or None, cadata=ca or None)
        else:
            context.load_default_certs()
        return context

    def addresses(host, port, deadline):
        """Looks a name up, but no longer than the deadline, which the system's resolver knows nothing of."""
        found = []

        def look():
            try:
                found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except (OSError, UnicodeError):
                pass

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        looking.join(max(0, deadline - now()))
        if not found:
            raise OSError("no address was found for %s" % host)
        return found

    def connect(host, port, deadline):
        """Tries a host's addresses in turn, each for its share of the time left. Without a port, the host is a path."""
        choices = addresses(host, port, deadline) if port else [(socket.AF_UNIX, socket.SOCK_STREAM, 0, "", host)]
        for index, (family, kind, protocol, _, address) in enumerate(choices):
            share = now() + (deadline - now()) / (len(choices) - index)
            mark = len(opened)
            try:
                stream = Plain(socket.socket(family, kind, protocol))
                opened.append(stream.socket)
                stream.socket.setblocking(False)
                if family != socket.AF_UNIX:
                    stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                code = stream.socket.connect_ex(address)
                while code == errno.EAGAIN and now() < share:  # A unix socket's queue is full, which cannot be polled for.
                    sleep(0.02)
                    code = stream.socket.connect_ex(address)
                if code == errno.EINPROGRESS:
                    while not pause(stream.socket, select.POLLOUT, share):
                        pass
                    code = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code:
                    raise OSError(code, os.strerror(code))
                return stream
            except OSError as failure:
                close_from(mark)
                problem = failure
        raise problem

    def location(url, schemes):
        """Scheme, host, port, Host field, path with query."""
        parts = urlsplit(url)
        if parts.scheme not in schemes or not parts.hostname or re.search(r"[^\x21-\x7e]", url):
            raise ValueError("the URL is not one of %s" % " or ".join(schemes))
        path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return parts.scheme, parts.hostname, port, parts.netloc.rpartition("@")[2], path

    def proxy_credentials(host, port):
        given = os.environ.get("MESHNODE_PROXY_CREDENTIALS")
        parts = urlsplit(os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY") or "")
        if given is None and parts.username and (parts.hostname, parts.port or 80) == (host, port):
            given = unquote(parts.username) + ":" + unquote(parts.password or "")
        if not given:
            return ""
        encoded = base64.b64encode(given.encode("utf-8")).decode("ascii")
        secrets.extend([given, given.partition(":")[2], encoded])
        return "Proxy-Authorization: Basic %s\r\n" % encoded

    def tunnel(proxy, host, port, deadline):
        """A stream to a host through a proxy."""
        scheme, proxy_host, proxy_port, _, _ = location(proxy, ("http", "https"))
        stream = connect(proxy_host, proxy_port, deadline)
        if scheme == "https":
            stream = Secure(stream, tls_context(None, None, True), proxy_host, deadline)
        target = ("[%s]:%d" if ":" in host else "%s:%d") % (host, port)
        head = "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (target, target, proxy_credentials(proxy_host, proxy_port))
        stream.send(head.encode("ascii"), deadline)
        answer = b""
        while b"\r\n\r\n" not in answer and len(answer) < head_bytes:
            data = stream.receive(head_bytes)
            if data == b"":
                raise OSError("the proxy closed the connection")
            if data is None:
                pause(stream.socket, select.POLLIN, deadline)
            answer += data or b""
        status = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
        if not status or not status.group(1).startswith(b"2"):
            raise OSError("the proxy answered %s" % (status.group(1).decode() if status else "in another protocol"))
        return stream

    class Node:
        """The POST to the node."""

        def __init__(self, callback, probing):
            scheme, host, port, host_field, path = location(callback["url"], ("https", "http"))
            deadline = now() + seconds(callback, "connectSeconds", 5)
            proxy = callback.get("proxy")
            if proxy == "environment":
                proxy = os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY")
            context = tls_context(callback.get("ca"), None, True) if scheme == "https" else None
            self.answer, self.status, self.ending, self.sent = b"", None, False, 0
            self.stream = tunnel(proxy, host, port, deadline) if proxy else connect(host, port, deadline)
            if context is not None:
                self.stream = Secure(self.stream, context, host, deadline)
            head = ("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: meshnode-inference/%s\r\nAuthorization: Bearer %s\r\n"
                    "Content-Type: application/vnd.meshnode.answer\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                    % (path, host_field, function_version, callback["token"]))
            if not probing:  # Until the start is written, the node counts as not reached.
                self.stream.send(head.encode("ascii") + self.chunk(b"S", identity()), deadline)

        def chunk(self, kind, payload):
            data = payload if isinstance(payload, bytes) else json.dumps(payload).encode("ascii")
            frame = kind + struct.pack(">I", len(data)) + data
            return b"%x\r\n%s\r\n" % (len(frame), frame)

        def check(self):
            """Reads what the node says, which may only be at the end."""
            if self.status is None:
                try:
                    data = self.stream.receive(receive_bytes)
                except OSError as problem:
                    raise NodeGone("the connection to the node broke: " + describe(problem))
                if data == b"":
                    raise NodeGone("the node closed the connection")
                # 100 Continue may come first; the answer itself is still to come then.
                self.answer = re.sub(rb"\AHTTP/1\.1 1\d\d.*?\r\n\r\n", b"", self.answer + (data or b""), flags=re.DOTALL)
                found = re.match(rb"HTTP/1\.[01] ([2-9]\d\d)[ \r]", self.answer)
                self.status = int(found.group(1)) if found else 502 if len(self.answer) > head_bytes else None
            if self.status is not None and not (self.ending and self.status <= 299):
                raise NodeGone("the node answered %d" % self.status)

        def write(self, data):
            try:
                self.stream.send(data, now() + stall_seconds)
            except Late:
                raise NodeGone("the node took no data for %g s" % stall_seconds)
            except OSError as problem:
                self.check()  # It may have said why before it closed.
                raise NodeGone("the connection to the node broke: " + describe(problem))

        def data(self, piece):
            self.check()
            self.write(self.chunk(b"D", piece))
            self.sent += len(piece)

        def finish(self, kind, payload):
            """Writes the last frame and returns when the node has confirmed it."""
            self.write(self.chunk(kind, payload) + b"0\r\n\r\n")
            self.ending = True
            deadline = now() + answer_seconds
            self.check()
            while self.status is None:
                try:
                    pause(self.stream.socket, select.POLLIN, deadline)
                except Late:
                    raise NodeGone("the node did not confirm the end within %d s" % answer_seconds)

    class Answer(io.RawIOBase):
        """The inference server's end, as http.client wants a socket and its file to be."""

        def __init__(self, stream, limits, end):
            self.stream = stream
            self.limit_seconds = seconds(limits, "firstByteSeconds", 300)
            self.end = end
            self.ended = False

        def sendall(self, data):
            try:
                self.stream.send(data, min(now() + stall_seconds, self.end))
            except Late:
                raise Trouble("upstream_timeout", "the inference server did not take the request in time")
            except OSError:
                pass  # It may have answered before it closed, for example that the body is too large.

        def makefile(self, mode):
            return io.BufferedReader(self, receive_bytes)

        def readable(self):
            return True

        def readinto(self, buffer):
            deadline = min(now() + self.limit_seconds, self.end)
            data = self.stream.receive(len(buffer))
            while data is None:
                try:
                    pause(self.stream.socket, select.POLLIN, deadline)
                except Late:
                    said = "took too long in all" if now() >= self.end else "sent nothing for %g s" % self.limit_seconds
                    raise Trouble("upstream_timeout", "the inference server " + said)
                data = self.stream.receive(len(buffer))
            self.limit_seconds = stall_seconds
            self.ended = not data
            buffer[:len(data)] = data
            return len(data)

        def close(self):
            pass  # http.client closes its socket while it still reads from it.

    def dial(server, deadline):
        """A stream to the inference server, its Host field, and the path before the request's."""
        url = server["url"]
        try:
            if url.startswith("unix:"):
                return connect(url[len("unix:"):], None, deadline), "localhost", ""
            scheme, host, port, field, base = location(url, ("http", "https"))
            stream = connect(host, port, deadline)
            if scheme == "https":
                context = tls_context(server.get("ca"), server.get("caFile"), server.get("verify") is not False)
                stream = Secure(stream, context, host, deadline)
            return stream, field, base.rstrip("/")
        except (OSError, ValueError) as problem:
            raise Trouble("upstream_unreachable", "could not reach the inference server: " + describe(problem))

    def ask(server, request, limits):
        """The head of the answer, and its body as it comes."""
        end = now() + seconds(limits, "totalSeconds", 3600)
        stream, host, base = dial(server, min(now() + seconds(limits, "connectSeconds", 10), end))
        fields = {name: value for name, value in (request.get("headers") or {}).items() if name.lower() not in own_fields}
        fields.update({"Host": host, "Connection": "close", "Content-Type": "application/json",
                       "Accept": "text/event-stream" if request.get("stream") else "application/json"})
        name = server.get("keyEnvironment")
        if name:
            key = os.environ.get(name, "").strip()
            if not re.match(r"[\x21-\x7e]+\Z", key):
                raise Trouble("missing_key", "the environment variable %s holds no key" % name)
            secrets.append(key)
            fields["Authorization"] = "Bearer " + key
        body = None if request.get("body") is None else request["body"].encode("utf-8")
        connection = http.client.HTTPConnection("localhost")
        connection.sock = incoming = Answer(stream, limits, end)
        try:
            connection.request("GET" if body is None else "POST", base + request["path"], body, fields)
            answer = connection.getresponse()
        except (ValueError, http.client.InvalidURL):
            raise Trouble("bad_order", "the request's path or header fields are not allowed in HTTP")
        except (OSError, http.client.HTTPException) as problem:
            raise Trouble("upstream_broken", "the inference server gave no answer: " + describe(problem))
        if incoming.ended:  # http.client takes a head cut short for a whole one.
            raise Trouble("upstream_broken", "the inference server closed the connection in mid-answer")
        if (answer.getheader("Content-Encoding") or "identity").lower() != "identity":
            raise Trouble("upstream_broken", "the inference server compressed its answer unasked")
        head = {"status": answer.status, "contentType": answer.getheader("Content-Type"),
                "retryAfter": answer.getheader("Retry-After")}
        return head, pieces(answer)

    def pieces(answer):
        """Each piece as it comes; raises Trouble if the answer ends before its end."""
        left = None if answer.chunked else answer.length  # Counted here: read1 of older Pythons does not.
        while left != 0:
            try:
                piece = answer.read1(receive_bytes if left is None else min(left, receive_bytes))
            except (OSError, http.client.HTTPException) as problem:
                raise Trouble("upstream_broken", "the inference server's answer broke off: " + describe(problem))
            if not piece and left:
                raise Trouble("upstream_broken", "the inference server closed the connection in mid-answer")
            if not piece:
                return
            left = left and left - len(piece)
            yield piece

    def returned(head, body, limit_bytes, why):
        """The whole answer as the task's result."""
        whole = bytearray()
        for piece in body:
            whole += piece
            if len(whole) > limit_bytes:
                raise Trouble("too_large", "the answer has more than %d bytes, and the node was not reached" % limit_bytes)
        result = {"version": 1, "status": "returned", "http": head["status"], "contentType": head["contentType"],
                  "retryAfter": head["retryAfter"], "why": why}
        try:
            result["body"] = whole.decode("utf-8")
        except UnicodeDecodeError:
            result["bodyBase64"] = base64.b64encode(whole).decode("ascii")
        if len(json.dumps(result)) > serialized_characters:
            raise Trouble("too_large", "the answer does not fit into a task's result, and the node was not reached")
        return result

    def identity():
        return {"host": socket.gethostname(), "python": platform.python_version(), "function": function_version}

    def failed(code, message):
        return {"version": 1, "status": "failed", "code": code, "message": message}

    def failure(problem):
        return failed(*problem.args if isinstance(problem, Trouble) else (
            "internal", "%s: %s" % (type(problem).__name__, describe(problem))))

    def reach_node(callback, probing=False):
        """The node, or why it was not reached."""
        try:
            return (None, None) if callback is None else (Node(callback, probing), None)
        except (OSError, ValueError) as problem:
            close_from(0)
            return None, "could not reach the node: " + describe(problem)

    def infer():
        nonlocal node
        node, why = reach_node(order.get("callback"))
        before = len(opened)
        try:
            head, body = ask(order["server"], order["request"], order.get("timeouts") or {})
            if node is None:
                return returned(head, body, order.get("resultBytes", 8388608), why)
            node.write(node.chunk(b"H", head))
            for piece in body:
                node.data(piece)
            node.finish(b"Z", {"bytes": node.sent})
            return {"version": 1, "status": "streamed", "bytes": node.sent, "http": head["status"]}
        except NodeGone:
            raise
        except Exception as problem:
            close_from(before)
            result = failure(problem)
            if node is not None:
                result["sent"] = node.sent
                node.finish(b"E", {"code": result["code"], "message": result["message"]})
            return result

    try:
        if not isinstance(order, dict) or order.get("version") != 1:
            return failed("bad_order", "function %s knows version 1 of the protocol only" % function_version)
        if order.get("callback") is not None:
            secrets.append(str(order["callback"].get("token")))
            if not re.match(r"[\x21-\x7e]+\Z", secrets[0]):
                return failed("bad_order", "the callback's token is not one")
        stall_seconds = seconds(order.get("timeouts") or {}, "stallSeconds", 300)
        if order.get("probe") is True:
            reached, why = reach_node(order.get("callback"), probing=True)
            return dict(identity(), version=1, status="ready", callback="reachable" if reached else why)
        return infer()
    except NodeGone as gone:
        return {"version": 1, "status": "aborted", "sent": node.sent, "why": str(gone)}
    except Exception as problem:
        return failure(problem)
    finally:
        close_from(0)
