import Synchronization

/// The latest receipts of this node; the oldest makes room. Bounded in number and in bytes.
///
/// It holds trails, of which receipts are made when somebody reads them; who adds one gets the storage of one that went.
public final class ReceiptRing: Sendable {
    public struct Limits: Sendable, Equatable {
        public var count = 512
        public var bytes = 8 << 20
        /// The share of all requests, 0 to 1, that is handed on to be kept although nothing was amiss.
        public var sampledShare = 0.01
        public init() {}
    }

    private struct State {
        /// That with the id n is at n modulo the limit; `oldest` is the first that is there.
        var trails: ContiguousArray<ReceiptTrail>
        var oldest: UInt64
        var next: UInt64
        var bytes = 0
        var evicted = 0

        func trail(_ id: UInt64) -> Int { Int(id % UInt64(trails.count)) }
    }

    public let limits: Limits
    /// What a receipt's replay needs to know of candidates that are no longer in the view is in the trail itself.
    private let state: Mutex<State>
    private let kept: (@Sendable (ReceiptTrail) -> Void)?

    /// - Parameters:
    ///   - firstID: above all that were given before, over restarts too.
    ///   - kept: takes those that should outlive the ring; must not wait.
    public init(
        limits: Limits = Limits(), firstID: UInt64 = 1, kept: (@Sendable (ReceiptTrail) -> Void)? = nil
    ) {
        precondition(limits.count > 0, "a ring has room for one at least")
        self.limits = limits
        self.kept = kept
        state = Mutex(
            State(
                trails: ContiguousArray(repeating: ReceiptTrail(), count: limits.count), oldest: firstID, next: firstID))
    }

    /// Takes a trail, and leaves an empty one in its place, with storage that is no longer used.
    // Not inlined: a Mutex must not be locked in an async function that came back from another thread.
    @inline(never)
    func add(_ trail: inout ReceiptTrail) {
        let isTroubled = trail.isTroubled
        var toKeep: ReceiptTrail?
        state.withLock { state in
            trail.id = state.next
            if kept != nil, isTroubled || isSampled(trail.id) { toKeep = trail }
            let index = state.trail(trail.id)
            let newest = state.next > state.oldest ? state.trail(state.next - 1) : nil
            if state.next - state.oldest == UInt64(state.trails.count) { Self.drop(oldest: &state, at: index) }
            trail.bytes = trail.size
            // Requests for one model share the list of candidates, as long as the view does not change: it is counted once.
            if let newest, newest != index, trail.sharesCandidates(with: state.trails[newest]) {
                state.trails[newest].bytes -= trail.sizeOfCandidates
                state.bytes -= trail.sizeOfCandidates
            }
            state.bytes += trail.bytes
            swap(&state.trails[index], &trail)
            state.next += 1
            while state.bytes > limits.bytes, state.next - state.oldest > 1 {
                let oldest = state.trail(state.oldest)
                Self.drop(oldest: &state, at: oldest)
                state.trails[oldest] = ReceiptTrail()
            }
        }
        trail.clear()
        if let toKeep { kept?(toKeep) }
    }

    private static func drop(oldest state: inout State, at index: Int) {
        state.bytes -= state.trails[index].bytes
        state.trails[index].bytes = 0
        state.oldest += 1
    }

    /// Spread evenly over all ids (Weyl's sequence of the golden ratio): no more and no fewer than the share.
    private func isSampled(_ id: UInt64) -> Bool {
        Double((id &* 0x9e37_79b9_7f4a_7c15) >> 11) * 0x1p-53 < limits.sampledShare
    }

    // MARK: Reading

    /// Newest first.
    ///
    /// - Returns: at most so many of those that `fits` takes, and the id of the oldest that was looked at.
    public func latest(
        _ limit: Int, where fits: (ReceiptTrail) -> Bool = { _ in true }
    ) -> (trails: [ReceiptTrail], oldest: UInt64) {
        let (all, oldest) = copy()
        return (Array(all.lazy.filter(fits).prefix(max(0, limit))), oldest)
    }

    @inline(never)
    public func find(id: UInt64) -> ReceiptTrail? {
        state.withLock { $0.oldest <= id && id < $0.next ? $0.trails[$0.trail(id)] : nil }
    }

    public func find(requestID: String) -> ReceiptTrail? { copy().trails.first { $0.requestID == requestID } }

    /// What is held: receipts and bytes.
    public var size: (count: Int, bytes: Int) { state.withLock { (Int($0.next - $0.oldest), $0.bytes) } }

    @inline(never)
    private func copy() -> (trails: [ReceiptTrail], oldest: UInt64) {
        state.withLock { state in
            (stride(from: state.next, to: state.oldest, by: -1).map { state.trails[state.trail($0 - 1)] }, state.oldest)
        }
    }
}

extension ReceiptTrail {
    /// Bytes that it holds, about.
    var size: Int {
        MemoryLayout<ReceiptTrail>.stride + samples.capacity * MemoryLayout<LiveLoad.Sample>.stride
            + marks.capacity * MemoryLayout<Mark>.stride + textBytes + 256 + sizeOfCandidates
            + laterCandidates.reduce(0) { $0 + Self.size(of: $1) }
    }

    private var textBytes: Int {
        marks.reduce(outcome.utf8.count) { sum, mark in
            switch mark.ended {
            case .failed(let why), .interrupted(let why): sum + why.utf8.count
            default: sum
            }
        }
    }

    /// With what each has outside of the list.
    var sizeOfCandidates: Int { Self.size(of: candidates) }

    private static func size(of candidates: [Candidate]) -> Int {
        candidates.count * (MemoryLayout<Candidate>.stride + 512)
    }

    func sharesCandidates(with other: ReceiptTrail) -> Bool {
        guard candidates.count == other.candidates.count else { return false }
        return candidates.withUnsafeBufferPointer { own in
            other.candidates.withUnsafeBufferPointer { own.baseAddress == $0.baseAddress }
        }
    }
}

/// A worker's empty trails.
final class TrailPool {
    private var trails: [ReceiptTrail] = []
    /// More than this are let go.
    private static let kept = 64

    func take() -> ReceiptTrail { trails.popLast() ?? ReceiptTrail() }

    /// Swapped, not copied: storage that two hold would be copied when one of them writes.
    func put(_ trail: inout ReceiptTrail) {
        trail.clear()
        guard trails.count < Self.kept else { return }
        trails.append(ReceiptTrail())
        swap(&trails[trails.count - 1], &trail)
    }
}
