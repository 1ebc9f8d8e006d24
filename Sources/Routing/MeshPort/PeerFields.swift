import Gossip
import Transport

/// A field between nodes that says nothing that could be meant.
struct PeerFieldError: Error, Equatable {
    let reason: String
}

/// What a node says of a request in its head: all that the gate decides from, before any body is sent.
///
/// Only what a node of this version writes is read; what is left out has its default, and other `Meshnode-` fields are for later versions.
struct PeerFields: Equatable {
    static let mostTokens = 1_000_000_000
    static let mostSeconds = 86_400
    static let longestText = 1024

    var model: String?
    var requestID = ""
    var user = ""
    var mayQueue = false
    var priority = Priority.interactive
    /// Estimates.
    var promptTokens = 0
    var answerTokens = 0
    /// That the client still waits, at most; nil: not told.
    var nanosecondsLeft: UInt64?

    init() {}

    private enum Name: UInt8, CaseIterable {
        case model, requestID, user, admission, priority, tokens, deadline, identity

        var text: StaticString {
            switch self {
            case .model: "meshnode-model"
            case .requestID: "meshnode-request-id"
            case .user: "meshnode-user"
            case .admission: "meshnode-admission"
            case .priority: "meshnode-priority"
            case .tokens: "meshnode-tokens"
            case .deadline: "meshnode-deadline"
            case .identity: "meshnode-identity"
            }
        }
    }

    /// - Throws: a field stands twice, or its value is not one that a node writes.
    init(_ head: borrowing HTTPHead, in bytes: UnsafeRawBufferPointer) throws(PeerFieldError) {
        var seen: UInt8 = 0
        for field in head.fields where field.name == .meshnode {
            let text = UnsafeRawBufferPointer(rebasing: bytes[field.nameRange])
            guard let name = Name.allCases.first(where: { equalsFolded(text, $0.text) }) else { continue }
            let bit: UInt8 = 1 << name.rawValue
            guard seen & bit == 0 else { throw PeerFieldError(reason: "\(name.text) stands twice") }
            seen |= bit
            try take(name, UnsafeRawBufferPointer(rebasing: bytes[field.valueRange]))
        }
    }

    private mutating func take(_ name: Name, _ value: UnsafeRawBufferPointer) throws(PeerFieldError) {
        switch name {
        case .identity: break
        case .model: model = try text(value, name)
        case .requestID: requestID = try text(value, name)
        case .user: user = try text(value, name)
        case .admission:
            if value.elementsEqual("queue".utf8) {
                mayQueue = true
            } else if !value.elementsEqual("refuse".utf8) {
                throw wrong(name, "queue or refuse")
            }
        case .priority:
            guard let found = Priority.allCases.first(where: { value.elementsEqual($0.rawValue.utf8) }) else {
                throw wrong(name, "interactive or batch")
            }
            priority = found
        case .tokens:
            var reader = Digits(value)
            guard reader.skip("prompt="), let prompt = reader.number(upTo: Self.mostTokens), reader.skip("; answer="),
                let answer = reader.number(upTo: Self.mostTokens), reader.isAtEnd
            else { throw wrong(name, "prompt=N; answer=M, up to \(Self.mostTokens) each") }
            promptTokens = prompt
            answerTokens = answer
        case .deadline:
            var reader = Digits(value)
            var milliseconds: Int?
            if let whole = reader.number(upTo: Self.mostSeconds), reader.skip("."), value.count - reader.position == 3,
                let rest = reader.number(upTo: 999), reader.isAtEnd
            {
                milliseconds = whole * 1000 + rest
            }
            guard let milliseconds, milliseconds > 0, milliseconds <= Self.mostSeconds * 1000 else {
                throw wrong(name, "seconds above 0 and up to \(Self.mostSeconds), with three decimals")
            }
            nanosecondsLeft = UInt64(milliseconds) * 1_000_000
        }
    }

    private func text(_ value: UnsafeRawBufferPointer, _ name: Name) throws(PeerFieldError) -> String {
        guard value.count <= Self.longestText else { throw wrong(name, "at most \(Self.longestText) bytes") }
        return String(decoding: value, as: UTF8.self)
    }

    private func wrong(_ name: Name, _ allowed: String) -> PeerFieldError {
        PeerFieldError(reason: "\(name.text) takes \(allowed)")
    }

    /// The request that the head announces: its body is still to come.
    ///
    /// - Parameters:
    ///   - user: as it was proven; otherwise whoever the entry node says.
    ///   - now: monotonic nanoseconds.
    func request(
        _ path: StaticString, model: String, user: RequestUser?, from peer: NodeID, now: UInt64
    ) -> ForwardRequest {
        var request = ForwardRequest(
            path: path, body: 0..<0, modelRange: 0..<0, needs: RequestNeeds(model: model), requestID: requestID,
            user: user?.identity.username ?? (self.user.isEmpty ? "\(peer)" : self.user), isStream: false,
            deadline: nanosecondsLeft.map { now &+ $0 } ?? .max)
        request.needs.promptTokens = promptTokens
        request.needs.answerTokens = answerTokens
        request.priority = priority
        return request
    }

    /// Writes what `init` reads; the model, the request's id and the user are written beside.
    static func write(_ request: borrowing ForwardRequest, queues: Bool, to connection: HTTPClientConnection) {
        connection.field("Meshnode-Admission", queues ? "queue" : "refuse")
        if request.priority != .interactive { connection.field("Meshnode-Priority", request.priority.rawValue) }
        connection.field("Meshnode-Tokens", tokens(request.needs.promptTokens, request.needs.answerTokens))
        if let left = secondsLeft(request.deadline, now: connection.stream.now) {
            connection.field("Meshnode-Deadline", left)
        }
    }

    static func tokens(_ prompt: Int, _ answer: Int) -> String {
        "prompt=\(min(max(prompt, 0), mostTokens)); answer=\(min(max(answer, 0), mostTokens))"
    }

    /// nil: there is none worth telling.
    static func secondsLeft(_ deadline: UInt64, now: UInt64) -> String? {
        guard deadline != .max else { return nil }
        // Rounded up: whoever asks is never told that its time is over before it is.
        let left = deadline > now ? deadline - now : 1
        let milliseconds = left / 1_000_000 + (left % 1_000_000 > 0 ? 1 : 0)
        let bounded = min(max(milliseconds, 1), UInt64(mostSeconds) * 1000)
        let rest = String(bounded % 1000)
        return "\(bounded / 1000)." + String(repeating: "0", count: 3 - rest.utf8.count) + rest
    }
}

/// Reads words and whole numbers, digits alone.
private struct Digits {
    let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func skip(_ word: StaticString) -> Bool {
        guard bytes.count - position >= word.utf8CodeUnitCount else { return false }
        for index in 0..<word.utf8CodeUnitCount where bytes[position + index] != word.utf8Start[index] { return false }
        position += word.utf8CodeUnitCount
        return true
    }

    mutating func number(upTo most: Int) -> Int? {
        let start = position
        var value = 0
        while position < bytes.count, bytes[position] >= 48, bytes[position] <= 57 {
            value = value * 10 + Int(bytes[position] - 48)
            guard value <= most else { return nil }
            position += 1
        }
        return position > start ? value : nil
    }
}
