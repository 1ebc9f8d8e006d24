import Testing

@testable import Routing

@Suite struct AnswerLengthTests {
    @Test func nearlyAllStayBelowIt() throws {
        var random = SplitMix64(seed: 7)
        var length = AnswerLength()
        for _ in 0..<500 { length.add(Int.random(in: 50...150, using: &random)) }
        let most = try #require(length.most)
        #expect((0..<1000).count { _ in Int.random(in: 50...150, using: &random) > most } < 50)
        #expect(most < 250)
    }

    @Test func fewSayNothing() {
        var length = AnswerLength()
        for count in 1...AnswerLength.fewest {
            #expect(length.most == nil)
            length.add(Int(count))
        }
        #expect(length.most != nil)
    }

    @Test func absurdLengthsAreBounded() throws {
        var length = AnswerLength()
        for _ in 0..<20 {
            length.add(.max)
            length.add(.min)
        }
        #expect(try #require(length.most) < 1 << 27)
    }

    @Test func eachUserAndModelHasItsOwn() {
        let lengths = AnswerLengths(count: 64)
        let (one, other) = (
            AnswerLengths.key(user: "alice", model: "m"), AnswerLengths.key(user: "alice", model: "n")
        )
        for _ in 0..<10 { lengths.add(100, to: one) }
        #expect(lengths.most(of: one) == 100 && lengths.most(of: other) == nil)
        // A table of fixed size: what others do pushes it out, and never becomes its own.
        for index in 0..<1000 { lengths.add(9, to: AnswerLengths.key(user: "u\(index)", model: "m")) }
        #expect(lengths.most(of: one) == nil || lengths.most(of: one) == 100)
    }

    @Test(
        arguments: [
            (#"{"usage":{"completion_tokens":12,"x":1}}"#, 12), (#"{"usage":{"completion_tokens": 7}}"#, 7),
            (#"{"text":"\"completion_tokens\":99","n":1}"#, nil), (#"{"completion_tokens":"#, nil),
            (#"{"completion_tokens":-4}"#, nil), (#"{"completion_tokens":99999999999999999999}"#, 999_999_999), ("", nil),
        ] as [(String, Int?)])
    func anAnswerTellsItsLength(body: String, tokens: Int?) {
        #expect(Array(body.utf8).withUnsafeBytes { AnswerLength.told(in: $0) } == tokens)
    }

    @Test func theSpeedIsThatOfLongAnswers() throws {
        let speed = AnswerSpeed()
        speed.add(tokens: AnswerSpeed.fewestTokens - 1, seconds: 0.001)
        speed.add(tokens: 100, seconds: 0)
        #expect(speed.tokensPerSecond == nil)
        speed.add(tokens: 100, seconds: 4)
        #expect(speed.tokensPerSecond == 25)
        for _ in 0..<100 { speed.add(tokens: 100, seconds: 2) }
        #expect(abs(try #require(speed.tokensPerSecond) - 50) < 1)
    }
}
