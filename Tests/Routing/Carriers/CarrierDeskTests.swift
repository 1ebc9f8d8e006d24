import Gossip
import Testing
import Transport

@testable import Routing

@Suite struct CarrierDeskTests {
    private let a = NodeID(site: "a", node: "1")
    private let b = NodeID(site: "b", node: "1")

    @Test func nodesAreBoundedEachAndTogether() {
        let desk = CarrierDesk(CarrierSettings(parkedPerNode: 2, parked: 3))
        let links = [
            ParkedLink(node: a), ParkedLink(node: a), ParkedLink(node: a), ParkedLink(node: b), ParkedLink(node: b),
        ]
        #expect(links.map { desk.park($0) } == [true, true, false, true, false])
        desk.remove(links[0])
        #expect(desk.park(links[2]))
        let figures = desk.figures()
        #expect(figures.parked.map(\.node) == [a, b])
        #expect(figures.parked.map(\.count) == [2, 1])
        #expect(figures.refusals == 2)
    }

    @Test func splicesAreBounded() {
        let desk = CarrierDesk(CarrierSettings(splices: 3, splicesPerCaller: 2))
        #expect(desk.beginSplice(for: a))
        #expect(desk.beginSplice(for: a))
        // One caller cannot take what others need.
        #expect(!desk.beginSplice(for: a))
        #expect(desk.beginSplice(for: b))
        #expect(!desk.beginSplice(for: b))
        desk.endSplice(for: a)
        #expect(desk.beginSplice(for: b))
        #expect(desk.figures().splices == 3)
        #expect(desk.figures().splicesEver == 4)
    }

    /// What died while it waited is passed over; without any, the caller is told at once.
    @Test func theDeadArePassedOver() async {
        let desk = CarrierDesk()
        let links = [ParkedLink(node: a), ParkedLink(node: a)]
        for link in links { #expect(desk.park(link)) }
        for link in links { link.end(nil) }
        #expect(await desk.take(a) == nil)
        #expect(await desk.take(b) == nil)
        #expect(desk.figures().parked.isEmpty)
    }

    /// A claim at the very moment when the wait ends is not lost.
    @Test func aClaimIsSeenWheneverItComes() async {
        let link = ParkedLink(node: a)
        let parking = Parking()
        #expect(link.rest(with: parking))
        async let claimed = link.claim()
        while link.rise() { await Task.yield() }
        #expect(!link.rest(with: Parking()))
        // Nobody can claim what is claimed.
        #expect(await link.claim() == nil)
        link.end(nil)
        #expect(await claimed == nil)
    }
}
