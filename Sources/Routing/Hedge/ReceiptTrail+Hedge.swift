import Gossip

/// A second attempt stands in the trail as a choice of its own, made as if the place before had failed.
extension ReceiptTrail {
    var markCount: Int { marks.count }

    /// The choice made last is of a second attempt beside the one before.
    mutating func hedged() { marks[marks.count - 1].isHedge = true }

    /// Forgets choices that nothing came of.
    mutating func takeBack(to count: Int) {
        guard count >= 0, marks.count > count else { return }
        samples.removeLast(samples.count - marks[count].firstSample)
        marks.removeLast(marks.count - count)
    }

    func picked(_ mark: Int) -> Journey.Step? { marks.indices.contains(mark) ? marks[mark].picked : nil }

    mutating func ended(_ end: End, mark: Int, now: UInt64) {
        guard marks.indices.contains(mark), marks[mark].ended == nil else { return }
        marks[mark].ended = end
        marks[mark].endedAt = now
    }

    /// Whether the choice behind this one was made as if it had failed.
    func isHedged(_ mark: Int) -> Bool { mark + 1 < marks.count && marks[mark + 1].isHedge }
}
