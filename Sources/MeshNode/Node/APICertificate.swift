import CLinux
import Glibc
import Transport

/// The API port's certificate, read again when its files change: an ACME client renews it, or, where it is the node's own, the
/// federation does. Connections that exist go on under the one before.
actor APICertificate {
    nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private struct Mark: Equatable {
        var inode: UInt64
        var seconds: Int
        var nanoseconds: Int

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            inode = UInt64(status.st_ino)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }

    private let files: CertificateConfiguration
    private let source: TLSSource
    private let log: Logger
    private lazy var alarm = Alarm(loop: loop)
    private var marks: [Mark?]

    private static let tickNanoseconds: UInt64 = 10_000_000_000

    /// - Parameter source: holds the context that was made of the files.
    init(_ files: CertificateConfiguration, _ source: TLSSource, loop: Loop, log: Logger) {
        self.files = files
        self.source = source
        self.loop = loop
        self.log = log
        marks = Self.marks(files)
    }

    /// Begins to watch; returns at once.
    nonisolated func start() { Task(executorPreference: loop) { await self.run() } }

    private func run() async {
        while true {
            await alarm.sleep(nanoseconds: Self.tickNanoseconds)
            let found = Self.marks(files)
            guard found != marks else { continue }
            do throws(TransportError) {
                source.replace(with: try Self.context(files))
                marks = found
                log.info("the API port shows the certificate that is now in \(files.certificateFile)")
            } catch {
                // One of the two may be there before the other.
                log.warnSeldom("api certificate", "the API's new certificate is not used yet: \(error.message)")
            }
        }
    }

    private static func marks(_ files: CertificateConfiguration) -> [Mark?] {
        [Mark(files.certificateFile), Mark(files.keyFile)]
    }

    static func context(_ files: CertificateConfiguration) throws(TransportError) -> TLSContext {
        var settings = TLSContext.Settings(role: .server, verification: .none)
        settings.certificateFile = files.certificateFile
        settings.keyFile = files.keyFile
        settings.applicationProtocols = ["http/1.1"]
        return try TLSContext(settings)
    }
}
