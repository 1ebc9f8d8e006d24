extension HTTPFieldName {
    /// Names a field by its bytes: first by length, then by comparing; nothing is copied or hashed.
    @inline(__always)
    static func recognise(_ name: UnsafePointer<UInt8>, _ count: Int) -> HTTPFieldName {
        @inline(__always)
        func named(_ word: StaticString) -> Bool { equalsIgnoringCase(name, count, word) }
        switch count {
        case 2:
            if named("te") { return .te }
        case 4:
            if named("host") { return .host }
            if named("date") { return .date }
        case 6:
            if named("expect") { return .expect }
            if named("accept") { return .accept }
            if named("server") { return .server }
            if named("cookie") { return .cookie }
        case 7:
            if named("trailer") { return .trailer }
            if named("upgrade") { return .upgrade }
        case 8:
            if named("location") { return .location }
        case 9:
            if named("mesh-site") { return .meshSite }
            if named("x-api-key") { return .xAPIKey }
        case 10:
            if named("connection") { return .connection }
            if named("user-agent") { return .userAgent }
            if named("keep-alive") { return .keepAlive }
            if named("set-cookie") { return .setCookie }
        case 11:
            if named("traceparent") { return .traceparent }
            if named("mesh-resume") { return .meshResume }
            if named("retry-after") { return .retryAfter }
            if named("x-mesh-site") { return .xMeshSite }
        case 12:
            if named("content-type") { return .contentType }
            if named("x-request-id") { return .xRequestID }
            if named("mesh-require") { return .meshRequire }
            if named("x-mesh-entry") { return .xMeshEntry }
            if named("x-mesh-route") { return .xMeshRoute }
        case 13:
            if named("authorization") { return .authorization }
            if named("mesh-deadline") { return .meshDeadline }
        case 14:
            if named("content-length") { return .contentLength }
            if named("openai-project") { return .openAIProject }
            if named("x-mesh-variant") { return .xMeshVariant }
        case 15:
            if named("idempotency-key") { return .idempotencyKey }
            if named("mesh-data-class") { return .meshDataClass }
            if named("x-forwarded-for") { return .xForwardedFor }
        case 16:
            if named("proxy-connection") { return .proxyConnection }
        case 17:
            if named("transfer-encoding") { return .transferEncoding }
        case 19:
            if named("x-client-request-id") { return .xClientRequestID }
        default: break
        }
        // Longer names share a beginning, so they are told apart last.
        return count >= 9 && equalsIgnoringCase(name, 9, "meshnode-") ? .meshnode : .other
    }
}
