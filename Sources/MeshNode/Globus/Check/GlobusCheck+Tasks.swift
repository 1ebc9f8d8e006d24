import Globus
import Routing

/// What is tried on the endpoints, by tasks.
extension GlobusCheck {
    /// A task of our function that only says that it runs, and whether the node is reached from there.
    func probe(_ model: Model) async throws(CheckFailure) -> String {
        let callback = model.backend.settings.callbackURL
        let target = WebAddress(callback).map { $0.port > 0 } == true ? probeCallback(model.backend.settings) : "null"
        let (value, waited) = try await result(
            of: #"{"version":1,"probe":true,"callback":\#(target)}"#, function: try function(of: model), model)
        guard value["status"]?.text == "ready" else { throw strange(value) }
        let python = value["python"]?.text ?? "?"
        let reached: String
        switch value["callback"]?.text {
        case "reachable": reached = "the node is reached from there, answers are streamed"
        case nil: reached = "it was not tried whether the node is reached from there"
        case let why?: reached = "the node is NOT reached from there, so answers come whole: \(why) (\(callback))"
        }
        return "Python \(python) on \(value["host"]?.text ?? "?"), submitted after \(waited); \(reached)"
    }

    private func probeCallback(_ settings: GlobusBackendSettings) -> String {
        func text(_ value: String?) -> String { value.map(Quoting.json) ?? "null" }
        return #"{"url":\#(text(settings.callbackURL + GlobusBackend.answerPath + "probe")),"token":"none","#
            + #""ca":\#(text(settings.callbackCA)),"proxy":\#(text(settings.callbackProxy)),"connectSeconds":5}"#
    }

    /// One token of a model, returned as the task's result: no callback is involved.
    func infer(_ model: Model) async throws(CheckFailure) -> String {
        let (path, body) = request(model)
        let (value, waited): (WireValue, String)
        switch model.globus.style {
        case .meshnode:
            let order =
                #"{"version":1,"task":"check","request":{"path":"/v1/\#(path)","body":\#(Quoting.json(body)),"stream":false,"#
                + #""headers":{}},"server":\#(model.backend.settings.serverJSON),"callback":null,"timeouts":{"connectSeconds":10,"#
                + #""firstByteSeconds":\#(taskSeconds),"stallSeconds":\#(taskSeconds),"totalSeconds":\#(taskSeconds)},"#
                + #""resultBytes":1048576}"#
            (value, waited) = try await result(of: order, function: try function(of: model), model)
        case .first:
            let arguments: String
            do throws(WireError) {
                arguments = try FIRSTPayload.arguments(
                    body: Array(body.utf8), endpoint: path, port: model.backend.settings.apiPort)
            } catch { throw CheckFailure(error.message) }
            (value, waited) = try await result(arguments: "\(arguments)", function: try function(of: model), model)
            return "FIRST's function brought \(try firstAnswer(value)) bytes, submitted after \(waited)"
        }
        guard value["status"]?.text == "returned" else { throw strange(value) }
        let (status, text) = (value["http"]?.integer ?? 0, value["body"]?.text ?? "")
        guard (200..<300).contains(status) else {
            throw CheckFailure(
                "the inference server answers \(status)\(ErrorBody.message(Array(text.utf8)).map { ": \($0)" } ?? "")",
                advice:
                    "is \(Quoting.excerpt(model.name)) the model's name there? see upstreamModel and server of the backend")
        }
        return "the inference server answers \(status), \(text.utf8.count) bytes, submitted after \(waited)"
    }

    private func request(_ model: Model) -> (path: String, body: String) {
        let name = Quoting.json(model.name)
        let capabilities = model.model.description.capabilities ?? [.chat]
        if capabilities.contains(.chat) {
            return ("chat/completions", #"{"model":\#(name),"max_tokens":1,"messages":[{"role":"user","content":"Hello"}]}"#)
        }
        if capabilities.contains(.completions) {
            return ("completions", #"{"model":\#(name),"max_tokens":1,"prompt":"Hello"}"#)
        }
        return ("embeddings", #"{"model":\#(name),"input":"Hello"}"#)
    }

    private func firstAnswer(_ value: WireValue) throws(CheckFailure) -> Int {
        let answer: FIRSTAnswer
        do throws(WireError) {
            answer = try FIRSTAnswer(value)
        } catch { throw CheckFailure(error.message) }
        guard case .whole(let text) = answer else { throw CheckFailure("it streamed what was to come whole") }
        return text.utf8.count
    }

    private func function(of model: Model) throws(CheckFailure) -> String {
        if let function = model.backend.function { return function }
        throw CheckFailure(
            "our function is not registered yet", advice: "run: meshnode globus register --config FILE (or start the node)")
    }

    // MARK: One task

    private func result(of order: String, function: String, _ model: Model) async throws(CheckFailure) -> (WireValue, String)
    {
        try await result(arguments: "[\(order)]", function: function, model)
    }

    /// - Parameter arguments: JSON array of the positional arguments.
    /// - Returns: the result, and how long the task waited for its submission.
    private func result(
        arguments: String, function: String, _ model: Model
    ) async throws(CheckFailure) -> (WireValue, String) {
        let settings = model.backend.settings
        let task: ComputeTask
        do throws(ComputeFailure) {
            task = try site.service.submit(
                ComputeOrder(
                    endpoint: settings.endpoint, function: function,
                    arguments: TaskArguments.encode(rawArgumentsJSON: arguments), endpointConfig: settings.endpointConfig,
                    resourceSpecification: settings.resourceSpecification, userRuntime: settings.userRuntime,
                    deadlineSeconds: taskSeconds))
        } catch { throw failure(error, settings.endpoint) }
        switch await task.outcome() {
        case .result(let serialized, _):
            do throws(WireError) {
                let waited = task.waitedForSubmission.map { "\(short(Double($0 / .milliseconds(100)) / 10)) s" } ?? "?"
                return (try TaskResult.decode(serialized), waited)
            } catch { throw CheckFailure("the result cannot be read: \(error.message)") }
        case .failed(let text, _):
            let remote = RemoteFailure(exceptionText: text)
            var advice: String?
            if remote.kind == .notPermitted { advice = "have the endpoint's owner put \(function) into allowed_functions" }
            if remote.kind == .serializerRefused {
                advice = "allow JSONData and PureSourceTextInspect in the endpoint's engine"
            }
            if remote.summary.contains("Invalid header") {
                advice = "the endpoint's agent is older than 3.3.0; run: meshnode globus register --old-workers --force"
            }
            throw CheckFailure("the task failed: \(remote.summary)", advice: advice)
        case .deadline:
            throw CheckFailure(
                "no result within \(short(taskSeconds)) s",
                advice: "does the endpoint's scheduler give it a node? --timeout-seconds waits longer")
        case .lost(let why): throw CheckFailure(why)
        case .refused(let refusal): throw failure(refusal, settings.endpoint)
        case .released: throw CheckFailure("the task was given up")
        }
    }

    private func strange(_ value: WireValue) -> CheckFailure {
        guard value["status"]?.text == "failed" else { return CheckFailure("the function returned what ours never does") }
        let code = value["code"]?.text ?? ""
        let advice =
            code.hasPrefix("upstream") ? "does the inference server run there? see server of the model's backend" : nil
        return CheckFailure(value["message"]?.text ?? "the function failed: \(code)", advice: advice)
    }
}
