import Glibc
import Synchronization

/// A thread for what waits on the disk: the executor of the actors that own databases, so that no event loop ever does.
///
/// `@unchecked Sendable`: `jobs` is touched only with `mutex` held; `mutex` and `condition` are made in `init`, never moved,
/// and never freed: a node has one such thread, which lives as long as the process.
public final class StorageThread: SerialExecutor, @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs: [UnownedJob] = []
    private let isRunning = Atomic<Bool>(false)

    public init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    /// Starts the thread.
    ///
    /// - Throws: `.library` if there is no thread to be had.
    public func start() throws(StorageError) {
        guard !isRunning.exchange(true, ordering: .relaxed) else { return }
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(self)
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<StorageThread>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument.toOpaque())
        guard result == 0 else {
            argument.release()
            throw StorageError(.library, "no thread for the databases: \(String(cString: strerror(result)))")
        }
        pthread_detach(thread)
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        pthread_mutex_lock(mutex)
        jobs.append(unowned)
        pthread_mutex_unlock(mutex)
        pthread_cond_signal(condition)
    }

    private func run() {
        while true {
            pthread_mutex_lock(mutex)
            while jobs.isEmpty { pthread_cond_wait(condition, mutex) }
            let taken = jobs
            jobs.removeAll(keepingCapacity: true)
            pthread_mutex_unlock(mutex)
            for job in taken { job.runSynchronously(on: asUnownedSerialExecutor()) }
        }
    }
}
