import Synchronization
import Trust
public import Transport

/// What one task's function may call back with: its answer, proven by a secret that only this task was given.
public final class Callback: Sendable {
    /// UUID version 4; names the task in the callback's address.
    public let name: String
    /// 43 characters of base64url: 256 bits.
    let secret: String
    public let answer: AnswerChannel

    private struct State {
        var startAction: (@Sendable () -> Void)?
        var isTaken = false
        var hasStarted = false
        /// Events of FIRST's function kept back: `[DONE]` is not true before the task's result says that nothing was lost.
        var heldEnd: [UInt8] = []
        var isDone = false
        var doneAction: (@Sendable () -> Void)?
    }
    private let state = Mutex(State())

    init() {
        name = UUIDText.random()
        secret = Random.token()
        answer = AnswerChannel()
    }

    /// Whether this is the task's secret; in constant time.
    public func admits(_ given: UnsafeRawBufferPointer) -> Bool {
        constantTimeEqual(Array(given), Array(secret.utf8))
    }

    /// True for the one connection that brings the answer.
    public func take() -> Bool {
        state.withLock { state in
            defer { state.isTaken = true }
            return !state.isTaken
        }
    }

    /// Sets what is done when the function has shown that it runs; at once if it has already.
    func onStart(_ action: @escaping @Sendable () -> Void) {
        let hasStarted = state.withLock {
            if !$0.hasStarted { $0.startAction = action }
            return $0.hasStarted
        }
        if hasStarted { action() }
    }

    /// The function runs.
    public func started() {
        let action = state.withLock { state in
            state.hasStarted = true
            let action = state.startAction
            state.startAction = nil
            return action
        }
        action?()
    }

    public var hasStarted: Bool { state.withLock { $0.hasStarted } }

    /// Keeps the last event of a FIRST stream until the task's result has come.
    public func holdEnd(_ event: [UInt8]) { state.withLock { $0.heldEnd = event } }

    /// The function says that it has sent all: only its task's result is missing.
    public func done(_ event: [UInt8]) {
        let action = state.withLock { state in
            state.heldEnd = event
            state.isDone = true
            let action = state.doneAction
            state.doneAction = nil
            return action
        }
        action?()
    }

    /// True after `done`: nothing more is taken.
    public var isDone: Bool { state.withLock { $0.isDone } }

    /// Sets what is done when the function has said that it is done.
    func onDone(_ action: @escaping @Sendable () -> Void) { state.withLock { $0.doneAction = action } }

    func takeHeldEnd() -> [UInt8] {
        state.withLock { state in
            defer { state.heldEnd = [] }
            return state.heldEnd
        }
    }
}

/// The callbacks that are awaited, by their names.
public final class CallbackTable: Sendable {
    private let open = Mutex<[String: Callback]>([:])

    public init() {}

    /// A new name and secret; to be closed when the task has ended.
    func make() -> Callback {
        let callback = Callback()
        open.withLock { $0[callback.name] = callback }
        return callback
    }

    public func find(_ name: String) -> Callback? { open.withLock { $0[name] } }

    func close(_ callback: Callback) { open.withLock { _ = $0.removeValue(forKey: callback.name) } }

    /// Awaited just now.
    public var count: Int { open.withLock { $0.count } }
}

/// UUIDs as text (RFC 9562).
enum UUIDText {
    /// Version 4: random, by OpenSSL's generator.
    static func random() -> String {
        var bytes = Random.bytes(16)
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        let digits = Array(Digest.hex(bytes))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index == 8 || index == 12 || index == 16 || index == 20 { text.append("-") }
            text.append(digit)
        }
        return text
    }
}
