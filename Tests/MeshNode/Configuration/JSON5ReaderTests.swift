import Testing

@testable import MeshNode

/// A value in a form that is easy to compare: strings quoted, numbers as read, members in order.
private func plain(_ value: JSON5Value) -> String {
    switch value.content {
    case .null: "null"
    case .boolean(let boolean): "\(boolean)"
    case .number(let number): number.integer.map { "\($0)" } ?? "\(number.value)"
    case .string(let text): Quoting.json(text)
    case .array(let values): "[\(values.map(plain).joined(separator: ","))]"
    case .object(let members): "{\(members.map { "\($0.key):\(plain($0.value))" }.joined(separator: ","))}"
    }
}

private func read(_ text: String) throws(JSON5Error) -> JSON5Document { try JSON5Reader.read(Array(text.utf8)) }

@Suite struct JSON5ReaderTests {
    @Test(
        "what the specification allows",
        arguments: [
            ("null", "null"), ("true", "true"), ("false", "false"), ("{}", "{}"), ("[]", "[]"), ("[1,]", "[1]"),
            ("{a:1,}", "{a:1}"), ("{a:1,b:2}", "{a:1,b:2}"), ("{'a':1,\"b\":2}", "{a:1,b:2}"),
            ("{$_a1:1}", "{$_a1:1}"), ("{ünïcode:1}", "{ünïcode:1}"), (#"{\u0061b:1}"#, "{ab:1}"),
            ("{null:1,true:2,Infinity:3}", "{null:1,true:2,Infinity:3}"), ("{a:{b:[{c:null}]}}", "{a:{b:[{c:null}]}}"),
            ("'it \"is\"'", #""it \"is\"""#), (#""it's""#, #""it's""#), (#"'\'\"\\\/\a'"#, #""'\"\\/a""#),
            (#"'\b\f\n\r\t\v\0'"#, #""\u0008\u000c\n\r\t\u000b\u0000""#), (#"'\x41\u00e9'"#, #""Aé""#),
            (#"'\ud83d\ude00'"#, #""😀""#), ("'a\\\nb'", #""ab""#), ("'a\\\r\nb'", #""ab""#), ("'a\\\rb'", #""ab""#),
            ("'a\\\u{2028}b'", #""ab""#), ("'\u{2028}'", #""\u2028""#), ("'\t'", #""\t""#), ("''", #""""#),
            ("0", "0"), ("-0", "0"), ("+7", "7"), ("123", "123"), ("-12", "-12"), ("1.5", "1.5"), (".5", "0.5"), ("5.", "5"),
            ("-.5", "-0.5"), ("1e3", "1000"), ("1E+3", "1000"), ("25e-1", "2.5"), ("5.e1", "50"), ("2.0", "2"),
            ("0x1F", "31"), ("0Xff", "255"), ("-0x10", "-16"), ("9223372036854775807", "9223372036854775807"),
            ("9223372036854775808", "9.223372036854776e+18"), ("0x10000000000000000", "1.8446744073709552e+19"),
            ("Infinity", "inf"), ("-Infinity", "-inf"), ("+Infinity", "inf"), ("NaN", "nan"), ("1e999", "inf"),
            ("// c\n1", "1"), ("1 // c", "1"), ("/* c */1/* d */", "1"), ("/* a * / **/1", "1"), ("// c\r1", "1"),
            ("// c\u{2029}1", "1"), ("\u{FEFF}1", "1"), ("\u{A0}\u{2003}\t\u{0B}\u{0C}1", "1"), ("[1/**/,/**/2]", "[1,2]"),
        ])
    func reads(text: String, expected: String) throws {
        #expect(try plain(read(text).root) == expected)
    }

    @Test(
        "errors say where",
        arguments: [
            ("", 1, 1, "end of the file"), ("  \n ", 2, 2, "end of the file"), ("{", 1, 2, "close what begins in line 1"),
            ("{a:1", 1, 5, "\"}\""), ("[1", 1, 3, "\"]\""), ("[\n1\n2]", 3, 1, "\",\" or \"]\""),
            ("{a:1\nb:2}", 2, 1, "\",\" or"),
            ("{a 1}", 1, 4, "\":\""), ("{a:}", 1, 4, "allowed: a value"), ("{,}", 1, 2, "a key"), ("[,]", 1, 2, "a value"),
            ("[1,,2]", 1, 4, "a value"), ("{a:1,,}", 1, 6, "a key"), ("{1a:1}", 1, 2, "a key"), ("{a-b:1}", 1, 3, "\":\""),
            ("{a:b}", 1, 4, "found b; allowed: a value (a string stands in quotes)"), ("True", 1, 1, "found True"),
            ("1 2", 1, 3, "after the end of the document"), ("{}}", 1, 3, "after the end"), ("01", 1, 1, "leading 0"),
            ("-01", 1, 1, "leading 0"), ("1.2.3", 1, 4, "right after a number"), ("1a", 1, 2, "right after a number"),
            ("0x", 1, 3, "hexadecimal digits"), ("0xg", 1, 3, "hexadecimal digits"), ("+", 1, 2, "digits of a number"),
            (".", 1, 2, "digits of a number"), ("1e", 1, 3, "exponent"), ("--1", 1, 2, "digits"), ("- 1", 1, 2, "digits"),
            ("Infinit", 1, 1, "found Infinit"), ("'abc", 1, 1, "not closed before the end of the file"),
            ("{a:'abc\n'}", 1, 4, "not closed before the end of its line"), ("'\\1'", 1, 2, "escape with a digit"),
            ("'\\01'", 1, 2, "escape with a digit"), ("'\\x4'", 1, 2, "2 hexadecimal digits"),
            ("'\\u12'", 1, 2, "4 hexadecimal digits"), ("'\\ud800'", 1, 2, "surrogate"), ("'\\udc00'", 1, 2, "surrogate"),
            ("'\\ud800\\u0041'", 1, 2, "surrogate"), ("'\\", 1, 3, "end of the file"), ("/* a", 1, 1, "not closed"),
            ("[1, /* a\n", 1, 5, "not closed"), ("/", 1, 1, "a value"), ("{\\x61:1}", 1, 2, "\\uXXXX"),
            ("{a\\u0020b:1}", 1, 3, "quoted key"), ("\u{1}", 1, 1, "\\u0001"), ("\r\n\r\nx", 3, 1, "found x"),
            ("\r\rx", 3, 1, "found x"), ("\"é😀\" x", 1, 6, "after the end"), ("\u{FEFF}x", 1, 1, "found x"),
            ("{a: undefined}", 1, 5, "found undefined"), ("[1 2]", 1, 4, "\",\" or \"]\""), ("`a`", 1, 1, "a value"),
        ])
    func refuses(text: String, line: Int, column: Int, fragment: String) {
        let error = #expect(throws: JSON5Error.self) { try read(text) }
        #expect(error?.position == SourcePosition(line: line, column: column))
        #expect(error?.message.contains(fragment) == true, "\(error?.message ?? "")")
    }

    @Test(
        "errors name the field",
        arguments: [
            ("{models: [{}, {backend: {url: }}]}", "models[1].backend.url"), ("{'a b': [x]}", "[\"a b\"][0]"),
            ("[[1, [?]]]", "[0][1][0]"),
        ])
    func namesField(text: String, field: String) {
        let error = #expect(throws: JSON5Error.self) { try read(text) }
        #expect(error?.field == field)
    }

    @Test("every value and key knows its place")
    func positions() throws {
        let document = try read("// first\n{\n  a: [1,\n\t'x'],\n  \"b\": {c: null} }")
        guard case .object(let members) = document.root.content else {
            throw JSON5Error(position: document.root.position, field: "", message: "")
        }
        #expect(document.root.position == SourcePosition(line: 2, column: 1))
        #expect(members.map(\.keyPosition) == [SourcePosition(line: 3, column: 3), SourcePosition(line: 5, column: 3)])
        #expect(members.map(\.value.position) == [SourcePosition(line: 3, column: 6), SourcePosition(line: 5, column: 8)])
        guard case .array(let values) = members[0].value.content else { return }
        #expect(values.map(\.position) == [SourcePosition(line: 3, column: 7), SourcePosition(line: 4, column: 2)])
    }

    @Test("keys given twice are listed, the first one kept")
    func duplicates() throws {
        let document = try read("{a: 1,\n b: {c: 1, 'c': 2},\n \\u0061: 3}")
        #expect(plain(document.root) == "{a:1,b:{c:1}}")
        #expect(document.duplicateKeys.map(\.field) == ["b.c", "a"])
        #expect(document.duplicateKeys.map(\.position.line) == [2, 3])
        #expect(document.duplicateKeys.last?.message.contains("first in line 1") == true)
    }

    @Test("depth is limited", arguments: ["[", "{a:"])
    func depth(opening: String) throws {
        let closing = opening == "[" ? "]" : "}"
        func nested(_ depth: Int) -> String {
            String(repeating: opening, count: depth) + (opening == "[" ? "" : "1") + String(repeating: closing, count: depth)
        }
        _ = try read(nested(64))
        let error = #expect(throws: JSON5Error.self) { try read(nested(65)) }
        #expect(error?.position.column == 64 * opening.utf8.count + 1)
        #expect(throws: JSON5Error.self) { try read(String(repeating: opening, count: 300_000)) }
    }

    @Test("messages are short, whatever is found")
    func shortMessages() {
        let long = String(repeating: "a", count: 100_000)
        for text in [long, "1" + long, "{\(long): [\(long)]}", "{'\(long)': '\\1'}"] {
            let error = #expect(throws: JSON5Error.self) { try read(text) }
            #expect((error?.message.count ?? 0) + (error?.field.count ?? 0) < 300)
        }
    }

    @Test("size is limited")
    func size() throws {
        let longest = "1" + String(repeating: " ", count: JSON5Source.bytesAllowed - 1)
        #expect(try plain(read(longest).root) == "1")
        let error = #expect(throws: JSON5Error.self) { try read(longest + " ") }
        #expect(error?.message.contains("1 MiB") == true)
    }

    @Test(
        "only UTF-8 is read",
        arguments: [[0xFF], [0xC0, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80]] as [[UInt8]])
    func encoding(bytes: [UInt8]) {
        let error = #expect(throws: JSON5Error.self) {
            try JSON5Reader.read(Array("{\n a: '".utf8) + bytes + Array("'}".utf8))
        }
        #expect(error?.position == SourcePosition(line: 2, column: 6))
        #expect(error?.message.contains("UTF-8") == true)
    }

    @Test("no cut or changed byte brings it down")
    func robustness() throws {
        let text = Array("{a: ['x\\u0041', 0x1F, -1.5e3, /* c */ Infinity], \"é\": {b: null,},} // end".utf8)
        for end in text.indices {
            _ = try? JSON5Reader.read(Array(text[..<end]))
            for byte in [0x00, 0x22, 0x27, 0x2F, 0x5C, 0x5D, 0x7D, 0xFF] as [UInt8] {
                var changed = text
                changed[end] = byte
                _ = try? JSON5Reader.read(changed)
            }
        }
        #expect(try JSON5Reader.read(text).duplicateKeys.isEmpty)
    }
}
