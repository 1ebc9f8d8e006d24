public import Gossip

/// Who makes a request, shared by all that ask for it.
public final class RequestUser: Sendable {
    public let identity: UserIdentity

    public init(_ identity: UserIdentity) { self.identity = identity }
}
