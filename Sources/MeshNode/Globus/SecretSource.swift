import Glibc
import Globus
import Trust

/// A secret in a file or in an environment variable, read anew each time it is needed.
struct SecretSource: Sendable {
    let file: String?
    let environment: String?

    init(file: String?, environment: String?) {
        self.file = file
        self.environment = environment
    }

    /// - Throws: `.configuration` naming where the secret should be, never what is there.
    @Sendable func read() throws(GlobusError) -> String {
        let text: String
        if let file {
            do {
                text = String(decoding: try SecretFile.read(file), as: UTF8.self)
            } catch { throw GlobusError(.configuration, "\(error)") }
        } else if let environment {
            guard let value = getenv(environment) else {
                throw GlobusError(.configuration, "the variable \(environment), which should hold a secret, is not set")
            }
            text = String(cString: value)
        } else {
            text = ""
        }
        let secret = text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()
        guard !secret.isEmpty else {
            throw GlobusError(.configuration, "the secret in \(file ?? environment ?? "") is empty")
        }
        return String(secret)
    }
}
