/// What the API asks of the part of the program that keeps this node's place in its federation.
public protocol FederationControl: Sendable {
    /// Who is in the federation and what is in force there, as JSON: the answer of `GET /mesh/federation`.
    func describeFederation() async -> String
    /// Takes statements of the federation's operator.
    ///
    /// - Parameter tokens: as they were signed.
    /// - Returns: how many were news.
    func takeStatements(_ tokens: [[UInt8]]) async throws(FederationRefusal) -> Int
    /// Signs and takes the revocation of a site, or of one of its nodes.
    func revoke(site: String, node: String?, reason: String) async throws(FederationRefusal)
    /// Renews this node's own certificate now.
    ///
    /// - Returns: who issued it, and its end, seconds since 1970.
    func renewCertificate() async throws(FederationRefusal) -> (issuedBy: String, expires: UInt64)
}

/// Why that was not done.
public struct FederationRefusal: Error, Sendable {
    /// Of the HTTP answer.
    public var status: Int
    public var code: String
    public var message: String

    public init(_ status: Int, code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }
}
