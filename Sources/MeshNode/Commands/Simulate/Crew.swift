import CLinux
import Glibc
import Synchronization

/// Does pieces of work that have nothing to do with each other, on every core that this process may use.
final class Crew: Sendable {
    private static let threadsAllowed = 64

    private let count: Int
    private let piece: @Sendable (Int) -> Void
    private let next = Atomic<Int>(0)

    /// Does the pieces 0 to `count - 1`, each once; returns when all are done.
    static func work(_ count: Int, _ piece: @escaping @Sendable (Int) -> Void) {
        let crew = Crew(count, piece)
        var threads: [pthread_t] = []
        for _ in 1..<max(1, min(Int(mesh_usable_cores()), threadsAllowed, count)) {
            if let thread = crew.startThread() { threads.append(thread) }
        }
        crew.work()
        for thread in threads { pthread_join(thread, nil) }
    }

    private init(_ count: Int, _ piece: @escaping @Sendable (Int) -> Void) {
        self.count = count
        self.piece = piece
    }

    /// nil if there is no thread to be had: fewer do as well.
    private func startThread() -> pthread_t? {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(self)
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Crew>.fromOpaque(argument).takeRetainedValue().work()
                return nil
            }, argument.toOpaque())
        if result == 0 { return thread }
        argument.release()
        return nil
    }

    private func work() {
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < count else { return }
            piece(index)
        }
    }
}
