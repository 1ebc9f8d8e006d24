import Gossip
import Routing
import Storage
import Synchronization
import Trust

/// What is asked for when a key is made.
struct KeyOrder: Sendable {
    var name: String
    var expiresInSeconds: UInt64?
    var limits = KeyLimits()
}

extension KeyStore {
    /// Makes a key. Its text is given out this once.
    func make(
        _ order: KeyOrder, for user: UserIdentity, nowSeconds: UInt64
    ) async throws(APIError) -> (key: APIKey, text: String) {
        do throws(AccessRefusal) {
            try checkRole(of: user, nowSeconds: nowSeconds)
        } catch { throw APIError(403, type: "permission_error", code: "access_denied", error.description) }
        let expiresAt = try expiry(order, of: user, nowSeconds: nowSeconds)
        let (id, text) = KeyText.make(site: site)
        // One object for all keys of an owner, also for two that are made at once.
        let owner = state.withLock { state in
            if let known = state.owners[user.subject] { return known }
            let made = KeyOwner(user, seenAt: nowSeconds)
            state.owners[user.subject] = made
            return made
        }
        _ = owner.saw(user, at: nowSeconds, recheckSeconds: 0)
        let key = APIKey(
            id: id, name: order.name, digest: SHA256Digest.of(text), owner: owner, createdAt: nowSeconds,
            expiresAt: expiresAt, limits: order.limits)
        try reserve(key, nowSeconds: nowSeconds)
        do throws(StorageError) {
            try await shelf.insert(key)
        } catch {
            forget([key])
            log(.error, "a key could not be kept: \(error)")
            throw APIError(
                503, type: "server_error", code: "storage_unavailable", "the key could not be kept; try again later")
        }
        return (key, text)
    }

    /// When a key ends: as asked, within its longest life and what is left of the owner's login.
    private func expiry(_ order: KeyOrder, of user: UserIdentity, nowSeconds: UInt64) throws(APIError) -> UInt64 {
        guard settings.maximumDays > 0 else {
            throw APIError(403, type: "permission_error", code: "keys_disabled", "this site makes no API keys")
        }
        var latest = nowSeconds + UInt64(settings.maximumDays) * 86_400
        if !user.isProgram {
            guard let login = user.authenticatedAt else {
                throw APIError(
                    403, type: "permission_error", code: "login_time_unknown",
                    "it is not known when you logged in, by which the key's end is counted: log in again")
            }
            // A login of the future, by a clock that is ahead, counts as one of now.
            latest = min(latest, min(login, nowSeconds) + UInt64(settings.reauthenticationDays) * 86_400)
        }
        guard latest > nowSeconds else {
            throw APIError(
                403, type: "permission_error", code: "login_too_old",
                "your login is older than \(settings.reauthenticationDays) days: log in again")
        }
        return order.expiresInSeconds.map { min(nowSeconds + $0, latest) } ?? latest
    }

    /// Takes a place for a key, so that no number of requests at once passes the limit.
    private func reserve(_ key: APIKey, nowSeconds: UInt64) throws(APIError) {
        let problem: String? = state.withLock { state in
            let own = state.byID.values.count { $0.owner.subject == key.owner.subject && nowSeconds < $0.expiresAt }
            if own >= settings.perUser { return "you have \(own) keys, as many as one user may have: revoke some" }
            if state.byID.count >= settings.allowed {
                if own == 0 { state.owners[key.owner.subject] = nil }
                return "this node has as many keys as it can hold"
            }
            state.byDigest[key.digest] = key
            state.byID[key.id] = key
            state.owners[key.owner.subject] = key.owner
            return nil
        }
        if let problem {
            throw APIError(409, type: "invalid_request_error", code: "too_many_keys", problem)
        }
    }

    private func forget(_ keys: [APIKey]) {
        state.withLock { state in
            for key in keys {
                state.byDigest[key.digest] = nil
                state.byID[key.id] = nil
                let hasMore = state.byID.values.contains { $0.owner.subject == key.owner.subject }
                if !hasMore { state.owners[key.owner.subject] = nil }
            }
        }
    }

    /// Keys of one owner, or of all; the newest first.
    func list(of subject: String?) -> [APIKey] {
        state.withLock { Array($0.byID.values) }.filter { subject == nil || $0.owner.subject == subject }
            .sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
    }

    /// Ends a key at once.
    ///
    /// - Parameter subject: the owner that it must be of; nil: anyone.
    /// - Returns: nil if there is no such key of that owner.
    func revoke(_ id: String, of subject: String?) async throws(APIError) -> APIKey? {
        guard let key = state.withLock({ $0.byID[id] ?? $0.unwritten[id] }), subject == nil || key.owner.subject == subject
        else { return nil }
        // In memory first: from here on it is of no use, whatever the disk says.
        forget([key])
        do throws(StorageError) {
            try await shelf.remove([id])
            state.withLock { $0.unwritten[id] = nil }
        } catch {
            state.withLock { $0.unwritten[id] = key }
            log(.error, "the revocation of key \(id) could not be written down: \(error)")
            throw APIError(
                503, type: "server_error", code: "storage_unavailable",
                "the key is revoked until this node starts again, but that could not be kept: try once more")
        }
        return key
    }
}

extension SHA256Digest {
    static func of(_ text: String) -> SHA256Digest {
        var text = text
        return text.withUTF8 { Digest.sha256(UnsafeRawBufferPointer($0)) }
    }
}
