import Gossip

/// Who can certify nodes in the simulated world.
enum Root: UInt8, Sendable {
    case old = 0
    case new = 1
    /// Another federation's.
    case foreign = 2
}

/// A node's certificate: which of its keys, under which root, until when.
struct Certificate: Hashable, Sendable {
    var node: UInt32
    var key: UInt32
    var root: Root
    /// Seconds since 1970.
    var notAfter: UInt64

    /// As an identity record carries it.
    var text: String { "\(node).\(key).\(root.rawValue)" }
}

/// The roots that a node trusts.
struct RootTrust: Hashable, Sendable {
    var old = true
    var new = false

    func trusts(_ root: Root) -> Bool {
        switch root {
        case .old: old
        case .new: new
        case .foreign: false
        }
    }
}
