import Gossip

// What must hold after every step, looked at where something has changed.

extension World {
    /// What is broken by one node's showing of another, if anything.
    func checkSight(_ observer: Int, _ origin: Int, _ old: Sight, _ new: Sight) -> (kind: Failure.Kind, text: String)? {
        func words(_ text: String) -> String {
            "\(nodes[observer].id) shows \(nodes[origin].id) \(text)"
        }
        // 1. No ghost.
        if new.isAlive || new.state == .unreachable, new.generation <= old.buried {
            return (.ghost, words("as \(new.state?.rawValue ?? "") in generation \(new.generation), which was over there"))
        }
        guard new.state != nil else { return nil }
        // 2. Nothing that its origin never signed.
        let held = new.digest
        if held.identity > 0 || held.catalog > 0 || held.load > 0, !registry.signed[origin].covers(held) {
            return (.forged, words("in versions that it never signed: \(held)"))
        }
        // 3. Nothing goes back.
        guard old.state != nil else { return nil }
        if new.generation < old.generation {
            return (.wentBack, words("in generation \(new.generation) after \(old.generation)"))
        }
        guard new.generation == old.generation else { return nil }
        for (name, before, after) in [
            ("identity", old.identity, new.identity), ("catalog", old.catalog, new.catalog), ("load", old.load, new.load),
        ] where after < before {
            return (.wentBack, words("with \(name) \(after) after \(before)"))
        }
        return nil
    }

    /// Whether a record that a view holds is its origin's own word.
    func checkRecord(_ held: SignedRecord, of origin: Int, at observer: Int) -> String? {
        do throws(RecordRefusal) {
            let opened = try registry.open(held.token)
            guard opened.token.certificate.node == UInt32(origin), opened.signed == held else {
                return "\(nodes[observer].id) holds a record of \(nodes[origin].id) that is not what was signed"
            }
            return nil
        } catch {
            return "\(nodes[observer].id) holds a record of \(nodes[origin].id) that is \(error)"
        }
    }

    /// Whether a machine holds no more than it may.
    mutating func checkHoldings(_ node: Int) {
        guard let life = nodes[node].life else { return }
        court.mostRecordBytes = max(court.mostRecordBytes, life.recordBytes)
        let settings = scenario.settings
        for (what, count, most) in [
            ("bytes of records", life.recordBytes, settings.memoryBytes),
            ("nodes", life.nodeCount, settings.maximumNodes),
            ("graves", life.tombstoneCount, settings.maximumTombstones),
        ] where count > most {
            fail(.cap, "\(nodes[node].id) holds \(count) \(what); \(most) allowed")
        }
    }

    /// Looks at one node whole: whether it told of all that it shows, and keeps its limits.
    mutating func audit() {
        court.remember()
        let second = Int(now / Guards.auditNanoseconds)
        queue.push(Event(.audit, at: now + Guards.auditNanoseconds, subject: 0))
        // In a large mesh a whole view is much to look at.
        guard nodes.count <= World.encodedNodes || second % 10 == 0 else { return }
        let index = second / (nodes.count <= World.encodedNodes ? 1 : 10) % nodes.count
        guard let life = nodes[index].life else { return }
        var shown = 0
        for origin in nodes.indices {
            let sighting = life.sighting(of: nodes[origin].id)
            let known = sights[index, origin]
            shown += sighting == nil ? 0 : 1
            let bytes = life.recordBytes(of: nodes[origin].id)
            if bytes > scenario.settings.bytesPerOrigin {
                fail(.cap, "\(nodes[index].id) holds \(bytes) B of \(nodes[origin].id)")
            }
            guard sighting?.state == known.state else {
                return fail(
                    .untold,
                    "\(nodes[index].id) shows \(nodes[origin].id) as \(sighting?.state.rawValue ?? "unknown") and said \(known.state?.rawValue ?? "unknown")"
                )
            }
            if let digest = sighting?.digest,
                digest.generation != known.generation || digest.identity != UInt64(known.identity)
                    || digest.catalog != UInt64(known.catalog) || digest.load != UInt64(known.load)
            {
                return fail(.untold, "\(nodes[index].id) shows \(nodes[origin].id) in versions that it did not tell of")
            }
        }
        if shown != life.nodeCount { fail(.forged, "\(nodes[index].id) holds nodes that do not exist") }
    }
}
