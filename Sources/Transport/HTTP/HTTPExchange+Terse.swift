extension HTTPExchange {
    /// A whole answer with the fewest bytes that HTTP allows, for what our own nodes say to each other many times a minute: no
    /// reason phrase (RFC 9112 §4), no `Content-Type`, and no `Date`, since nobody caches it. An empty body is `204` without a length.
    ///
    /// The head has 17 bytes for an empty body, 36 for one below 10 bytes, and one more for each further digit of its length.
    ///
    /// - Parameter status: nil: 200, or 204 without a body.
    public func respondTersely(_ body: [UInt8], status: Int? = nil) async {
        precondition(answer == .none, "an exchange has one answer")
        self.status = status ?? (body.isEmpty ? 204 : 200)
        answer = .head
        omitsBody = head.method == .head
        stream.output.append("HTTP/1.1 ")
        stream.output.append(decimal: self.status)
        stream.output.append(" \r\n")
        endFields(.length(body.count))
        do throws(TransportError) {
            try await write(array: body)
            try await finishAnswer()
        } catch {}
    }
}
