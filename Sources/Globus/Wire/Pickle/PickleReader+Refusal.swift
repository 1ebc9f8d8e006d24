extension PickleReader {
    /// What to say about an opcode that is not carried out: its name, and the class it names if that can be read.
    func refusal(of opcode: UInt8) -> WireError {
        guard let name = PickleOpcode.refused[opcode] else {
            return malformed("no opcode has the number \(opcode)")
        }
        let place = "the opcode \(name) at byte \(at - 1)"
        guard let className = className(opcode) else {
            return .unsupported("a pickle with more than plain data: \(place)")
        }
        return .unsupported("a pickle with an object of \(className): \(place)")
    }

    private func className(_ opcode: UInt8) -> String? {
        switch opcode {
        case PickleOpcode.global, PickleOpcode.instance:
            // Two lines of text follow: the module and the name in it.
            let lines = bytes[at...].prefix(512).split(separator: 0x0A, maxSplits: 2, omittingEmptySubsequences: false)
            guard lines.count == 3 else { return nil }
            return WireText.printable(lines[0]) + "." + WireText.printable(lines[1])
        case PickleOpcode.stackGlobal:
            guard stack.count >= 2, let module = heap.text(stack[stack.count - 2]),
                let name = heap.text(stack[stack.count - 1])
            else { return nil }
            return WireText.printable(module.utf8) + "." + WireText.printable(name.utf8)
        default: return nil
        }
    }
}
