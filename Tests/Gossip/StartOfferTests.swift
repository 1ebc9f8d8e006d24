import FoundationEssentials
import Gossip
import Testing

@Suite struct StartOfferTests {
    private func read(_ json: String) throws -> StartOffer {
        try JSONDecoder().decode(StartOffer.self, from: Data(json.utf8))
    }

    /// A node of an earlier version tells neither, and is told no more than it knows where there is no more.
    @Test func whatEarlierVersionsTellIsRead() throws {
        #expect(try read(#"{"sites":["a"],"seconds":5}"#) == StartOffer(sites: ["a"], seconds: 5))
        let plain = try JSONEncoder().encode(StartOffer(sites: ["a"], seconds: 5))
        #expect(!String(decoding: plain, as: UTF8.self).contains("kept"))
        for offer in [
            StartOffer(sites: ["a"], seconds: 5, isGuess: true), StartOffer(sites: [], seconds: 5, isKept: true),
        ] {
            #expect(try JSONDecoder().decode(StartOffer.self, from: JSONEncoder().encode(offer)) == offer)
        }
        #expect(StartOffer(sites: [], seconds: 5).toldSeconds == 5)
        #expect(StartOffer(sites: [], seconds: 5, isGuess: true).toldSeconds == nil)
    }

    @Test(arguments: [
        #"{"sites":["a"],"seconds":-1}"#, #"{"sites":["a"],"seconds":1e300}"#, #"{"sites":["a"],"seconds":5,"kept":"yes"}"#,
    ])
    func whatIsNoneIsRefused(json: String) { #expect(throws: (any Error).self) { try read(json) } }
}
