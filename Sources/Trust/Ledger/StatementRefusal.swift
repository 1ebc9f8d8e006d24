/// Why a statement is not believed.
public enum StatementRefusal: String, Error, Sendable, CaseIterable {
    /// Not a statement, or one beyond its limits.
    case malformed
    case foreignFederation
    /// Signed by nobody who may say this.
    case notAuthorised
    case badSignature
    /// From more than `TrustLedger.leewaySeconds` ahead of our clock.
    case futureDated
    /// What it says has ended.
    case expired
    /// There is no room for another.
    case full
}
