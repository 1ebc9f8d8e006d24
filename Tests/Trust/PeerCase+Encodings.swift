@testable import Trust

/// Bytes that are no certificates.
extension PeerCase {
    static let encodings: [PeerCase] = [
        PeerCase(unreadable: "no bytes") { _ in [[]] },
        PeerCase(unreadable: "text") { _ in [Array("hello, I am alpha/a1".utf8)] },
        PeerCase(unreadable: "PEM where DER should be") { [try $0.leaf().pem] },
        PeerCase(unreadable: "a certificate cut short") { [Array(try $0.leaf().der.dropLast())] },
        PeerCase(unreadable: "bytes behind the certificate") { [try $0.leaf().der + [0]] },
        PeerCase(unreadable: "two certificates in one") { [try $0.leaf().der + $0.root.certificate.der] },
        PeerCase(unreadable: "a key instead") { [try $0.nodeKey.pem()] },
        PeerCase(unreadable: "more than 64 KiB") { _ in
            [[0x30, 0x83, 0x01, 0x00, 0x00] + [UInt8](repeating: 0, count: 65_536)]
        },
        PeerCase(unreadable: "a length that lies") { _ in [[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x02, 0x01]] },
        PeerCase(unreadable: "nested 5000 deep") { _ in [(0..<5000).flatMap { _ in [UInt8(0x30), 0x80] }] },
        PeerCase(unreadable: "an issuer that is none") { [try $0.leaf().der, [0x30, 0x00]] },
        PeerCase(unreadable: "a date that is none") {
            // UTCTime of the leaf's beginning, its month made 99.
            var der = try $0.leaf().der
            let date = der.indices.dropLast(2).first { der[$0] == 0x17 && der[$0 + 1] == 0x0d }
            if let date { der.replaceSubrange(date + 4..<date + 6, with: Array("99".utf8)) }
            return [der]
        },
    ]
}
