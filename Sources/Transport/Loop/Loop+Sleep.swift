/// A pause that can be cut short.
public final class Alarm {
    private final class Node: TimerNode {
        var waiter: UnsafeContinuation<Void, Never>?
        override func expired() {
            waiter?.resume()
            waiter = nil
        }
    }

    private let loop: Loop
    private let node = Node()

    /// For use on `loop` only.
    public init(loop: Loop) { self.loop = loop }

    /// Waits until `nanoseconds` from now, or until `ring`.
    public func sleep(nanoseconds: UInt64) async {
        precondition(node.waiter == nil, "an alarm has one sleeper")
        await withUnsafeContinuation { continuation in
            node.waiter = continuation
            loop.arm(node, at: loop.now &+ nanoseconds)
        }
    }

    /// Wakes the sleeper now, if there is one.
    public func ring() {
        guard node.waiter != nil else { return }
        loop.disarm(node)
        node.expired()
    }
}
