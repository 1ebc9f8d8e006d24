import CLinux
import FoundationEssentials
import Gossip
import Synchronization
import Transport

extension Router {
    /// The endpoint of a site that has no reachable node, where this node may submit a request itself.
    ///
    /// - Parameters:
    ///   - unreached: bit i: candidate i could not be reached for this request.
    ///   - now: monotonic nanoseconds.
    func directRoute(_ routes: ModelRoutes, _ needs: RequestNeeds, unreached: UInt64, now: UInt64) -> DirectRoute? {
        routes.directs.first { direct in
            guard direct.isFresh(now: now), choice.exclusion(of: direct.candidate, for: needs) == nil else { return false }
            // As long as one node of the site may answer, the site decides for itself.
            return routes.candidates.indices.allSatisfy { index in
                let candidate = routes.candidates[index]
                guard candidate.node.site == direct.node.site else { return true }
                switch candidate.nodeState {
                case .unreachable, .dead: return true
                case .alive, .suspect: return unreached & (1 << UInt64(index)) != 0
                case .left: return false
                }
            }
        }
    }

    /// Submits a request to another site's endpoint, and keeps a note for that site once it was taken there.
    func runDirect(
        _ request: ForwardRequest, _ direct: DirectRoute, _ exchange: HTTPExchange, fields: (HTTPExchange) -> Void
    ) async -> Attempt {
        exchange.underWay?.goes(to: direct.node)
        let attempt = await runHere(request, direct.model, exchange, queues: true, fields: fields)
        if case .refused = attempt { return attempt }
        directUses.note(
            DirectUse(
                requestID: request.requestID, user: request.user, model: direct.candidate.variant.id,
                at: mesh_realtime_ns() / 1_000_000_000), of: direct.node.site)
        return attempt
    }
}

/// A request that was submitted to a site's endpoint without the site's node.
public struct DirectUse: Codable, Sendable, Equatable {
    public var requestID: String
    public var user: String
    public var model: String
    /// Seconds since 1970.
    public var at: UInt64

    public init(requestID: String, user: String, model: String, at: UInt64) {
        self.requestID = requestID
        self.user = user
        self.model = model
        self.at = at
    }
}

extension DirectUse {
    /// nil only if JSON cannot say it.
    public static func encode(_ uses: [DirectUse]) -> [UInt8]? { (try? JSONEncoder().encode(uses)).map { Array($0) } }

    /// nil unless it is a list of at most as many as are kept, each text of a sensible length.
    public static func decode(_ bytes: [UInt8]) -> [DirectUse]? {
        guard let uses = try? JSONDecoder().decode([DirectUse].self, from: Data(bytes)),
            uses.count <= DirectUses.keptPerSite,
            uses.allSatisfy({ [$0.requestID, $0.user, $0.model].allSatisfy { $0.utf8.count <= 512 } })
        else { return nil }
        return uses
    }
}

/// What sites are to be told when their nodes are back: each direct use, the latest thousand a site.
public final class DirectUses: Sendable {
    public static let keptPerSite = 1000
    private let pending = Mutex<[String: [DirectUse]]>([:])
    private let action: @Sendable (DirectUse, String) -> Void

    /// - Parameter noted: called with each use and its site, for this node's own log.
    public init(noted: @escaping @Sendable (DirectUse, String) -> Void = { _, _ in }) { action = noted }

    func note(_ use: DirectUse, of site: String) {
        pending.withLock { pending in
            pending[site, default: []].append(use)
            if let count = pending[site]?.count, count > Self.keptPerSite {
                pending[site]?.removeFirst(count - Self.keptPerSite)
            }
        }
        action(use, site)
    }

    /// Those that were not told all yet.
    public var sites: [String] { pending.withLock { Array($0.keys) } }

    /// Takes what a site was not told yet; to be put back where it could not be delivered.
    public func take(of site: String) -> [DirectUse] { pending.withLock { $0.removeValue(forKey: site) ?? [] } }

    public func putBack(_ uses: [DirectUse], of site: String) {
        guard !uses.isEmpty else { return }
        pending.withLock { $0[site] = Array((uses + ($0[site] ?? [])).suffix(Self.keptPerSite)) }
    }
}
