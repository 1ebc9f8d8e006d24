import CLinux
import Glibc
import Gossip
import Routing
import Storage
import Transport
import Trust

/// What a node opens before it can be put together. Each throws exit 1 and one line naming what cannot be used.
extension Node {
    /// What this node proves itself with, and what the federation's operator has said so far.
    static func trust(
        _ configuration: NodeConfiguration, _ log: Logger,
        admits: @escaping @Sendable (NodeID) throws -> Void = { _ in }
    ) throws(CommandFailure) -> (MeshTrust, StatementStore) {
        let store = StatementStore(directory: configuration.stateDirectory, log: log)
        let ledger: TrustLedger
        do throws(TrustError) {
            ledger = TrustLedger(
                federation: configuration.federation, roots: try Certificate.load(pemFile: configuration.trust.caFile))
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        store.load(into: ledger, now: PeerGate.now)
        return (try MeshTrust(configuration, ledger: ledger, admits: admits), store)
    }

    /// The thread of all databases.
    static func storageThread() throws(CommandFailure) -> StorageThread {
        let thread = StorageThread()
        do throws(StorageError) {
            try thread.start()
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        return thread
    }

    static func apiTLS(_ configuration: NodeConfiguration) throws(CommandFailure) -> TLSContext? {
        guard let tls = configuration.tls else { return nil }
        do throws(TransportError) {
            return try APICertificate.context(tls)
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
    }

    static func startWorkers(_ loops: Int) throws(CommandFailure) -> [Worker] {
        let count = loops > 0 ? loops : max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        var workers: [Worker] = []
        do throws(TransportError) {
            for index in 0..<count { workers.append(try Worker(index: index)) }
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        for worker in workers { worker.start() }
        return workers
    }

    /// Sockets handed over at the start (LISTEN_FDS, in this order: API, mesh, admin) take the place of those configured.
    static func listen(
        _ addresses: ListenConfiguration, count: Int
    ) throws(CommandFailure) -> (api: ListeningSocket, mesh: ListeningSocket, admin: ListeningSocket?) {
        let inherited = ListeningSocket.inheritedCount()
        func socket(_ index: Int, _ address: ListenAddress) throws(TransportError) -> ListeningSocket {
            if index < inherited { return try ListeningSocket.inherited(descriptor: 3 + Int32(index)) }
            return try ListeningSocket.bind(try address.socketAddress, count: count)
        }
        do throws(TransportError) {
            let api = try socket(0, addresses.api)
            let mesh = try socket(1, addresses.mesh)
            guard let admin = addresses.admin else { return (api, mesh, nil) }
            return (api, mesh, try socket(2, admin))
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
    }
}
