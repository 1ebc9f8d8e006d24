import Gossip

// What nodes say of themselves, and when.

extension World {
    mutating func publishIdentity(_ node: Int) {
        var identity = Identity(
            api: "", mesh: nodes[node].address, certificate: nodes[node].certificate.text,
            certificateExpires: nodes[node].certificate.notAfter, software: "simulated")
        identity.draining = nodes[node].isDraining
        publish(.identity(identity), by: node)
    }

    mutating func publishCatalog(_ node: Int) {
        publish(.catalog(Catalog(models: [.simulated("m\(nodes[node].catalogNumber)")])), by: node)
    }

    mutating func publishLoad(_ node: Int) {
        let load = ModelLoad(id: "m", slots: 8, running: nodes[node].loadNumber % 9, waiting: 0)
        publish(.load(Load(models: [load])), by: node)
    }

    private mutating func publish(_ body: RecordBody, by node: Int) {
        act(node) { machine, moment in
            machine.publish(body, now: moment.now, wallSeconds: moment.wallSeconds, authority: moment.authority)
        }
    }

    /// A step's publication, and the versions in which it went out.
    mutating func publish(_ publication: Step.Publication, by group: [Int], mark: String?) {
        var items: [(origin: Int, kind: RecordKind, version: Version)] = []
        for node in group where nodes[node].isRunning && !nodes[node].isPaused {
            let kind: RecordKind
            switch publication {
            case .catalog:
                nodes[node].catalogNumber += 1
                publishCatalog(node)
                kind = .catalog
            case .drain:
                nodes[node].isDraining.toggle()
                publishIdentity(node)
                kind = .identity
            case .load:
                nodes[node].loadNumber += 4
                publishLoad(node)
                kind = .load
            }
            if let own = nodes[node].life?.machine.ownRecord(kind) { items.append((node, kind, own.record.version)) }
        }
        if let mark { court.publish(items, mark: mark) }
    }

    // MARK: - In their time

    mutating func scheduleLoad(_ node: Int) {
        guard let every = scenario.records.loadEverySeconds else { return }
        // Nodes do not march in step.
        let wait = every * (0.5 + random.unit())
        queue.push(
            Event(.load, at: now + VirtualTime.nanoseconds(wait), subject: node, tag: nodes[node].epoch))
    }

    mutating func changeLoad(_ event: Event) {
        let node = Int(event.subject)
        guard nodes[node].isRunning, nodes[node].epoch == event.tag, !nodes[node].hasLeft else { return }
        if !nodes[node].isPaused {
            nodes[node].loadNumber += 1
            publishLoad(node)
        }
        scheduleLoad(node)
    }

    mutating func scheduleRenewal(_ node: Int) {
        guard let part = scenario.records.renewedAfter else { return }
        // Counted back from the end by the node's own clock, which may be wrong.
        let left = scenario.records.certificateSeconds * (1 - part)
        let wall = Double(nodes[node].clock.seconds(at: now))
        let wait = max(1, Double(nodes[node].certificate.notAfter) - left - wall)
        queue.push(Event(.renewal, at: now + VirtualTime.nanoseconds(wait), subject: node, tag: nodes[node].epoch))
    }

    mutating func renewIfDue(_ event: Event) {
        let node = Int(event.subject)
        guard nodes[node].isRunning, nodes[node].epoch == event.tag, !nodes[node].hasLeft else { return }
        if nodes[node].isPaused { return postpone(event, to: now + 1_000_000_000) }
        renew(node, nodes[node].certificate.root)
        scheduleRenewal(node)
    }

    /// What ran out while it was not there is replaced before it starts.
    mutating func renewIfOld(_ node: Int) {
        guard scenario.records.renewedAfter != nil else { return }
        let right = WallClock.beginning + now / 1_000_000_000
        if nodes[node].certificate.notAfter <= right { replaceCertificate(node, nodes[node].certificate.root) }
    }

    /// Another key and certificate, said to all.
    mutating func renew(_ node: Int, _ root: Root) {
        replaceCertificate(node, root)
        if nodes[node].isRunning { publishIdentity(node) }
    }

    /// Its authority's clock is right, whatever its own says.
    private mutating func replaceCertificate(_ node: Int, _ root: Root) {
        let old = nodes[node].certificate
        nodes[node].certificate = Certificate(
            node: old.node, key: old.key + 1, root: root,
            notAfter: WallClock.beginning + now / 1_000_000_000 + UInt64(scenario.records.certificateSeconds))
    }
}
