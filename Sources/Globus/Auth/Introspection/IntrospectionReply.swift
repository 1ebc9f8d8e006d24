/// The members of an introspection that decide something; all optional but `active` (`GLOBUS.md` §1.1).
struct IntrospectionReply: Sendable {
    struct Identity: Sendable {
        var id: String
        var username: String
        var provider: String?
    }

    struct Authentication: Sendable {
        var identity: String
        var provider: String
        var time: UInt64
    }

    let isActive: Bool
    let scope: [String]
    let clientID: String?
    let subject: String?
    let username: String?
    /// Empty when it is not told.
    let audience: [String]
    let expiresAt: UInt64?
    let identities: [Identity]
    let session: [Authentication]
    /// What was evaluated, and whether it holds.
    let policies: [String: Bool]

    /// Entries of a list that are looked at.
    static let entries = 1024

    /// - Throws: without `active` it is no introspection.
    init(_ value: LooseJSON) throws(GlobusError) {
        guard let active = value["active"]?.truth else {
            throw GlobusError(.protocolViolation, "Globus Auth answered without saying whether the token is active")
        }
        isActive = active
        scope = (value["scope"]?.text ?? "").split(separator: " ").map(String.init)
        clientID = value["client_id"]?.text
        subject = value["sub"]?.text
        username = value["username"]?.text
        audience = value["aud"]?.texts ?? []
        expiresAt = value["exp"]?.count
        identities = (value["identity_set_detail"]?.items ?? []).prefix(Self.entries).compactMap { entry in
            guard let id = entry["sub"]?.text ?? entry["id"]?.text, let name = entry["username"]?.text else { return nil }
            return Identity(id: id, username: name, provider: entry["identity_provider"]?.text)
        }
        session = (value["session_info"]?["authentications"]?.object ?? [:]).prefix(Self.entries).compactMap { id, entry in
            entry["idp"]?.text.map { Authentication(identity: id, provider: $0, time: entry["auth_time"]?.count ?? 0) }
        }
        policies = (value["policy_evaluations"]?.object ?? [:]).mapValues { $0["evaluation"]?.truth ?? false }
    }
}
