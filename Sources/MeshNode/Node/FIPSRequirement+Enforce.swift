import Trust

extension FIPSRequirement {
    /// The variable by which any command, whether it has a configuration or not, is told to use FIPS alone.
    static let variable = "MESHNODE_FIPS"

    /// Does what MESHNODE_FIPS says: `required`, or `off` as without it. Called before anything uses OpenSSL; processes that this one
    /// starts inherit it.
    static func obeyEnvironment() throws(CommandFailure) {
        guard let given = Environment.value(variable) else { return }
        guard let requirement = FIPSRequirement(rawValue: given) else {
            throw CommandFailure(exitCode: 2, message: "\(variable) is \(Quoting.excerpt(given)); allowed: off, required")
        }
        if requirement == .required { try enforce() }
    }

    static var isRequiredByEnvironment: Bool { Environment.value(variable) == FIPSRequirement.required.rawValue }

    /// Takes cryptography from the FIPS provider alone from now on.
    ///
    /// - Throws: exit 1 and one line that says what to do.
    static func enforce() throws(CommandFailure) {
        do throws(TrustError) {
            try FIPS.require()
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
    }
}
