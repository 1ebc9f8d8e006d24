/// How connections to an upstream are made.
public enum Way: Sendable {
    /// Straight to its address.
    case direct
    /// Through an HTTP CONNECT proxy.
    case proxy(HTTPProxy)
    /// Over somebody who knows how to reach it: a carrier of the mesh.
    case over(any StreamDialler)
}

/// Makes connections that are more than a call of an address.
public protocol StreamDialler: Sendable {
    /// A raw connection to whom it stands for; TLS with them is still to be shaken.
    ///
    /// - Parameters:
    ///   - dialler: opens what is needed, on the loop on which the connection will live.
    ///   - client: given up when this stream's peer goes.
    ///   - deadline: monotonic nanoseconds.
    func dial(with dialler: Dialler, for client: Stream?, deadline: UInt64) async throws(TransportError) -> Stream
}

extension Upstream {
    /// Whether somebody in between may be lost while both ends live: a request of which no byte was answered is then repeated.
    public var isCarried: Bool { if case .over = way { true } else { false } }
}
