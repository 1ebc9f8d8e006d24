import Gossip

/// One node of the simulated world: its machine while it runs, and what stays when it does not.
struct SimulatedNode {
    let id: NodeID
    let address: String
    var life: Life?
    /// Which of its lives this is.
    var epoch: UInt32 = 0
    var isRunning = false
    /// It does not start by itself.
    var isHeld = false
    /// It said that it leaves, and will end by itself.
    var hasLeft = false
    /// It ended in a way that answers nobody, not even with a refusal.
    var isSilent = false
    var isPaused = false
    /// What came while it stood still.
    var inbox: [Event] = []
    /// Seconds that it takes for each message; nil: none worth counting.
    var handlingSeconds: ClosedRange<Double>?
    /// Messages that wait until it is done with those before.
    var waiting: [Event] = []
    var busyUntil: UInt64 = 0
    /// When its machine is to be called; what is in the queue for another moment is not meant.
    var tickAt = VirtualTime.never
    /// Since when it has been running and reachable for all that were not cut off themselves.
    var reachableSince = VirtualTime.never

    var clock = WallClock()
    var disk = Disk()
    var certificate: Certificate
    var trust = RootTrust()
    var protocolVersion: UInt8?
    var misbehaviour: Step.Misbehaviour?

    // What it publishes.
    var catalogNumber: UInt64 = 0
    var loadNumber = 0
    var isDraining = false

    var sent = Traffic()
    /// When its line is free again, if that is narrow.
    var lineFreeAt: UInt64 = 0
    /// Exchanges that it began in this life and was not told the end of.
    var pending = 0
    /// What its machines of earlier lives had counted.
    var pastRefusals: [RecordRefusal: UInt64] = [:]

    init(id: NodeID, index: Int, certificate: Certificate) {
        self.id = id
        self.address = SimulatedNode.address(of: index)
        self.certificate = certificate
    }

    static func address(of index: Int) -> String { "n\(index):8200" }

    /// The index in an address as above; nil for any other.
    static func index(in address: String) -> Int? {
        var value = 0
        var digits = 0
        for (position, byte) in address.utf8.enumerated() {
            if position == 0 {
                guard byte == UInt8(ascii: "n") else { return nil }
            } else if (0x30...0x39).contains(byte), digits < 7 {
                value = value * 10 + Int(byte - 0x30)
                digits += 1
            } else {
                return byte == UInt8(ascii: ":") && digits > 0 ? value : nil
            }
        }
        return nil
    }
}

/// A clock that may be wrong.
struct WallClock {
    /// Seconds since 1970 at the world's beginning.
    static let beginning: UInt64 = 1_760_000_000

    var offsetSeconds = 0.0
    var driftPartsPerMillion = 0.0
    /// Since when it runs as it does.
    var setAt: UInt64 = 0

    func seconds(at now: UInt64) -> UInt64 {
        let drift = VirtualTime.seconds(now - setAt) * driftPartsPerMillion / 1e6
        let wrong = (offsetSeconds + drift).rounded(.down)
        let right = WallClock.beginning + now / 1_000_000_000
        return wrong < 0 ? right - min(right, UInt64(-wrong)) : right + UInt64(wrong)
    }
}

/// What a node has stored, and the copies of it.
struct Disk {
    struct Contents {
        var generation: UInt64 = 0
        /// Addresses of its last known mesh.
        var remembered: [String] = []
    }

    var contents = Contents()
    /// As found at each start, the last two.
    var copies: [Contents] = []
    var isFull = false

    /// Addresses kept.
    static let remembered = 64

    mutating func store(generation: UInt64) {
        if !isFull { contents.generation = generation }
    }

    /// What the next start finds.
    mutating func open(_ disk: Step.Disk) -> Contents {
        switch disk {
        case .kept: break
        case .lost: contents = Contents()
        case .restored: contents = copies.first ?? Contents()
        }
        copies = Array((copies + [contents]).suffix(2))
        return contents
    }
}
