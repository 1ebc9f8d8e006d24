import Transport

/// The API port's certificate, read again when its files change: an ACME client renews it, or, where it is the node's own, the
/// federation does. Connections that exist go on under the one before.
actor APICertificate {
    nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let files: CertificateConfiguration
    private let source: TLSSource
    private let log: Logger
    private lazy var alarm = Alarm(loop: loop)
    private var stamps: [FileStamp?]

    private static let tickNanoseconds: UInt64 = 10_000_000_000

    /// - Parameter source: holds the context that was made of the files.
    init(_ files: CertificateConfiguration, _ source: TLSSource, loop: Loop, log: Logger) {
        self.files = files
        self.source = source
        self.loop = loop
        self.log = log
        stamps = FileStamp.of(files)
    }

    /// Begins to watch; returns at once.
    nonisolated func start() { Task(executorPreference: loop) { await self.run() } }

    private func run() async {
        while true {
            await alarm.sleep(nanoseconds: Self.tickNanoseconds)
            let found = FileStamp.of(files)
            guard found != stamps else { continue }
            do throws(TransportError) {
                source.replace(with: try Self.context(files))
                stamps = found
                log.info("the API port shows the certificate that is now in \(files.certificateFile)")
            } catch {
                // One of the two may be there before the other.
                log.warnSeldom("api certificate", "the API's new certificate is not used yet: \(error.message)")
            }
        }
    }

    static func context(_ files: CertificateConfiguration) throws(TransportError) -> TLSContext {
        var settings = TLSContext.Settings(role: .server, verification: .none)
        settings.certificateFile = files.certificateFile
        settings.keyFile = files.keyFile
        settings.applicationProtocols = ["http/1.1"]
        return try TLSContext(settings)
    }
}
