import CLinux
import Gossip
import Transport

/// One request that is being served, as far as an operator's blocks must know it. One object a connection, used again for each of
/// its requests, so that the request path allocates nothing for it. Never leaves its worker.
final class RequestUnderWay {
    let stream: Transport.Stream
    private let registry: RequestRegistry
    /// Its place in the registry; -1: not under way.
    fileprivate(set) var place = -1
    /// Tells one request on a connection from the next.
    private(set) var serial = 0

    private(set) var user: RequestUser?
    private(set) var key: String?
    private(set) var model = ""
    /// The node that it came from; nil: a user of this node.
    private(set) var peer: NodeID?
    /// The node that has it just now; nil: this one.
    private(set) var target: NodeID?

    /// What ended it as a whole, or only its stay at the node that has it.
    private(set) var ending: Block?
    private(set) var attemptEnding: Block?

    init(stream: Transport.Stream, registry: RequestRegistry) {
        self.stream = stream
        self.registry = registry
    }

    func begin(user: RequestUser?, key: String?, model: String, from peer: NodeID?) {
        self.user = user
        self.key = key
        self.model = model
        self.peer = peer
        serial &+= 1
        registry.add(self)
    }

    /// Nothing waits for it any more.
    func end() {
        registry.remove(self)
        user = nil
        key = nil
        peer = nil
        target = nil
        ending = nil
        attemptEnding = nil
    }

    /// Who the user is has become known.
    func isOf(_ user: RequestUser?) { self.user = user }

    /// It goes to a node, or to none.
    func goes(to node: NodeID?) {
        target = node
        guard attemptEnding != nil, ending == nil else { return }
        attemptEnding = nil
        stream.clearInterruption()
    }

    /// The block that ended it or its present attempt.
    var block: Block? { ending ?? attemptEnding }

    /// Ends it where a block stands against it.
    ///
    /// - Returns: whether one does.
    @discardableResult
    func meet(_ blocks: BlockSet, me: NodeID, nowSeconds: UInt64) -> Bool {
        if ending == nil,
            let block = blocks.against(user: user?.identity, key: key, model: model, from: peer, nowSeconds: nowSeconds)
        {
            ending = block
            stream.interrupt(TransportError(.revoked, block.message(at: me)))
        } else if block == nil, let target, let block = blocks.against(sendingTo: target, nowSeconds: nowSeconds) {
            attemptEnding = block
            stream.interrupt(TransportError(.revoked, block.message(at: me)))
        }
        return block != nil
    }
}

/// The requests under way on one worker.
final class RequestRegistry {
    private(set) var requests: [RequestUnderWay] = []

    init() { requests.reserveCapacity(64) }

    fileprivate func add(_ request: RequestUnderWay) {
        precondition(request.place < 0, "a connection has one request under way")
        request.place = requests.count
        requests.append(request)
    }

    fileprivate func remove(_ request: RequestUnderWay) {
        let place = request.place
        guard place >= 0 else { return }
        let last = requests.removeLast()
        if last !== request {
            requests[place] = last
            last.place = place
        }
        request.place = -1
    }
}

extension HTTPExchange {
    /// The request under way on it; nil before one began.
    var underWay: RequestUnderWay? { attachment as? RequestUnderWay }

    /// Enters its request in the worker's registry. To be ended by `end` on every path.
    func beginRequest(
        user: RequestUser?, key: String? = nil, model: String, from peer: NodeID? = nil
    ) -> RequestUnderWay {
        let request: RequestUnderWay
        if let known = underWay {
            request = known
        } else {
            let registry = worker.attachment(RequestRegistry.self) { RequestRegistry() }
            request = RequestUnderWay(stream: stream, registry: registry)
            attachment = request
        }
        request.begin(user: user, key: key, model: model, from: peer)
        return request
    }
}
