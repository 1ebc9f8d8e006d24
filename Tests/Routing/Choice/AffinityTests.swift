import Gossip
import Testing
import Transport

@testable import Routing

@Suite struct AffinityTests {
    private typealias Case = ChoiceCase

    private func key(_ json: String, model: String = "m") throws -> UInt64 {
        try Array(json.utf8).withUnsafeBytes { bytes in AffinityKey.of(try InferenceBody.scan(bytes), bytes, model: model) }
    }

    private func chat(_ messages: String, more: String = "") -> String {
        #"{"model":"m","messages":[\#(messages)]\#(more)}"#
    }

    private let system = #"{"role":"system","content":"You help."}"#
    private let question = #"{"role":"user","content":"What is a \"user\"?"}"#
    private let answer = #"{"role":"assistant","content":"Somebody."}"#

    @Test func turnsOfOneConversationShareAKey() throws {
        let first = try key(chat("\(system),\(question)"))
        #expect(try key(chat("\(system),\(question),\(answer),\(question)")) == first)
        #expect(try key(chat("\(system),\(question)", more: #","temperature":1"#)) == first)
        #expect(try key(chat("\(question),\(answer)")) != first)
        #expect(try key(chat(#"\#(system),{"role":"user","content":"Another."}"#)) != first)
        #expect(try key(chat("\(system),\(question)"), model: "other") != first)
    }

    @Test func theCallersOwnWordCountsBeforeThePrompt() throws {
        let named = try key(chat(question, more: #","prompt_cache_key":"k1","user":"u""#))
        #expect(try key(chat(answer, more: #","prompt_cache_key":"k1""#)) == named)
        #expect(try key(chat(question, more: #","prompt_cache_key":"k2""#)) != named)
        let user = try key(chat(question, more: #","user":"u""#))
        #expect(try key(chat(answer, more: #","user":"u""#)) == user && user != named)
    }

    @Test(arguments: [
        #"{"model":"m"}"#, #"{"model":"m","messages":[]}"#, #"{"model":"m","prompt":""}"#, #"{"model":"m","messages":null}"#,
        #"{"model":"m","messages":[[[{"role":"user"}]]]}"#, #"{"model":"m","messages":["\\"]}"#,
    ]) func anyPromptHasAKeyOrNone(json: String) throws { _ = try key(json) }

    @Test func nothingIsReadBeyondWhatABeginningMayHave() throws {
        let long = String(repeating: "a", count: 100_000)
        let first = #"{"role":"user","content":"\#(long)"}"#
        #expect(try key(chat(first)) == key(chat("\(first),\(answer)")))
        let prompt = try key(#"{"model":"m","prompt":"\#(long)b"}"#)
        #expect(try key(#"{"model":"m","prompt":"\#(long)c"}"#) == prompt)
    }

    @Test func aTableRemembersTheLastPlace() {
        let table = AffinityTable(count: 4)
        let key: UInt64 = 0x1234_5678_9abc_def0
        #expect(table.place(of: key) == 0 && table.place(of: 0) == 0)
        table.served(key, by: 77)
        #expect(table.place(of: key) == 77)
        table.served(key, by: 78)
        #expect(table.place(of: key) == 78)
        // Another key in the same cell is not taken for it, and takes its place.
        let other = key ^ 1 << 60
        #expect(table.place(of: other) == 0)
        table.served(other, by: 79)
        #expect(table.place(of: other) == 79 && table.place(of: key) == 0)
    }

    @Test func aLongPromptGoesWhereItIsCachedAndAShortOneStaysHome() {
        let sites = [Case.site("home", local: true), Case.site("a", roundTrip: 0.02), Case.site("b", roundTrip: 0.001)]
        func pick(_ tokens: Int, _ servedBy: UInt32) -> Choice.Picked? {
            Case.pick(
                sites,
                Case.needs {
                    $0.affinity = 5
                    $0.servedBy = servedBy
                    $0.promptTokens = tokens
                })
        }
        #expect(pick(20_000, sites[1].tag) == Choice.Picked(index: 1, reason: .affinity, hasRoom: true))
        #expect(pick(50, sites[1].tag)?.reason == .home)
        #expect(pick(20_000, sites[0].tag)?.reason == .home)
        // Nobody has seen it: home is as good as any.
        #expect(pick(20_000, 0)?.reason == .home)
        // Where it is cached all slots are taken.
        sites[1].load.update(slots: 10, running: 10, waiting: 0, now: Case.at(1000.5))
        #expect(pick(20_000, sites[1].tag)?.reason == .home)
    }

    /// Nodes that know nothing of each other's choices take the same place; without it, only those that had it change theirs.
    @Test func whereHomeIsFullAllNodesTakeTheSamePlace() {
        let names = (0..<12).map { "s\($0)" }
        func place(_ key: UInt64, without missing: String? = nil, entry: String) -> String? {
            let sites = names.filter { $0 != missing && $0 != entry }.map { Case.site($0, roundTrip: 0.02) }
            let home = Case.site(entry, running: 10, local: true)
            let needs = Case.needs {
                $0.affinity = key
                $0.promptTokens = 20_000
            }
            return Case.pick([home] + sites, needs, seed: key).map { ([home] + sites)[$0.index].node.site }
        }
        var places: [String: Int] = [:]
        for key in UInt64(1)...600 {
            let key = Choice.mix(key)
            guard let found = place(key, entry: "x") else { return #expect(Bool(false), "nothing was found") }
            #expect(place(key, entry: "y") == found)
            let missing = found == "s3" ? "s4" : "s3"
            #expect(place(key, without: missing, entry: "x") == found)
            places[found, default: 0] += 1
        }
        #expect(places.count == names.count)
        // Each of twelve has 50 in the mean; the deviation is 7.
        for count in places.values { #expect((20...85).contains(count)) }
    }
}
