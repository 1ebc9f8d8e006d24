extension CommandLineParser {
    /// Reads the arguments of one command.
    struct Parsing {
        private let specification: CommandSpecification
        private var invocation: Invocation

        init(_ specification: CommandSpecification) {
            self.specification = specification
            invocation = Invocation(command: specification.name)
        }

        mutating func read(_ arguments: ArraySlice<String>) throws(UsageError) -> ParsedCommand {
            // Whoever asks for help gets it, whatever else is wrong.
            let options = arguments.prefix { $0 != "--" }
            if options.contains("--help") || options.contains("-h") { return .help(HelpText.command(specification)) }
            var rest = arguments
            var takesOptions = true
            while let argument = rest.popFirst() {
                if takesOptions && argument == "--" {
                    takesOptions = false
                } else if takesOptions && argument.hasPrefix("-") && argument != "-" {
                    try readOption(argument, &rest)
                } else {
                    try readPositional(argument)
                }
            }
            try complete()
            return .run(invocation)
        }

        private mutating func readOption(_ argument: String, _ rest: inout ArraySlice<String>) throws(UsageError) {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let option = specification.options.first(where: { $0.name == parts[0] }) else {
                throw unknownOption(parts[0])
            }
            guard invocation.values[option.name] == nil && !invocation.flags.contains(option.name) else {
                throw failure("\(option.name) is given twice; allowed: once")
            }
            if option.value == .flag {
                guard parts.count == 1 else {
                    throw failure("\(option.name) takes no value; found \(Quoting.excerpt(parts[1]))")
                }
                invocation.flags.insert(option.name)
                return
            }
            let wanted = "\(option.name) needs a value: \(option.name) \(option.placeholder)"
            if parts.count == 2 {
                take(try check(parts[1], for: option), option)
            } else if let value = rest.first, !value.hasPrefix("--") {
                rest.removeFirst()
                take(try check(value, for: option), option)
            } else {
                throw failure(rest.first.map { "\(wanted); found \(Quoting.excerpt($0))" } ?? wanted)
            }
        }

        private mutating func take(_ value: String, _ option: OptionSpecification) {
            if option.isList {
                invocation.lists[option.name, default: []].append(value)
            } else {
                invocation.values[option.name] = value
            }
        }

        private mutating func readPositional(_ argument: String) throws(UsageError) {
            if specification.lastRepeats, let last = specification.positionals.last,
                invocation.positionals.count == specification.positionals.count
            {
                guard !argument.isEmpty else { throw failure("\(last.name) is empty; allowed: \(last.summary)") }
                invocation.more.append(argument)
                return
            }
            guard invocation.positionals.count < specification.positionals.count else {
                let names = specification.positionals.map(\.name)
                let allowed = names.isEmpty ? "options only" : "one \(names.joined(separator: " "))"
                throw failure("found \(Quoting.excerpt(argument)) too many; allowed: \(allowed)")
            }
            let positional = specification.positionals[invocation.positionals.count]
            guard !argument.isEmpty else { throw failure("\(positional.name) is empty; allowed: \(positional.summary)") }
            invocation.positionals[positional.name] = argument
        }

        /// Puts defaults in, and sees that nothing is missing.
        private mutating func complete() throws(UsageError) {
            let required = specification.positionals.count - (specification.lastIsOptional ? 1 : 0)
            if invocation.positionals.count < required {
                let missing = specification.positionals[invocation.positionals.count]
                throw failure("\(missing.name) is missing: \(missing.summary)")
            }
            for option in specification.options where invocation.values[option.name] == nil {
                if option.isRequired {
                    throw failure("\(option.name) \(option.placeholder) is missing: \(option.summary)")
                }
                invocation.values[option.name] = option.fallback
            }
        }

        private func check(_ value: String, for option: OptionSpecification) throws(UsageError) -> String {
            let (fits, allowed) = option.value.judge(value)
            guard fits else { throw failure("\(option.name): found \(Quoting.excerpt(value)); allowed: \(allowed)") }
            return value
        }

        private func unknownOption(_ name: String) -> UsageError {
            let names = specification.options.map(\.name) + ["--help"]
            var guess = NearMisses.question(name, among: names, quote: "")
            if guess.isEmpty { guess = "; allowed: \(names.joined(separator: ", "))" }
            return failure("unknown option \(Quoting.excerpt(name))\(guess)")
        }

        private func failure(_ message: String) -> UsageError {
            UsageError(description: "\(specification.name.rawValue): \(message)")
        }
    }
}

extension OptionSpecification.Value {
    /// Whether a text is a value of this kind, and what is allowed, in words.
    func judge(_ text: String) -> (fits: Bool, allowed: String) {
        switch self {
        case .flag:
            return (false, "nothing")
        case .text:
            return (!text.isEmpty, "a text that is not empty")
        case .integer(let range):
            return (Int(text).map(range.contains) ?? false, "an integer from \(range.lowerBound) to \(range.upperBound)")
        case .number(let range):
            let low = ConfigurationCursor.text(of: range.lowerBound)
            return (
                Double(text).map(range.contains) ?? false,
                "a number from \(low) to \(ConfigurationCursor.text(of: range.upperBound))"
            )
        case .nodeAddress:
            let address = WebAddress(text)
            return (address.map { $0.path.isEmpty || $0.path == "/" } ?? false, "http://HOST[:PORT] or https://HOST[:PORT]")
        case .address:
            return (AddressBytes.parse(text) != nil, "an IP address")
        case .network:
            return (AddressRange(text) != nil, "an IP address or a block such as 10.0.0.0/8")
        case .uuid:
            return (Names.isUUID(text), "a UUID such as facd7ccc-c5f4-42aa-916b-a0e270e2c2a9")
        case .label:
            return (Names.isLabel(text), "a name such as site-a (a-z, 0-9, and - inside)")
        case .duration:
            return (Lifetime.seconds(text) != nil, "a time such as 90s, 30m, 24h or 7d")
        case .listenAddress:
            return (ListenAddress(text) != nil, "ADDRESS:PORT, such as 10.1.0.5:8201 or [::]:8201")
        case .hostAndPort:
            return (HostAndPort(text).map { $0.port > 0 } ?? false, "HOST:PORT, such as mesh.example.org:8201")
        case .range:
            return (SeedRange(text) != nil, "two whole numbers such as 1..200, at most \(SeedRange.countAllowed) in all")
        case .choice(let names):
            return (names.contains(text), names.joined(separator: ", "))
        }
    }
}
