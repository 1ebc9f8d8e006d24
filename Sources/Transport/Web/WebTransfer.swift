import CCurl

/// One call under way: its easy handle, what is still to be sent and what has come. Lives on the web thread.
final class WebTransfer {
    let call: WebCall
    private let handle: EasyHandle
    private var list = FieldList()
    private var sent = 0
    private var answer = WebAnswerReader()
    /// What the call goes through, for errors.
    private var proxyName: String?
    /// libcurl writes a zero-ended reason here.
    private let reason = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    var easy: UnsafeMutableRawPointer { handle.pointer }

    init?(_ call: WebCall) {
        guard let made = EasyHandle() else { return nil }
        self.call = call
        handle = made
        reason.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        answer.limit = call.request.answerBytes
    }

    deinit {
        // The handle lives a moment longer and must not write there any more.
        _ = mesh_easy_pointer(easy, CURLOPT_ERRORBUFFER, nil)
        reason.deallocate()
    }

    /// Sets everything; the error says what cannot be sent.
    func prepare(_ settings: WebClientSettings) -> WebError? {
        guard WebFields.isToken(call.request.method) else { return .unsendable("the method is none") }
        guard setConnection(settings), setRequest(), setCallbacks() else { return .noMemory }
        return setFields(settings)
    }

    private func setConnection(_ settings: WebClientSettings) -> Bool {
        var isDone = mesh_easy_only_http(easy) == CURLE_OK && mesh_easy_close_on_exec(easy) == CURLE_OK
        mesh_easy_quick_exit(easy)
        func set(_ option: CURLoption, _ value: Int) { isDone = isDone && mesh_easy_long(easy, option, value) == CURLE_OK }
        func set(_ option: CURLoption, _ value: String?) {
            isDone = isDone && mesh_easy_string(easy, option, value) == CURLE_OK
        }
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_HTTP09_ALLOWED, 0)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        if let file = settings.caFile {
            set(CURLOPT_CAINFO, file)
            // The system's folder of roots would otherwise be trusted too.
            set(CURLOPT_CAPATH, nil)
        }
        if FIPSProfile.isOn {
            set(CURLOPT_SSL_CIPHER_LIST, FIPSProfile.olderCiphers)
            set(CURLOPT_TLS13_CIPHERS, FIPSProfile.ciphers)
            set(CURLOPT_SSL_EC_CURVES, FIPSProfile.groups)
        }
        // Empty texts: the environment's variables have no say.
        let nodeProxy = nodeProxy(settings)
        set(CURLOPT_PROXY, settings.proxy ?? nodeProxy?.name ?? "")
        if let credentials = nodeProxy?.credentials {
            // Basic alone (CURLAUTH_BASIC).
            set(CURLOPT_PROXYAUTH, 1)
            set(CURLOPT_PROXYUSERNAME, credentials.user)
            set(CURLOPT_PROXYPASSWORD, credentials.password)
        }
        set(CURLOPT_NOPROXY, settings.noProxy ?? "")
        set(CURLOPT_HTTPPROXYTUNNEL, 1)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        set(CURLOPT_CONNECTTIMEOUT_MS, Int(max(1, WebLimits.seconds(settings.connectSeconds) * 1000)))
        set(CURLOPT_MAXAGE_CONN, nodeProxy == nil ? WebLimits.idleSeconds : WebLimits.idleSecondsByProxy)
        set(CURLOPT_URL, call.destination.url)
        return isDone
    }

    /// The program's proxy, where this call goes through it.
    private func nodeProxy(_ settings: WebClientSettings) -> HTTPProxy? {
        guard settings.proxy == nil, let proxy = settings.nodeProxy, proxy.covers(call.destination.host) else { return nil }
        proxyName = proxy.name
        return proxy
    }

    private func setRequest() -> Bool {
        let request = call.request
        var isDone = mesh_easy_string(easy, CURLOPT_CUSTOMREQUEST, request.method) == CURLE_OK
        if request.body != nil || request.method == "POST" {
            isDone = isDone && mesh_easy_long(easy, CURLOPT_POST, 1) == CURLE_OK
            isDone =
                isDone
                && mesh_easy_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, numericCast(request.body?.count ?? 0)) == CURLE_OK
            // libcurl sends a request again on a new connection when a kept one breaks before the answer. With a body given by
            // a callback that it cannot rewind it does not; without a body there must be no kept connection.
            if request.body?.isEmpty ?? true {
                isDone = isDone && mesh_easy_long(easy, CURLOPT_FRESH_CONNECT, 1) == CURLE_OK
            }
        } else if request.method == "HEAD" {
            isDone = isDone && mesh_easy_long(easy, CURLOPT_NOBODY, 1) == CURLE_OK
        }
        return isDone
    }

    private func setCallbacks() -> Bool {
        let own = Unmanaged.passUnretained(self).toOpaque()
        let isDone = [CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_READDATA].allSatisfy {
            mesh_easy_pointer(easy, $0, own) == CURLE_OK
        }
        return isDone
            && mesh_easy_callback(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, own in
                WebTransfer.of(own)?.answer.body(UnsafeRawBufferPointer(start: bytes, count: size * count)) == true
                    ? size * count : 0
            } == CURLE_OK
            && mesh_easy_callback(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, own in
                WebTransfer.of(own)?.answer.line(UnsafeRawBufferPointer(start: bytes, count: size * count)) == true
                    ? size * count : 0
            } == CURLE_OK
            && mesh_easy_callback(easy, CURLOPT_READFUNCTION) { room, size, count, own in
                WebTransfer.of(own)?.send(UnsafeMutableRawBufferPointer(start: room, count: size * count)) ?? 0
            } == CURLE_OK
            && mesh_easy_pointer(easy, CURLOPT_ERRORBUFFER, reason) == CURLE_OK
    }

    private func setFields(_ settings: WebClientSettings) -> WebError? {
        if let error = list.fill(call.request.fields, settings) { return error }
        return mesh_easy_list(easy, CURLOPT_HTTPHEADER, list.head) == CURLE_OK ? nil : .noMemory
    }

    /// The object that a callback was given; it lives as long as its handle is in the multi handle.
    private static func of(_ pointer: UnsafeMutableRawPointer?) -> WebTransfer? {
        pointer.map { Unmanaged<WebTransfer>.fromOpaque($0).takeUnretainedValue() }
    }

    private func send(_ room: UnsafeMutableRawBufferPointer) -> Int {
        guard let body = call.request.body else { return 0 }
        let count = min(room.count, body.count - sent)
        room.copyBytes(from: body[sent..<sent + count])
        sent += count
        return count
    }
}

// MARK: - What became of it

extension WebTransfer {
    /// False before the first byte of the request was written: while names are resolved, and connections, proxies and TLS set up.
    var requestHasBegun: Bool {
        var microseconds: curl_off_t = 0
        // If libcurl does not say, the careful answer.
        guard mesh_easy_info_offset(easy, CURLINFO_PRETRANSFER_TIME_T, &microseconds) == CURLE_OK else { return true }
        return microseconds > 0
    }

    func outcome(of result: CURLcode) -> WebOutcome {
        var status = 0
        _ = mesh_easy_info_long(easy, CURLINFO_RESPONSE_CODE, &status)
        if result == CURLE_OK, status > 0 {
            return .success(WebAnswer(status: status, fields: answer.fields, body: answer.bytes))
        }
        return .failure(
            WebError.of(
                result, answer.refusal, call.destination.name, begun: requestHasBegun, reason: String(cString: reason)
            ).named(proxyName, begun: requestHasBegun, reason: String(cString: reason)))
    }
}

/// Owns one of libcurl's easy handles.
private struct EasyHandle: ~Copyable {
    let pointer: UnsafeMutableRawPointer

    init?() {
        guard let made = curl_easy_init() else { return nil }
        pointer = made
    }

    deinit { curl_easy_cleanup(pointer) }
}
