import Transport

/// What `Relay` carries to a client: an answer whose head is known, and its body piece by piece.
protocol AnswerSource {
    var status: Int { get }
    /// The answer's content type begins with `text/event-stream`.
    var isEventStream: Bool { get }
    /// The body's length where it is known.
    var announcedLength: Int? { get }
    /// Passes on the fields that belong to the answer itself, not to the hop it came over.
    func copyFields(to exchange: HTTPExchange)
    /// The next piece of the body; nil at its end. Valid until the next call.
    ///
    /// - Parameter deadline: monotonic nanoseconds for this piece.
    func nextBodyPart(deadline: UInt64) async throws(TransportError) -> UnsafeRawBufferPointer?
    /// It was a stream, of so many pieces of text, and has come whole.
    func ended(tokens: Int)
}

extension AnswerSource {
    func ended(tokens: Int) {}
}

extension HTTPClientConnection: AnswerSource {
    var status: Int { head.status }

    func copyFields(to exchange: HTTPExchange) {
        let bytes = headBytes
        for field in head.fields where field.name == .contentType || field.name == .retryAfter || field.name == .other {
            let name = UnsafeRawBufferPointer(rebasing: bytes[field.nameRange])
            if field.name == .other,
                equalsFolded(name, "cache-control") || equalsFolded(name, "x-accel-buffering")
                    || head.isHopByHop(field, in: bytes)
            {
                continue
            }
            exchange.field(name: name, value: UnsafeRawBufferPointer(rebasing: bytes[field.valueRange]))
        }
    }
}
