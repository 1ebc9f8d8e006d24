import Storage

extension InviteStore {
    static func invite(_ database: borrowing Database, _ digest: [UInt8]) throws(StorageError) -> Invite? {
        var row = try database.prepare(
            "SELECT site, nodes, domains, addsNodes, expiresAt, createdAt, createdBy FROM invites WHERE digest = ?1")
        try row.bind(1, digest)
        guard try row.step() else { return nil }
        return Invite(
            digest: digest, site: row.text(0) ?? "", nodes: Int(row.integer(1)),
            domains: row.text(2).map { $0.split(separator: " ").map(String.init) }, addsNodes: row.integer(3) != 0,
            expiresAt: row.integer(4), createdAt: row.integer(5), createdBy: row.text(6) ?? "")
    }

    /// What this key was given before by this invitation, while it is good: a join that was cut short is tried again.
    static func given(
        _ database: borrowing Database, _ candidate: Candidate, _ invite: Invite
    ) throws(StorageError) -> Grant? {
        var row = try database.prepare(
            """
            SELECT uses.node, uses.certificates, invites.admission FROM uses JOIN invites USING(digest)
            WHERE digest = ?1 AND key = ?2 AND uses.expiresAt > ?3
            """)
        try row.bind(1, candidate.digest)
        try row.bind(2, candidate.key)
        try row.bind(3, candidate.now)
        guard try row.step() else { return nil }
        return Grant(
            site: invite.site, node: row.text(0) ?? "",
            certificates: (row.text(1) ?? "").split(separator: " ").map(String.init), admission: row.text(2),
            isRepeated: true)
    }

    static func uses(_ database: borrowing Database, _ digest: [UInt8]) throws(StorageError) -> Int {
        var row = try database.prepare("SELECT count(*) FROM uses WHERE digest = ?1")
        try row.bind(1, digest)
        return try row.step() ? Int(row.integer(0)) : 0
    }

    static func holder(
        _ database: borrowing Database, _ site: String, _ node: String
    ) throws(StorageError) -> Holder? {
        var row = try database.prepare("SELECT key, since FROM members WHERE site = ?1 AND node = ?2")
        try row.bind(1, site)
        try row.bind(2, node)
        return try row.step() ? Holder(key: row.bytes(0), since: row.integer(1)) : nil
    }

    static func owner(_ database: borrowing Database, _ name: String) throws(StorageError) -> String? {
        var row = try database.prepare("SELECT site FROM names WHERE name = ?1")
        try row.bind(1, name)
        return try row.step() ? row.text(0) : nil
    }

    static func write(
        _ database: borrowing Database, _ candidate: Candidate, _ invite: Invite, _ grant: Grant, _ validity: Range<Int64>
    ) throws(StorageError) {
        var use = try database.prepare("INSERT OR REPLACE INTO uses VALUES(?1,?2,?3,?4,?5,?6,?7)")
        try use.bind(1, candidate.digest)
        try use.bind(2, candidate.key)
        try use.bind(3, grant.node)
        try use.bind(4, grant.certificates.joined(separator: " "))
        try use.bind(5, validity.upperBound)
        try use.bind(6, candidate.now)
        try use.bind(7, candidate.address)
        try use.run()
        var member = try database.prepare("INSERT OR REPLACE INTO members VALUES(?1,?2,?3,?4)")
        try member.bind(1, invite.site)
        try member.bind(2, grant.node)
        try member.bind(3, candidate.key)
        try member.bind(4, validity.lowerBound)
        try member.run()
        for name in candidate.names where !SharedNames.contains(name) {
            var row = try database.prepare("INSERT OR IGNORE INTO names VALUES(?1,?2)")
            try row.bind(1, name)
            try row.bind(2, invite.site)
            try row.run()
        }
        guard let admission = grant.admission else { return }
        var update = try database.prepare("UPDATE invites SET admission = ?2 WHERE digest = ?1")
        try update.bind(1, candidate.digest)
        try update.bind(2, admission)
        try update.run()
    }
}
