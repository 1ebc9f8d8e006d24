import Synchronization

/// All that the federation's operator has said and that still holds: whom to trust, which sites are admitted, what is revoked.
/// Every node has one; they are equal where `digest` is.
///
/// A bundle must be signed by a root in force before it; all else by a root or by an issuing certificate of the whole federation below
/// one. What a root signed that is no longer in force holds no more: who takes a root out signs what should stay anew first.
public final class TrustLedger: Sendable {
    /// A statement as it is passed on.
    public struct Held: Sendable, Equatable {
        public let statement: Statement
        public let token: [UInt8]
        /// Thumbprint of the certificate that signed it, in hexadecimal.
        let keyID: String

        /// Whether a statement that was verified before still holds under another bundle.
        func stands(under bundle: TrustBundle, now: Int64) -> Bool {
            statement.signer(under: bundle, keyID: keyID, now: now) != nil
        }
    }

    private struct State {
        var bundle: TrustBundle
        /// By subject.
        var held: [String: Held] = [:]
        var digest = ""
    }

    /// How far ahead of ours the operator's clock may be.
    public static let leewaySeconds: Int64 = 300
    public static let maximumStatements = 8192

    public let federation: String
    private let state: Mutex<State>

    /// - Parameter roots: what the node was set up with; a bundle statement takes their place.
    public init(federation: String, roots: [Certificate]) {
        self.federation = federation
        state = Mutex(State(bundle: TrustBundle(serial: 0, roots: roots)))
    }

    public var bundle: TrustBundle { state.withLock { $0.bundle } }

    /// Names all that is held: equal at two nodes that hold the same. Empty where nothing is.
    public var digest: String { state.withLock { $0.digest } }

    /// What is held, by subject.
    public var held: [Held] { state.withLock { $0.held.sorted { $0.key < $1.key }.map(\.value) } }

    public func admission(of site: String) -> Admission? {
        state.withLock {
            if case .admission(let admission) = $0.held["admission/\(site)"]?.statement.body { admission } else { nil }
        }
    }

    /// Why a certificate is no longer good; nil: it is.
    ///
    /// - Parameters:
    ///   - notBefore: when the certificate began; seconds since 1970.
    ///   - now: seconds since 1970.
    public func revocation(site: String, node: String, notBefore: Int64, now: Int64) -> Revocation? {
        state.withLock { state in
            for subject in ["revocation/\(site)", "revocation/\(site)/\(node)"] {
                guard let held = state.held[subject], case .revocation(let revocation) = held.statement.body,
                    !Self.isOver(held.statement, in: state.held, now: now)
                else { continue }
                if notBefore < Int64(clamping: revocation.revokedAt) { return revocation }
                // A site with an authority of its own could make itself new certificates.
                if revocation.node == nil, !Self.isAdmittedSince(held.statement, site: site, in: state.held) {
                    return revocation
                }
            }
            return nil
        }
    }

    /// Takes a statement that came from anywhere.
    ///
    /// - Parameter now: seconds since 1970.
    /// - Returns: the statement if it is news; nil if it, or a newer one on its subject, is held already.
    public func take(_ token: [UInt8], now: Int64) throws(StatementRefusal) -> Statement? {
        let (statement, parsed) = try Statement.parse(token)
        guard statement.federation == federation else { throw .foreignFederation }
        let bundle = self.bundle
        if let known = heldStatement(statement.subject), known.token == token || known.statement.serial > statement.serial {
            return nil
        }
        guard Int64(clamping: statement.issuedAt) <= now + Self.leewaySeconds else { throw .futureDated }
        if state.withLock({ Self.isOver(statement, in: $0.held, now: now) }) { throw .expired }
        try Self.check(statement, parsed, bundle, now: now)
        var next: TrustBundle?
        if case .bundle(let body) = statement.body { next = try TrustBundle(body, serial: statement.serial) }
        return try put(Held(statement: statement, token: token, keyID: parsed.keyID ?? ""), next, now: now) ? statement : nil
    }

    /// Forgets revocations that are over; true if there were any. A site's are not before it is admitted anew.
    public func expire(now: Int64) -> Bool {
        state.withLock { state in
            let before = state.held
            state.held = before.filter { !Self.isOver($0.value.statement, in: before, now: now) }
            guard state.held.count != before.count else { return false }
            state.digest = Self.digest(of: state.held)
            return true
        }
    }

    private func heldStatement(_ subject: String) -> Held? { state.withLock { $0.held[subject] } }

    /// False if another thread brought the same or a newer one meanwhile.
    private func put(_ held: Held, _ bundle: TrustBundle?, now: Int64) throws(StatementRefusal) -> Bool {
        let result = state.withLock { state -> Result<Bool, StatementRefusal> in
            let subject = held.statement.subject
            if let known = state.held[subject] {
                guard Self.isNewer(held, than: known) else { return .success(false) }
            } else if state.held.count >= Self.maximumStatements {
                return .failure(.full)
            }
            state.held[subject] = held
            if let bundle {
                state.bundle = bundle
                state.held = state.held.filter { $0.key == subject || $0.value.stands(under: bundle, now: now) }
            }
            state.digest = Self.digest(of: state.held)
            return .success(true)
        }
        return try result.get()
    }

    /// Of two with one serial all nodes must keep the same.
    private static func isNewer(_ one: Held, than other: Held) -> Bool {
        if one.statement.serial != other.statement.serial { return one.statement.serial > other.statement.serial }
        return other.token.lexicographicallyPrecedes(one.token)
    }

    /// Whether a statement can be forgotten. A site's revocation cannot before the site is admitted anew, whatever it says of its end:
    /// the admission before it, which anyone may have kept, would bring the site back.
    private static func isOver(_ statement: Statement, in held: [String: Held], now: Int64) -> Bool {
        guard case .revocation(let revocation) = statement.body, Int64(clamping: revocation.expires) <= now else {
            return false
        }
        return revocation.node != nil || isAdmittedSince(statement, site: revocation.site, in: held)
    }

    private static func isAdmittedSince(_ revocation: Statement, site: String, in held: [String: Held]) -> Bool {
        held["admission/\(site)"].map { $0.statement.serial >= revocation.serial } ?? false
    }

    private static func digest(of held: [String: Held]) -> String {
        guard !held.isEmpty else { return "" }
        var tokens: [UInt8] = []
        for (_, value) in held.sorted(by: { $0.key < $1.key }) { tokens += value.token + [0] }
        return Digest.hex(Array(Digest.sha256(tokens).prefix(16)))
    }
}
