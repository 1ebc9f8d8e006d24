public import Transport

/// What a function may say of an answer's head, made fit to be sent to a client.
public enum AnswerFields {
    /// The head of an answer that a function brings or returns.
    ///
    /// - Parameters:
    ///   - contentType: taken if it is of 256 characters of visible ASCII and spaces at most; JSON otherwise.
    ///   - retryAfter: seconds, at most an hour.
    /// - Returns: nil for a status that is no final one of HTTP, 200 to 599.
    public static func head(status: Int?, contentType: String?, retryAfter: Int?, isBuffered: Bool = false)
        -> AnswerChannel.Head?
    {
        guard let status, (200...599).contains(status) else { return nil }
        return AnswerChannel.Head(
            status: status, contentType: text(contentType) ?? "application/json",
            retryAfterSeconds: retryAfter.map { min(max($0, 0), 3600) }, isBuffered: isBuffered)
    }

    private static func text(_ text: String?) -> String? {
        guard let text, !text.isEmpty, text.utf8.count <= 256, text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) else {
            return nil
        }
        return text
    }
}
