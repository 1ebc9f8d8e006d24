/// The authorities that are in force.
public struct TrustBundle: Sendable {
    /// Of the statement that brought it; 0: the roots that the node was set up with.
    public let serial: UInt64
    public let roots: [Certificate]
    /// By site: good for its nodes alone.
    public let siteRoots: [String: [Certificate]]
    /// Certificates that began before this are to be renewed at once; seconds since 1970.
    public let renewBefore: UInt64?

    public init(
        serial: UInt64, roots: [Certificate], siteRoots: [String: [Certificate]] = [:], renewBefore: UInt64? = nil
    ) {
        self.serial = serial
        self.roots = roots
        self.siteRoots = siteRoots
        self.renewBefore = renewBefore
    }

    init(_ statement: BundleStatement, serial: UInt64) throws(StatementRefusal) {
        func certificates(_ encoded: [String]) throws(StatementRefusal) -> [Certificate] {
            var found: [Certificate] = []
            for text in encoded {
                guard let der = try? Base64.decode(text), let certificate = try? Certificate(der: der),
                    certificate.isAuthority
                else { throw .malformed }
                found.append(certificate)
            }
            return found
        }
        var sites: [String: [Certificate]] = [:]
        for (site, encoded) in statement.siteRoots { sites[site] = try certificates(encoded) }
        self.init(
            serial: serial, roots: try certificates(statement.roots), siteRoots: sites, renewBefore: statement.renewBefore)
    }
}
