import Globus
import Testing

@Suite struct JSONTests {
    static let read: [(text: String, value: WireValue)] = [
        (" [ 1 , -2 ] ", .list([.integer(1), .integer(-2)])), ("-0", .integer(0)), ("-0.0", .double(-0.0)),
        ("NaN", .null), ("[Infinity,-Infinity]", .list([.null, .null])), ("1e400", .null), ("1E+2", .double(100)),
        ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("9223372036854775808", .largeInteger("9223372036854775808")),
        ("\"\\ud83d\\ude80\"", .string("\u{1F680}")), ("\"\\ud83dx\"", .string("\u{FFFD}x")),
        ("\"\\ude80\\ud83d\"", .string("\u{FFFD}\u{FFFD}")), ("\"\\ud83d\\ud83d\\ude80\"", .string("\u{FFFD}\u{1F680}")),
        ("\"\\ud83d\\n\"", .string("\u{FFFD}\n")), ("\"\\/\\b\\f\\u0000\"", .string("/\u{8}\u{C}\u{0}")),
        ("\"\u{7F}é\"", .string("\u{7F}é")), ("{}", .dictionary([])), ("[]", .list([])),
        // The last of equal names counts, at the first one's place.
        (
            "{\"a\": 1, \"b\": 2, \"\\u0061\": 3}",
            .dictionary([WirePair("a", .integer(3)), WirePair("b", .integer(2))])
        ),
        // Two spellings of one letter are two names.
        (
            "{\"\u{E9}\": 1, \"e\u{301}\": 2}",
            .dictionary([WirePair("\u{E9}", .integer(1)), WirePair("e\u{301}", .integer(2))])
        ),
    ]

    @Test(arguments: read)
    func reads(text: String, value: WireValue) throws { #expect(try WireJSON.parse(text) == value) }

    @Test func surrogatesInThreeBytes() throws {
        #expect(try WireJSON.parse([0x22, 0xED, 0xA0, 0xBD, 0x22]) == .string("\u{FFFD}"))
    }

    @Test(arguments: [
        "", " ", "nul", "nulll", "True", "None", "'a'", "[1,]", "[,1]", "{\"a\":1,}", "{a:1}", "{1:1}", "[1 2]", "{\"a\" 1}",
        "01", "-01",
        "+1", "1.", ".5", "1e", "1e+", "-", "--1", "0x1", "Inf", "-infinity", "nan", "\"", "\"a", "\"\\", "\"\\x41\"",
        "\"\\u12\"",
        "\"\\u12g4\"", "\"a\nb\"", "\"a\u{0}b\"", "[", "[1", "{", "{\"a\"", "{\"a\":", "]", "1 1", "[] []", "\u{FEFF}1",
        "// c\n1",
        "\"\\ud83d\\u12\"",
    ])
    func refuses(text: String) {
        let error = #expect(throws: WireError.self) { try WireJSON.parse(text) }
        #expect(error?.code == .malformed)
    }

    @Test(
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x22], [0x22, 0xF5, 0x80, 0x80, 0x80, 0x22],
        ] as [[UInt8]])
    func refusesWhatIsNotUTF8(bytes: [UInt8]) { #expect(throws: WireError.self) { try WireJSON.parse(bytes) } }

    @Test func limits() throws {
        let depth = WireLimits.default.depth
        func nested(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }
        #expect(throws: Never.self) { try WireJSON.parse(nested(depth)) }
        #expect(throws: WireError.self) { try WireJSON.parse(nested(depth + 1)) }
        #expect(throws: WireError.self) { try WireJSON.parse(String(repeating: "[", count: 1_000_000)) }
        #expect(
            try WireJSON.parse(String(repeating: "9", count: 1024)) == .largeInteger(String(repeating: "9", count: 1024)))
        #expect(throws: WireError.self) { try WireJSON.parse(String(repeating: "9", count: 1025)) }
        var few = WireLimits()
        few.items = 4
        few.bytes = 12
        #expect(throws: Never.self) { try WireJSON.parse("[1,1,1]", limits: few) }
        for text in ["[1,1,1,1]", "[1,1,1]      "] {
            let error = #expect(throws: WireError.self) { try WireJSON.parse(text, limits: few) }
            #expect(error?.code == .limitExceeded)
        }
    }

    static let written: [(value: WireValue, python: String, compact: String)] = [
        (
            .string("é\u{1F680}\u{7F}\u{0}\"\\/\u{2028}"), #""\u00e9\ud83d\ude80\u007f\u0000\"\\/\u2028""#,
            "\"é\u{1F680}\u{7F}\\u0000\\\"\\\\/\u{2028}\""
        ),
        (.list([.integer(1), .null, .bool(true)]), "[1, null, true]", "[1,null,true]"),
        (.tuple([.double(.nan), .double(.infinity)]), "[null, null]", "[null,null]"),
        (.bytes([0, 255]), "\"AP8=\"", "\"AP8=\""),
        (
            .dictionary([
                WirePair(key: .integer(1), value: .null), WirePair(key: .bool(false), value: .null),
                WirePair(key: .null, value: .null),
                WirePair(key: .double(1.5), value: .null), WirePair(key: .tuple([.integer(1), .string("x")]), value: .null),
            ]), #"{"1": null, "false": null, "null": null, "1.5": null, "[1, \"x\"]": null}"#,
            #"{"1":null,"false":null,"null":null,"1.5":null,"[1,\"x\"]":null}"#
        ),
    ]

    @Test(arguments: written)
    func writes(value: WireValue, python: String, compact: String) {
        #expect(WireJSON.write(value, style: .python) == python)
        #expect(WireJSON.write(value, style: .compact, ascii: false) == compact)
    }

    /// As Python's `repr` has them.
    @Test(arguments: [
        (0.0, "0.0"), (-0.0, "-0.0"), (1.0, "1.0"), (0.1, "0.1"), (100.0, "100.0"), (1e15, "1000000000000000.0"),
        (9007199254740993.0, "9007199254740992.0"), (1e16, "1e+16"), (1.8014398509481984e16, "1.8014398509481984e+16"),
        (123456789012345680.0, "1.2345678901234568e+17"), (0.0001, "0.0001"), (0.00012345, "0.00012345"), (0.00001, "1e-05"),
        (1.5e-7, "1.5e-07"), (.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
        (1e100, "1e+100"),
        (-2.5, "-2.5"),
    ])
    func floats(value: Double, text: String) { #expect(WireJSON.write(.double(value), style: .compact) == text) }

    @Test func lenientAccess() throws {
        let value = try WireJSON.parse(#"{"i": 3, "f": 4.0, "t": "5", "half": 0.5, "b": true, "l": [1], "n": null}"#)
        #expect(["i", "f", "t"].map { value[$0]?.integer } == [3, 4, 5])
        #expect(["half", "b", "l", "none"].map { value[$0]?.integer } == [nil, nil, nil, nil])
        #expect(value["half"]?.number == 0.5)
        #expect(value["b"]?.truth == true)
        #expect(value["l"]?.items?.count == 1)
        #expect(value["n"]?.isNull == true)
        #expect(WireValue.list([])["i"] == nil)
    }

    @Test(arguments: [
        (#" {"a": [1]}"#, WireValue.dictionary([WirePair("a", .list([.integer(1)]))])), ("[]", .list([])),
        ("{'a': 1}", .string("{'a': 1}")), ("5", .string("5")), ("\"x\"", .string("\"x\"")), ("", .string("")),
        ("plain", .string("plain")),
    ])
    func unwraps(text: String, value: WireValue) {
        #expect(WireValue.string(text).unwrapped == value)
        #expect(WireValue.integer(1).unwrapped == .integer(1))
    }
}
