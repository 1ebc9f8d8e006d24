import Globus
import Gossip
import Testing

@testable import Routing

/// What `status.py` may return, and what is taken of it.
@Suite struct EndpointReportTests {
    private func read(_ json: String) throws -> [String: EndpointJudgement.Report] {
        EndpointWatch.read(try WireJSON.parse(json))
    }

    @Test func modelsWithTheirTimesAndReasons() throws {
        let found = try read(
            #"{"version":1,"models":[{"id":"a","state":"queued","etaSeconds":90,"reason":"Held"},{"id":"b","state":"running","#
                + #""walltimeRemainingSeconds":3600.5}]}"#)
        #expect(found["a"]?.state == .queued)
        #expect(found["a"]?.etaSeconds == 90)
        #expect(found["a"]?.reason == "Held")
        #expect(found["b"]?.walltimeRemainingSeconds == 3600.5)
    }

    @Test(arguments: [
        "[]", "{}", #"{"models":7}"#, #"{"models":[7,{"id":5,"state":"running"},{"id":"x","state":"dancing"},{"id":"x"}]}"#,
    ])
    func whatIsNoReportTellsNothing(_ json: String) throws {
        #expect(try read(json).isEmpty)
    }

    @Test func absurdNumbersAndTextsAreBounded() throws {
        let many = (0..<1000).map { #"{"id":"m\#($0)","state":"running"}"# }.joined(separator: ",")
        #expect(try read(#"{"models":[\#(many)]}"#).count == 256)
        let long = String(repeating: "x", count: 10_000)
        let found = try read(#"{"models":[{"id":"a","state":"failed","etaSeconds":-1e300,"reason":"\#(long)"}]}"#)
        #expect(found["a"]?.etaSeconds == 0)
        #expect(found["a"]?.reason?.count == 200)
    }
}
