import Gossip
import Routing
import Storage
import Transport

extension NodeAPI {
    /// Refuses a caller whom this node's operator has blocked, whatever they ask for.
    func checkBlocks(_ caller: Caller) throws(APIError) {
        guard let blocks = router.blocks.current else { return }
        let identity = caller.user.identity
        let now = Self.nowSeconds
        guard
            let block = blocks.user(identity, nowSeconds: now)
                ?? blocks.key(caller.key?.id, of: identity, nowSeconds: now)
        else { return }
        facts.audit?.record(
            .refusal, actor: caller.name, subject: "API", detail: "\(block.kind.rawValue) \(block.subject) is blocked")
        throw APIError(
            403, type: "permission_error", code: block.kind.failure.rawValue, block.message(at: router.me))
    }

    private func blockStore() throws(APIError) -> BlockStore {
        guard let store = facts.blocks else { throw APIError(404, code: "no_blocks", "this node keeps no blocks") }
        return store
    }

    private func body(_ call: Call) async throws(APIError) -> [UInt8] {
        do throws(HTTPSyntaxError) {
            let range = try await call.exchange.readBody(limit: BlockOrder.bodyBytes)
            return Array(call.exchange.headBytes[range])
        } catch { throw APIError(error) }
    }

    /// `/mesh/blocks`.
    func blocks(_ call: Call) async throws(APIError) {
        if call.exchange.head.method == .post { try await block(call) } else { try await listBlocks(call) }
    }

    /// `GET /mesh/blocks`: those in force.
    private func listBlocks(_ call: Call) async throws(APIError) {
        let found = try blockStore().list(nowSeconds: Self.nowSeconds)
        await call.json(
            JSONWriter.object { root in
                root.field("at", Timestamp.now)
                root.field("isolated", found.contains { $0.kind == .isolation })
                root.key("blocks")
                root.array { list in for block in found { list.object { describe(block, &$0) } } }
            })
    }

    private func describe(_ block: Block, _ writer: inout JSONWriter) {
        writer.field("id", block.id)
        writer.field("kind", block.kind.rawValue)
        writer.field("subject", block.subject)
        writer.field("reason", block.reason)
        writer.field("by", block.by)
        writer.field("at", Timestamp.text(seconds: block.at))
        writer.field("until", block.until.map { Timestamp.text(seconds: $0) })
    }

    /// `POST /mesh/blocks`: blocks a peer, user, key or model at this node.
    private func block(_ call: Call) async throws(APIError) {
        let store = try blockStore()
        var order = try BlockOrder(json: try await body(call))
        try fit(&order, call.caller)
        await answer(try await set(order, store, call), call, status: 201)
    }

    /// `POST /mesh/isolate`: this node's own users on its own models alone, or the end of that.
    func isolate(_ call: Call) async throws(APIError) {
        let store = try blockStore()
        guard let order = try BlockOrder.isolation(json: try await body(call)) else {
            let lifted = try await store.lift(nowSeconds: Self.nowSeconds) { $0.kind == .isolation }
            await noteLifted(lifted, call)
            return await call.json(#"{"isolated":false}"#)
        }
        await answer(try await set(order, store, call), call, status: 201)
    }

    /// `DELETE /mesh/blocks/{id}`.
    func unblock(_ call: Call) async throws(APIError) {
        let id = String(call.exchange.path.dropFirst("/mesh/blocks/".count))
        let lifted = try await blockStore().lift(nowSeconds: Self.nowSeconds) { $0.id == id }
        guard let block = lifted.first else {
            throw APIError(404, code: "block_not_found", "there is no block \(id.prefix(64)) in force here")
        }
        await noteLifted(lifted, call)
        await answer(block, call, status: 200)
    }

    private func set(_ order: BlockOrder, _ store: BlockStore, _ call: Call) async throws(APIError) -> Block {
        let who = call.caller?.name ?? "unknown"
        let block: Block
        do throws(APIError) {
            block = try await store.add(order, by: who, nowSeconds: Self.nowSeconds)
        } catch {
            // In force all the same, where only the disk failed.
            if error.status == 503 { await control.blocksChanged() }
            throw error
        }
        let what = block.kind == .isolation ? "isolation" : "\(block.kind.rawValue) \(block.subject)"
        let until = block.until.map { " until \(Timestamp.text(seconds: $0))" } ?? ""
        facts.audit?.record(.block, actor: who, subject: what, detail: "set\(until), block \(block.id): \(block.reason)")
        control.log(.warning, "\(what) blocked by \(who)\(until): \(block.reason)")
        await control.blocksChanged()
        return block
    }

    private func noteLifted(_ lifted: [Block], _ call: Call) async {
        let who = call.caller?.name ?? "unknown"
        for block in lifted {
            let what = block.kind == .isolation ? "isolation" : "\(block.kind.rawValue) \(block.subject)"
            facts.audit?.record(.block, actor: who, subject: what, detail: "lifted, block \(block.id)")
            control.log(.warning, "\(what) unblocked by \(who)")
        }
        await control.blocksChanged()
    }

    private func answer(_ block: Block, _ call: Call, status: Int) async {
        await call.json(
            JSONWriter.object {
                describe(block, &$0)
                if block.kind == .isolation { $0.field("isolated", true) }
            }, status: status)
    }

    // MARK: What can be blocked

    /// Sees that a block means what its operator thinks, and does not lock them out.
    private func fit(_ order: inout BlockOrder, _ caller: Caller?) throws(APIError) {
        switch order.kind {
        case .peer: try fitPeer(order.subject)
        case .user:
            let identity = caller?.user.identity
            let names = [identity?.subject, identity?.username].compactMap { $0?.lowercased() }
            guard !names.contains(order.subject.lowercased()) else { throw lockedOut("that is you") }
        case .key:
            let block = Block(id: "", kind: .key, subject: order.subject, reason: "", by: "", at: 0)
            if BlockSet([block]).key(caller?.key?.id, of: caller?.user.identity, nowSeconds: 0) != nil {
                throw lockedOut("that is what you came with")
            }
        case .model:
            // An alias means its model.
            if let routes = router.view.routes[order.subject] { order.subject = routes.id }
        case .isolation: break
        }
    }

    private func fitPeer(_ subject: String) throws(APIError) {
        let parts = subject.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let node = NodeID(site: parts[0], node: parts.count == 2 ? parts[1] : "n")
        guard parts.count <= 2, node.isValid else {
            throw BlockOrder.refuse("subject", "a peer is SITE or SITE/NODE, as meshnode peers lists them")
        }
        if parts.count == 1 ? node.site == router.me.site : node == router.me {
            throw lockedOut("that is this node\(parts.count == 1 ? "'s own site" : "")")
        }
    }

    private func lockedOut(_ why: String) -> APIError {
        APIError(409, code: "block_of_self", parameter: "subject", "\(why): not blocked")
    }
}
