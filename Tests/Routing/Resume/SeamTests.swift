import Testing

@testable import Routing

@Suite("Where two sites' text meets")
struct SeamTests {
    @Test(
        "space at the end of JSON text",
        arguments: [
            ("a", "", 0), ("a ", " ", 1), (#"a\n"#, "\n", 2), (#"a\\n"#, "", 0), (#"a\\\n"#, "\n", 2),
            (#"a \n\t "#, " \n\t ", 6),
            (#"\n"#, "\n", 2), ("", "", 0), ("n", "", 0), (#"a\r\n"#, "\r\n", 4), (#"a\\ "#, " ", 1),
        ])
    func trailing(_ text: String, _ space: String, _ bytes: Int) {
        let found = Seam.trailingSpace(Array(text.utf8))
        #expect(String(decoding: found.space, as: UTF8.self) == space)
        #expect(found.bytes == bytes)
    }

    @Test(
        "what comes again is not sent twice",
        arguments: [
            (" ", [" world"], "world"), ("\n\n", [#"\n\n"#, "x"], "x"), ("\n\n", [#"\n"#, "x", #"\n"#], #"x\n"#),
            (" ", ["x", " y"], "x y"), ("\n ", [#"\n"#, "  y"], " y"), ("", [" x"], " x"), ("  ", [" ", " ", " x"], " x"),
            ("\t", [#"\\t"#], #"\\t"#),
        ] as [(String, [String], String)])
    func join(_ space: String, _ pieces: [String], _ expected: String) {
        var seam = Seam(Array(space.utf8))
        let joined = pieces.flatMap { seam.join(Array($0.utf8)) }
        #expect(String(decoding: joined, as: UTF8.self) == expected)
    }
}
