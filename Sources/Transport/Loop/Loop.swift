import CLinux
import Glibc
import Synchronization

/// Anything with a descriptor that a loop can wake.
public class Source: TimerNode {
    final let descriptor: Int32
    /// Distinguishes this source from an earlier one with the same descriptor in events already fetched.
    fileprivate final var registration: UInt32 = 0

    init(descriptor: Int32) {
        self.descriptor = descriptor
        super.init()
    }

    /// `events` is an epoll mask.
    func ready(_ events: UInt32) {}
}

/// One thread and its epoll set: the executor of the actors and of the tasks that live on it.
///
/// A task must be started with the loop as its *executor preference* too, otherwise each continuation takes the way over the
/// global pool (measured: 1.2x the CPU of a request instead of 0.9x).
///
/// `@unchecked Sendable`: everything but `inbox`, `sleeping`, `thread` and `stopping` is touched on the loop's own thread
/// only, which `assertCurrent` checks at each entry; those four are atomics or behind a lock.
public final class Loop: SerialExecutor, TaskExecutor, @unchecked Sendable {
    private let epoll: Int32
    private let wakeDescriptor: Int32

    private var jobs = JobRing()
    private var sources: [Source?] = Array(repeating: nil, count: 256)
    private var registrations: UInt32 = 0
    private var wheel: TimerWheel
    private var due: [TimerNode] = []
    private var arrived: [UnownedJob] = []

    /// Connections whose peer proved who it is, so that they can be ended when that peer is no longer trusted.
    var proven: [ObjectIdentifier: any ProvenConnection] = [:]

    private let inbox = Mutex<[UnownedJob]>([])
    private let sleeping = Atomic<Bool>(false)
    private let thread = Atomic<UInt>(0)
    private let stopping = Atomic<Bool>(false)

    /// Monotonic nanoseconds as of the last wake.
    public private(set) var now: UInt64
    /// Jobs run in a row before the descriptors are looked at again, so that neither starves the other.
    private static let jobsInARow = 512

    public init() throws(TransportError) {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wakeDescriptor = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        now = mesh_monotonic_ns()
        wheel = TimerWheel(now: now)
        guard epoll >= 0, wakeDescriptor >= 0 else {
            throw TransportError(.system, "no descriptors left for an event loop: \(systemMessage())")
        }
        _ = mesh_epoll_add(epoll, wakeDescriptor, MESH_EPOLLIN, UInt64(UInt32.max))
    }

    deinit {
        close(epoll)
        close(wakeDescriptor)
    }

    public var isCurrent: Bool { @inline(__always) get { thread.load(ordering: .relaxed) == UInt(pthread_self()) } }

    @inline(__always)
    func assertCurrent() { precondition(isCurrent, "a loop's state was touched from another thread") }

    // MARK: Executor

    public func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        if isCurrent {
            jobs.push(unowned)
            return
        }
        inbox.withLock { $0.append(unowned) }
        wake()
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
    public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
    public func checkIsolated() { assertCurrent() }

    private func wake() {
        guard sleeping.exchange(false, ordering: .sequentiallyConsistent) else { return }
        var one: UInt64 = 1
        _ = write(wakeDescriptor, &one, 8)
    }

    // MARK: Sources and timers

    /// False when the kernel takes no more descriptors.
    func add(_ source: Source, events: UInt32) -> Bool {
        assertCurrent()
        let index = Int(source.descriptor)
        if index >= sources.count {
            sources.append(contentsOf: repeatElement(nil, count: max(index + 1 - sources.count, sources.count)))
        }
        registrations &+= 1
        source.registration = registrations
        guard mesh_epoll_add(epoll, source.descriptor, events, UInt64(registrations) << 32 | UInt64(index)) == 0 else {
            return false
        }
        sources[index] = source
        return true
    }

    /// Forgets the source. Its descriptor must still be open.
    func remove(_ source: Source) {
        assertCurrent()
        guard sources[Int(source.descriptor)] === source else { return }
        sources[Int(source.descriptor)] = nil
        _ = mesh_epoll_delete(epoll, source.descriptor)
        wheel.disarm(source)
    }

    @inline(__always)
    func arm(_ node: TimerNode, at deadline: UInt64) {
        assertCurrent()
        wheel.arm(node, at: deadline)
    }

    func disarm(_ node: TimerNode) {
        assertCurrent()
        wheel.disarm(node)
    }

    // MARK: The loop

    /// Runs until `stop`. Blocks the calling thread.
    public func run() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: 256)
        defer { events.deallocate() }
        while !stopping.load(ordering: .relaxed) {
            runJobs()
            let count = epoll_wait(epoll, events, 256, timeout())
            sleeping.store(false, ordering: .relaxed)
            now = mesh_monotonic_ns()
            for index in 0..<max(0, Int(count)) { deliver(events[index]) }
            fireTimers()
        }
    }

    /// Ends `run` soon. Callable from any thread.
    public func stop() {
        stopping.store(true, ordering: .relaxed)
        var one: UInt64 = 1
        _ = write(wakeDescriptor, &one, 8)
    }

    private func runJobs() {
        inbox.withLock { swap(&arrived, &$0) }
        for job in arrived { jobs.push(job) }
        arrived.removeAll(keepingCapacity: true)
        let serial = asUnownedSerialExecutor()
        let task = asUnownedTaskExecutor()
        var left = Self.jobsInARow
        while left > 0, let job = jobs.pop() {
            job.runSynchronously(isolatedTo: serial, taskExecutor: task)
            left &-= 1
        }
    }

    /// Milliseconds to sleep; 0 when there is work already, -1 for ever.
    private func timeout() -> Int32 {
        if !jobs.isEmpty { return 0 }
        sleeping.store(true, ordering: .sequentiallyConsistent)
        if inbox.withLock({ !$0.isEmpty }) || stopping.load(ordering: .relaxed) { return 0 }
        guard let wait = wheel.wait(now: mesh_monotonic_ns()) else { return -1 }
        return Int32(min((wait &+ 999_999) / 1_000_000, 60_000))
    }

    @inline(__always)
    private func deliver(_ event: epoll_event) {
        if event.data.u64 == UInt64(UInt32.max) {
            var value: UInt64 = 0
            _ = read(wakeDescriptor, &value, 8)
            return
        }
        let index = Int(event.data.u64 & 0xffff_ffff)
        guard let source = sources[index], UInt64(source.registration) == event.data.u64 >> 32 else { return }
        source.ready(event.events)
    }

    private func fireTimers() {
        wheel.advance(to: now, due: &due)
        guard !due.isEmpty else { return }
        for node in due { node.expired() }
        due.removeAll(keepingCapacity: true)
    }
}

/// The text of the current `errno`.
func systemMessage(_ code: Int32 = mesh_errno()) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text)
}
