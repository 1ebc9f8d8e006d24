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
        let gone = try reserve(key, nowSeconds: nowSeconds)
        do throws(StorageError) {
            try await shelf.insert(key, insteadOf: gone.map(\.id))
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

    /// Takes a place for a key, so that no number of requests at once passes the limit. Keys that have expired make room, the
    /// oldest first: the owner's own, and where the node is full anyone's.
    ///
    /// - Returns: those that made room.
    private func reserve(_ key: APIKey, nowSeconds: UInt64) throws(APIError) -> [APIKey] {
        let outcome: Result<[APIKey], Refusal> = state.withLock { state in
            let own = state.byID.values.filter { $0.owner.subject == key.owner.subject }
            var gone = own.filter { $0.expiresAt <= nowSeconds }.sorted { $0.expiresAt < $1.expiresAt }
            let living = own.count - gone.count
            guard living < settings.perUser else {
                return .failure(Refusal("you have \(living) keys, as many as one user may have: revoke some"))
            }
            gone = Array(gone.prefix(max(0, own.count + 1 - settings.perUser)))
            if gone.isEmpty, state.byID.count >= settings.allowed {
                guard let oldest = state.byID.values.min(by: { $0.expiresAt < $1.expiresAt }), oldest.expiresAt <= nowSeconds
                else {
                    if own.isEmpty { state.owners[key.owner.subject] = nil }
                    return .failure(Refusal("this node has as many keys as it can hold"))
                }
                gone = [oldest]
            }
            for other in gone { state.remove(other) }
            state.byDigest[key.digest] = key
            state.byID[key.id] = key
            state.owners[key.owner.subject] = key.owner
            return .success(gone)
        }
        do throws(Refusal) {
            return try outcome.get()
        } catch { throw APIError(409, type: "invalid_request_error", code: "too_many_keys", error.message) }
    }

    private struct Refusal: Error {
        let message: String
        init(_ message: String) { self.message = message }
    }

    // Not inlined, here and below: a Mutex reads its thread's identity from thread-local storage, whose address the optimizer may keep
    // over a suspension. After a call to the shelf, which ends on the storage's thread, that was the wrong thread's.
    @inline(never)
    private func forget(_ keys: [APIKey]) {
        state.withLock { state in
            for key in keys { state.remove(key) }
        }
    }

    /// Remembers a revocation that the disk has not taken; nil: it has.
    @inline(never)
    private func keepUnwritten(_ id: String, _ key: APIKey?) {
        state.withLock { $0.unwritten[id] = key }
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
            keepUnwritten(id, nil)
        } catch {
            keepUnwritten(id, key)
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
