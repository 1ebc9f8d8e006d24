/// `meshnode doctor`: what keeps a node from working, and what to do about it.
enum DoctorCommand {
    private struct Answer: Encodable {
        var ok: Bool
        var findings: [Finding]
    }

    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let configuration = try ServeCommand.read(invocation.text(.doctorConfig) ?? "")
        let asJSON = invocation.flag(.json)
        if invocation.flag(.firewall) {
            let request = FirewallRequest(configuration)
            return Output.write(asJSON ? try encode(request) : request.text)
        }
        var doctor = Doctor(configuration) { finding in
            if !asJSON { Output.write(finding.text) }
        }
        doctor.run(fipsIsRequired: configuration.fips == .required || FIPSRequirement.isRequiredByEnvironment)
        let failed = doctor.findings.filter { $0.level == .fail }.count
        if asJSON { Output.write(try encode(Answer(ok: failed == 0, findings: doctor.findings))) }
        guard failed == 0 else {
            throw CommandFailure(exitCode: 1, message: "\(failed) of \(doctor.findings.count) things are wrong")
        }
    }
}
