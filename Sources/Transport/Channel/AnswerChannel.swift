import Synchronization

/// One answer's way from whoever brings it, on any loop or thread, to the task that relays it to a client.
///
/// One producer begins it with a head, offers pieces, and ends it once; one consumer takes them in order. The consumer may go at any
/// time (`abandon`): the producer is then told at once, so that nothing is generated for nobody. What is held is bounded: a producer
/// that is ahead waits for room.
public final class AnswerChannel: Sendable {
    /// What an answer begins with.
    public struct Head: Sendable, Equatable {
        public var status: Int
        public var contentType: String
        public var retryAfterSeconds: Int?
        /// The answer was gathered before it was sent on, although the client asked for a stream.
        public var isBuffered: Bool
        /// An error that tells of the place, not of the request: no function there, no server, a task lost.
        public var isPlaceFault: Bool

        public init(
            status: Int, contentType: String, retryAfterSeconds: Int? = nil, isBuffered: Bool = false,
            isPlaceFault: Bool = false
        ) {
            self.isPlaceFault = isPlaceFault
            self.status = status
            self.contentType = contentType
            self.retryAfterSeconds = retryAfterSeconds
            self.isBuffered = isBuffered
        }
    }

    private enum Phase { case open, whole, broken(TransportError), abandoned }

    private struct State {
        var phase = Phase.open
        var head: Head?
        /// Pieces that were not taken yet, one behind the other.
        var held: [UInt8] = []
        var consumer: Parking?
        var producers: [Parking] = []
        /// Called once when the consumer goes.
        var cut: (@Sendable () -> Void)?
    }

    /// Bytes held before a producer has to wait.
    public static let heldBytes = 1 << 20
    private let state = Mutex(State())

    public init() {}

    // MARK: Producer

    /// Begins the answer; false if it was begun before, has ended, or nobody waits for it.
    public func begin(_ head: Head) -> Bool {
        let (isFirst, waiter): (Bool, Parking?) = state.withLock {
            guard $0.head == nil, case .open = $0.phase else { return (false, nil) }
            $0.head = head
            return (true, Self.take(&$0.consumer))
        }
        waiter?.grant()
        return isFirst
    }

    /// Adds a piece; false if nobody waits for it.
    public func offer(_ bytes: some Collection<UInt8>) -> Bool {
        let (isOpen, waiter): (Bool, Parking?) = state.withLock {
            guard case .open = $0.phase else { return (false, nil) }
            $0.held.append(contentsOf: bytes)
            return (true, Self.take(&$0.consumer))
        }
        waiter?.grant()
        return isOpen
    }

    /// Waits until less than `heldBytes` are held; false when nobody waits for the answer, or not in time.
    ///
    /// - Parameters:
    ///   - bringer: the connection that the pieces come by; its going ends the wait.
    ///   - deadline: monotonic nanoseconds.
    public func room(for bringer: Stream, deadline: UInt64) async -> Bool {
        while true {
            enum Step { case ready(Bool), wait(Parking) }
            let step: Step = state.withLock {
                guard case .open = $0.phase else { return .ready(false) }
                if $0.held.count < Self.heldBytes { return .ready(true) }
                let parking = Parking()
                $0.producers.append(parking)
                return .wait(parking)
            }
            switch step {
            case .ready(let isOpen): return isOpen
            case .wait(let parking):
                guard await parking.wait(for: bringer, deadline: deadline) == .granted else { return false }
            }
        }
    }

    /// Ends the answer: whole, or with what broke it. Only the first end counts.
    @discardableResult
    public func end(_ error: TransportError? = nil) -> Bool {
        let (isFirst, waiter): (Bool, Parking?) = state.withLock {
            guard case .open = $0.phase else { return (false, nil) }
            $0.phase = error.map { .broken($0) } ?? .whole
            $0.cut = nil
            return (true, Self.take(&$0.consumer))
        }
        waiter?.grant()
        return isFirst
    }

    /// Ends the answer as failed: with a head and body of its own where nothing has begun, in the stream otherwise.
    public func fail(_ head: Head, body: String, else message: String) {
        if begin(head) {
            _ = offer(Array(body.utf8))
            end()
        } else {
            end(TransportError(.connectionLost, message))
        }
    }

    /// Sets what is called, on the consumer's thread, when the consumer goes; at once if it has gone.
    public func onAbandoned(_ action: @escaping @Sendable () -> Void) {
        let isGone: Bool = state.withLock {
            switch $0.phase {
            case .abandoned: return true
            case .open: $0.cut = action
            default: break
            }
            return false
        }
        if isGone { action() }
    }

    public var isAbandoned: Bool {
        state.withLock { if case .abandoned = $0.phase { true } else { false } }
    }

    public var hasBegun: Bool { state.withLock { $0.head != nil } }

    // MARK: Consumer

    /// Nobody waits for the answer any more.
    public func abandon() {
        let (cut, producers): ((@Sendable () -> Void)?, [Parking]) = state.withLock { state in
            if case .open = state.phase { state.phase = .abandoned }
            state.held = []
            let cut = state.cut
            state.cut = nil
            let producers = state.producers
            state.producers = []
            return (cut, producers)
        }
        for producer in producers { producer.grant() }
        cut?()
    }

    /// Waits for the head.
    ///
    /// - Parameter deadline: monotonic nanoseconds.
    /// - Throws: what broke the answer before it began; `.timedOut`; `.cancelled` when the client goes.
    public func head(for client: Stream, deadline: UInt64) async throws(TransportError) -> Head {
        while true {
            enum Step { case head(Head), failed(TransportError), wait(Parking) }
            let step: Step = state.withLock {
                if let head = $0.head { return .head(head) }
                switch $0.phase {
                case .broken(let error): return .failed(error)
                case .whole, .abandoned: return .failed(.connectionLost)
                case .open:
                    let parking = Parking()
                    $0.consumer = parking
                    return .wait(parking)
                }
            }
            switch step {
            case .head(let head): return head
            case .failed(let error): throw error
            case .wait(let parking): try await Self.wait(parking, client, deadline)
            }
        }
    }

    /// Moves what has come into `buffer`, waiting for it if there is nothing.
    ///
    /// - Returns: false at the end of a whole answer.
    /// - Throws: as `head`.
    public func take(into buffer: inout ByteBuffer, for client: Stream, deadline: UInt64) async throws(TransportError)
        -> Bool
    {
        while true {
            enum Step { case bytes([UInt8], [Parking]), end, failed(TransportError), wait(Parking) }
            let step: Step = state.withLock {
                if !$0.held.isEmpty {
                    let bytes = $0.held
                    $0.held = []
                    let producers = $0.producers
                    $0.producers = []
                    return .bytes(bytes, producers)
                }
                switch $0.phase {
                case .whole: return .end
                case .broken(let error): return .failed(error)
                case .abandoned: return .failed(.cancelled)
                case .open:
                    let parking = Parking()
                    $0.consumer = parking
                    return .wait(parking)
                }
            }
            switch step {
            case .bytes(let bytes, let producers):
                buffer.append(bytes)
                for producer in producers { producer.grant() }
                return true
            case .end: return false
            case .failed(let error): throw error
            case .wait(let parking): try await Self.wait(parking, client, deadline)
            }
        }
    }

    private static func wait(_ parking: Parking, _ client: Stream, _ deadline: UInt64) async throws(TransportError) {
        switch await parking.wait(for: client, deadline: deadline) {
        case .granted: return
        case .timedOut: throw .timedOut
        case .clientGone: throw client.interruption ?? .cancelled
        }
    }

    private static func take(_ slot: inout Parking?) -> Parking? {
        defer { slot = nil }
        return slot
    }
}
