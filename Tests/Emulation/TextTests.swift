import Testing

@testable import Emulation

@Suite("Text in JSON and in metrics")
struct TextTests {
    @Test(
        "strings are written with what JSON wants escaped",
        arguments: [
            ("plain", #""plain""#), ("a\"b\\c", #""a\"b\\c""#), ("line\nend\u{1}", #""line\nend\u0001""#),
            ("é漢😀", #""é漢😀""#),
        ])
    func quoted(_ text: String, _ json: String) {
        #expect(JSONText.quoted(text) == json)
    }

    @Test(
        "the elements of an array",
        arguments: [
            ("[]", []), ("[ 1 ,2]", ["1", "2"]), (#"["a,b","]"]"#, [#""a,b""#, #""]""#]),
            ("[[1,2],{\"a\":[3]}]", ["[1,2]", "{\"a\":[3]}"]),
            (#"["\"",2]"#, [#""\"""#, "2"]), ("[1,2,3,4,5]", ["1", "2", "3", "4"]),
        ] as [(String, [String])])
    func elements(_ json: String, _ expected: [String]) {
        let bytes = Array(json.utf8)
        let found = bytes.withUnsafeBytes { JSONText.elements($0, limit: 4) }
        #expect(found.map { String(decoding: bytes[$0], as: UTF8.self) } == expected)
    }

    @Test("a model's name cannot end its label")
    func label() {
        #expect(ServerMetrics.escaped("a\"b\\c\nd") == #"a\"b\\c\nd"#)
    }

    @Test("buckets count all that is not above their bound")
    func histogram() {
        var histogram = Histogram(bounds: [0.5, 1])
        for nanoseconds: UInt64 in [500_000_000, 700_000_000, 3_000_000_000] { histogram.add(nanoseconds: nanoseconds) }
        let lines = histogram.text("t", "help", label: "m=\"x\"").split(separator: "\n")
        #expect(lines.contains(#"t_bucket{le="0.5",m="x"} 1"#))
        #expect(lines.contains(#"t_bucket{le="1.0",m="x"} 2"#))
        #expect(lines.contains(#"t_bucket{le="+Inf",m="x"} 3"#))
        #expect(lines.contains(#"t_count{m="x"} 3"#))
    }

    @Test("words need no escape")
    func words() {
        #expect(MadeUpText.words.allSatisfy { $0.utf8.allSatisfy { (97...122).contains($0) } })
        #expect(Set(MadeUpText.words).count == MadeUpText.words.count)
    }
}
