import Testing
import Transport

private struct Collector: JSONFieldVisitor {
    var fields: [String] = []
    let input: [UInt8]
    mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError) {
        let key = String(decoding: input[key], as: UTF8.self), value = String(decoding: input[value], as: UTF8.self)
        fields.append("\(key)=\(value) \(kind)")
    }
}

/// The members seen, nil if it was refused.
func scanJSON(_ input: [UInt8]) -> [String]? {
    var visitor = Collector(input: input)
    var valid = false
    input.withUnsafeBytes { raw in valid = (try? JSONScanner.object(raw, visitor: &visitor)) != nil }
    return valid ? visitor.fields : nil
}

@Suite struct JSONScannerTests {
    @Test func showsMembers() {
        let text = #" { "a" : 1 , "b":"x\n", "c":[1,{"d":null}],"e":{ },"f":true, "g":null ,"":-0.5e+3} "#
        let expected = [
            "a=1 number", #"b="x\n" string"#, #"c=[1,{"d":null}] array"#, "e={ } object", "f=true bool", "g=null null",
            "=-0.5e+3 number",
        ]
        #expect(scanJSON(bytes(text)) == expected)
    }

    @Test(arguments: [
        "{}", "{\"a\":[]}", "{\"a\":[[],{}]}", "{\"a\":0}", "{\"a\":-0}", "{\"a\":1.5E-10}",
        "{\"a\":\"\\u00e9\\/\\b\\f\\r\\t\\\\\"}",
        "{\"a\":\"\\ud83d\\ude00\"}", "{\"a\":\"\u{7f}é漢😀\u{10FFFF}\"}", "\t\r\n {\"a\":1}\n", "{\"a\":1,\"a\":2}",
        "{\"a\":\"exactly eight: 12345678 and on\"}",
    ])
    func valid(_ text: String) { #expect(scanJSON(bytes(text)) != nil) }

    @Test(arguments: [
        "", " ", "[]", "1", "\"a\"", "null", "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}",
        "{a:1}",
        "{'a':1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{\"a\":1}}", "{} x", "{}{}", "{\"a\":01}", "{\"a\":+1}", "{\"a\":.5}",
        "{\"a\":1.}",
        "{\"a\":1e}", "{\"a\":-}", "{\"a\":0x1}", "{\"a\":NaN}", "{\"a\":Infinity}", "{\"a\":tru}", "{\"a\":True}",
        "{\"a\":nul",
        "{\"a\":[1,]}", "{\"a\":[1 2]}", "{\"a\":[1}", "{\"a\":[}", "{\"a\":{]}", "{\"a\":\"\u{1}\"}", "{\"a\":\"\n\"}",
        "{\"a\":\"x}",
        "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\\", "{\"a\":\"\\u", "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\udc00\"}", "{\"a\":\"\\ud800\\u0041\"}", "{\"a\":\"\\ud800\\ud800\"}", "{\"a\":\"\\ude00\\ud83d\"}",
        "\u{feff}{}", "{/* */}", "{\"a\":1}\0", "{\"a\":\u{a0}1}", "{\"a\":\"0123456789\u{1f}\"}",
    ])
    func invalid(_ text: String) { #expect(scanJSON(bytes(text)) == nil) }

    static let notUTF8: [[UInt8]] = [
        [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xE2, 0x82],
        [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x98],
        [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xFE], [0xE2, 0x28, 0xA1],
    ]
    @Test(arguments: notUTF8) func utf8(_ sequence: [UInt8]) {
        for padding in 0..<9 {
            let before = bytes("{\"a\":\"" + String(repeating: "x", count: padding))
            #expect(scanJSON(before + sequence + bytes("\"}")) == nil)
            #expect(scanJSON(before + sequence + bytes("yyyyyyyyyyyy\"}")) == nil)
            #expect(scanJSON(bytes("{\"") + sequence + bytes("\":1}")) == nil)
        }
    }

    @Test func depth() {
        func nested(_ levels: Int, _ open: String, _ close: String) -> [UInt8] {
            bytes("{\"a\":" + String(repeating: open, count: levels) + "1" + String(repeating: close, count: levels) + "}")
        }
        #expect(scanJSON(nested(JSONScanner.depthLimit - 1, "[", "]")) != nil)
        #expect(scanJSON(nested(JSONScanner.depthLimit, "[", "]")) == nil)
        #expect(scanJSON(nested(JSONScanner.depthLimit - 1, "{\"b\":", "}")) != nil)
        #expect(scanJSON(nested(JSONScanner.depthLimit, "{\"b\":", "}")) == nil)
        #expect(scanJSON(bytes("{\"a\":" + String(repeating: "[", count: 1_000_000))) == nil)
    }

    @Test func everyPrefixIsInvalid() {
        let text = bytes(#"{"a":[1,-2.5e3,"x\u00e9é",{"b":null,"c":false}],"d":true}"#)
        #expect(scanJSON(text) != nil)
        for count in 0..<text.count { #expect(scanJSON(Array(text[..<count])) == nil, "\(count) bytes") }
    }

    @Test func decodesText() {
        let text = bytes(#"a\"\\\/\b\f\n\r\t\u0041\ud83d\ude00é"#)
        let decoded = text.withUnsafeBytes { JSONScanner.text($0, in: 0..<$0.count) }
        #expect(decoded == "a\"\\/\u{8}\u{c}\n\r\tA😀é")
    }
}
