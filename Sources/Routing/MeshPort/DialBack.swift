import CLinux
import Gossip
import Synchronization
public import Transport

/// Dials back a node that asks whether it can be reached from here.
///
/// Where is not for the asker to choose freely, or this node would be a scanner of its own network: the mesh address in the asker's own
/// signed record, or else the address that the asker's connection comes from, with the port that it names. Said is no more than
/// whether the asker itself answered there.
public final class DialBack: Sendable {
    /// What came of it; the raw value is what is said.
    public enum Result: String, Sendable, Codable, CaseIterable {
        /// The asker answered there and proved itself by its certificate.
        case reached
        /// Nobody, or somebody else.
        case refused
        case timedOut
    }

    public struct Limits: Sendable {
        /// Dials for one node, and for all together, a minute.
        public var perNode = 6
        public var perMinute = 60
        /// Nanoseconds for one.
        public var timeout: UInt64 = 5_000_000_000
        public init() {}
    }

    private let secured: TLSSource
    private let way: @Sendable (String) -> Way
    private let limits: Limits
    private let spent = Mutex(Spent())

    private struct Spent {
        /// Monotonic nanoseconds at which the counts begin anew.
        var until: UInt64 = 0
        var total = 0
        var byNode: [NodeID: Int] = [:]
    }

    /// - Parameters:
    ///   - secured: how links that this node dials are secured.
    ///   - way: how a host is reached: straight, or through a proxy.
    public init(
        securedBy secured: TLSSource, way: @escaping @Sendable (String) -> Way = { _ in .direct }, limits: Limits = Limits()
    ) {
        self.secured = secured
        self.way = way
        self.limits = limits
    }

    /// Whether one more may be dialled for a node now. Counts it.
    func admits(_ node: NodeID, now: UInt64) -> Bool {
        spent.withLock { spent in
            if now >= spent.until { spent = Spent(until: now &+ 60_000_000_000) }
            guard spent.total < limits.perMinute, spent.byNode[node, default: 0] < limits.perNode else { return false }
            spent.total += 1
            spent.byNode[node, default: 0] += 1
            return true
        }
    }

    /// Where a node is dialled; nil where neither its record nor its connection tells.
    ///
    /// - Parameters:
    ///   - record: the mesh URL of its own signed record.
    ///   - source: where its connection comes from.
    ///   - port: that it says it listens on.
    static func target(record: String?, source: SocketAddress?, port: Int?) -> HostPort? {
        if let record {
            let bare = record.hasPrefix("https://") ? String(record.dropFirst(8)) : record
            return HostPort(bare.hasSuffix("/") ? String(bare.dropLast()) : bare)
        }
        guard let source, let port, let number = UInt16(exactly: port), number > 0 else { return nil }
        return HostPort(host: source.host, port: number)
    }

    /// Shakes hands at `target` and looks who answers.
    func dial(_ target: HostPort, expecting node: NodeID, pool: ConnectionPool) async -> Result {
        var settings = Upstream.Settings()
        settings.connectTimeout = limits.timeout
        let upstream = Upstream(target: target, securedBy: secured, settings: settings, way: way(target.host))
        do throws(TransportError) {
            let connection = try await pool.acquire(
                upstream, fresh: true, deadline: mesh_monotonic_ns() &+ limits.timeout)
            defer { connection.stream.close() }
            return connection.stream.peerIdentity as? NodeID == node ? .reached : .refused
        } catch {
            return error.code == .timedOut ? .timedOut : .refused
        }
    }
}
