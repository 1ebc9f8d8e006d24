import Gossip
import Testing
import Transport

@testable import Routing

@Suite struct DialBackTests {
    private static let source = SocketAddress(bytes: [10, 0, 0, 7], port: 50_000)

    /// Where a node is dialled: by its own record, or else at the address that it comes from.
    @Test(
        arguments: [
            ("https://mesh.example.org:8201", 22, "mesh.example.org:8201"),
            ("https://mesh.example.org:8201/", nil, "mesh.example.org:8201"),
            ("https://[2001:db8::1]:8201", nil, "[2001:db8::1]:8201"),
            (nil, 8201, "10.0.0.7:8201"), (nil, 0, nil), (nil, -1, nil), (nil, 65_536, nil), (nil, nil, nil),
            // A record that names no place is not made good by what the asker says besides.
            ("https://mesh.example.org", 8201, nil), ("", 8201, nil),
        ] as [(String?, Int?, String?)])
    func target(record: String?, port: Int?, expected: String?) {
        #expect(DialBack.target(record: record, source: Self.source, port: port)?.description == expected)
    }

    @Test func withoutASourceThereIsOnlyTheRecord() {
        #expect(DialBack.target(record: nil, source: nil, port: 8201) == nil)
    }

    /// Few a minute for one node, and few for all; a minute later anew.
    @Test func dialsAreRationed() {
        var limits = DialBack.Limits()
        limits.perNode = 2
        limits.perMinute = 3
        let dialBack = DialBack(securedBy: TLSSource(nil), limits: limits)
        let (a, b) = (NodeID(site: "a", node: "a1"), NodeID(site: "b", node: "b1"))
        let minute: UInt64 = 60_000_000_000
        #expect([a, a, a, b, b].map { dialBack.admits($0, now: 1) } == [true, true, false, true, false])
        #expect(!dialBack.admits(b, now: minute))
        #expect(dialBack.admits(a, now: minute + 1) && dialBack.admits(b, now: minute + 2))
    }
}
