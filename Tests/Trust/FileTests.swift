import Glibc
import Testing
import Trust

@Suite struct FileTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test(arguments: [0, 1, 16 << 10, SecretFile.maximumBytes])
    func roundTrip(count: Int) throws {
        let path = scratch.path + "/secret"
        let bytes = [UInt8](repeating: 7, count: count)
        try SecretFile.write(path, bytes)
        #expect(try SecretFile.read(path) == bytes)
        #expect(Scratch.mode(of: path) == 0o600)
        try SecretFile.write(path, [1])
        #expect(try SecretFile.read(path) == [1])
        #expect(Scratch.names(in: scratch.path) == ["secret"], "nothing is left beside")
    }

    @Test func publicFilesAreReadable() throws {
        let path = scratch.path + "/public"
        try PublicFile.write(path, [1, 2])
        #expect(Scratch.mode(of: path) == 0o644)
        #expect(try PublicFile.read(path) == [1, 2])
        #expect(throws: TrustError.self) { try SecretFile.read(path) }
    }

    /// A file written again over one with a wider mode does not keep that mode.
    @Test func modeIsNarrowedWhenReplaced() throws {
        let path = try scratch.write("secret", [1], mode: 0o666)
        try SecretFile.write(path, [2])
        #expect(Scratch.mode(of: path) == 0o600)
    }

    @Test(arguments: [0o644, 0o640, 0o604, 0o610, 0o660, 0o601, 0o777] as [mode_t])
    func exposedFilesAreRefused(mode: mode_t) throws {
        let path = try scratch.write("secret", Array("top secret".utf8), mode: mode)
        let error = #expect(throws: TrustError.self) { try SecretFile.read(path) }
        #expect(error?.code == .exposedFile)
        #expect(error?.message.contains("chmod 600 \(path)") == true)
        #expect(error?.message.contains("top secret") == false)
    }

    @Test func ownFilesAreRead() throws {
        let path = try scratch.write("secret", [1])
        #expect(try SecretFile.readOwn(path) == [1])
        chmod(path, 0o640)
        let error = #expect(throws: TrustError.self) { try SecretFile.readOwn(path) }
        #expect(error?.code == .exposedFile && error?.message.contains("chmod 600 \(path)") == true)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a file away"))
    func filesOfOthersAreRefused() throws {
        let path = try scratch.write("secret", [1])
        #expect(chown(path, 12345, 12345) == 0)
        let error = #expect(throws: TrustError.self) { try SecretFile.readOwn(path) }
        #expect(error?.code == .exposedFile && error?.message.contains("belongs to user 12345") == true)
    }

    @Test(arguments: [0o600, 0o400, 0o700] as [mode_t])
    func privateFilesAreRead(mode: mode_t) throws {
        let path = try scratch.write("secret", [1], mode: mode)
        #expect(try SecretFile.read(path) == [1])
    }

    @Test func oddFilesAreRefused() throws {
        let large = try scratch.write("large", [UInt8](repeating: 0, count: SecretFile.maximumBytes + 1))
        #expect(throws: TrustError.self) { try SecretFile.read(large) }
        let pipe = scratch.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        for path in [scratch.path, scratch.path + "/missing", pipe] {
            let error = #expect(throws: TrustError.self) { try SecretFile.read(path) }
            #expect(error?.code == .file)
            #expect(error?.message.contains(path) == true)
        }
    }

    @Test func nothingIsLeftOfAFailedWrite() throws {
        #expect(throws: TrustError.self) { try SecretFile.write(scratch.path + "/none/file", [1]) }
        let inTheWay = scratch.path + "/folder"
        try SecretFile.makeDirectory(inTheWay + "/full")
        #expect(throws: TrustError.self) { try SecretFile.write(inTheWay, [1]) }
        #expect(Scratch.names(in: scratch.path) == ["folder"])
    }

    @Test func directories() throws {
        let path = scratch.path + "/a/b/c"
        try SecretFile.makeDirectory(path)
        try SecretFile.makeDirectory(path + "/")
        for made in ["/a", "/a/b", "/a/b/c"] { #expect(Scratch.mode(of: scratch.path + made) == 0o700) }
        chmod(path, 0o755)
        try SecretFile.makeDirectory(path)
        #expect(Scratch.mode(of: path) == 0o755, "somebody's directory is left as it is")
        chmod(path, 0o770)
        let error = #expect(throws: TrustError.self) { try SecretFile.makeDirectory(path) }
        #expect(error?.code == .exposedFile)
        let file = try scratch.write("file", [])
        #expect(throws: TrustError.self) { try SecretFile.makeDirectory(file) }
        #expect(throws: TrustError.self) { try SecretFile.makeDirectory(file + "/inside") }
    }
}
