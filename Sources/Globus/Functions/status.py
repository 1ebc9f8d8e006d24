"""Tells which models run, start or queue at a site, how long their jobs have left, and how many nodes are free.

Registered with Globus Compute as this source text. Standard library only, Python 3.9 and newer. Everything is inside the
one function, imports too, because old workers run the source with separate globals and locals.

The order, all of it optional:
    {"version": 1, "scheduler": "auto" | "pbs" | "slurm" | "none", "user": null | "<owner of the jobs>",
     "jobPattern": null | "<regular expression on job names; its group `model`, if any, names the model>",
     "jobs": [{"match": "<regular expression on job names>", "models": ["..."]}],
     "servers": [{"url": "http://127.0.0.1:8000" | "http://{host}:8000" | "unix:/path", "models": ["..."],
                  "keyEnvironment": "NAME", "caFile": "/path", "ca": "PEM", "verify": true}],
     "timeoutSeconds": 10}
A job's models come from `jobs`, else from its environment's MODELS (PBS), else from `models=a,b` in its comment, else from
its name. `{host}` stands for the first node of each running job that has one of the server's models.

The result:
    {"version": 1, "at": <unix seconds>, "host", "scheduler": "pbs" | "slurm" | "none",
     "models": [{"id", "state", "etaSeconds", "walltimeRemainingSeconds", "job", "reason"}], "freeNodes": null | <count>,
     "jobs": [{"id", "state", "name", "nodes", "walltimeSeconds", "elapsedSeconds", "startEstimate", "comment"}],
     "errors": ["<what could not be found out>"]}
States: running, starting (the job runs, its server does not answer yet), queued, failed, stopped, unknown.
Nothing of the order gets into a command, and no shell is used.
"""


def meshnode_status(order=None):
    import datetime
    import http.client
    import json
    import os
    import re
    import shutil
    import signal
    import socket
    import ssl
    import subprocess
    import tempfile
    import threading
    import time
    from urllib.parse import urlsplit

    output_bytes = 64 * 1024 * 1024  # `qstat -f` of ten thousand jobs has about 40 MB.
    answer_bytes = 1024 * 1024
    most_jobs = 200
    most_models = 500
    most_text = 300
    likelihood = ["running", "starting", "queued", "failed", "stopped", "unknown"]  # Of several, the first holds.
    places = os.pathsep.join([os.environ.get("PATH", ""), "/opt/pbs/bin", "/opt/slurm/bin", "/usr/local/bin", "/usr/bin"])

    errors = []
    at = time.time()
    order = order if isinstance(order, dict) else {}
    timeout_seconds = order.get("timeoutSeconds", 10)
    if isinstance(timeout_seconds, bool) or not isinstance(timeout_seconds, (int, float)) or not 0 < timeout_seconds <= 600:
        timeout_seconds = 10

    # Reading values that others wrote.

    def words(value):
        return " ".join(str(value).split())[:most_text] if value not in (None, "") else None

    def names(value):
        items = value.replace("\\,", ",").split(",") if isinstance(value, str) else value if isinstance(value, list) else []
        return [item.strip() for item in items if isinstance(item, str) and item.strip()]

    def duration(value):
        """Seconds of [days-]hours:minutes:seconds, or of a number; None if there is no limit."""
        found = re.match(r"(?:(\d+)-)?(?:(?:(\d+):)?(\d+):)?(\d+)(?:\.\d+)?$", str(value).strip())
        if not found:
            return None
        days, hours, minutes, last = (int(part or 0) for part in found.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + last

    def moment(value):
        """Unix seconds of a number or of a date in the site's time, or None."""
        if isinstance(value, (int, float)) or str(value).isdigit():
            return int(value) or None
        for form in ("%a %b %d %H:%M:%S %Y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"):
            try:
                return int(datetime.datetime.strptime(str(value), form).timestamp())
            except (ValueError, OverflowError, OSError):
                pass
        return None

    def number(value):
        """Slurm writes numbers plain, or as {"set", "infinite", "number"}."""
        if isinstance(value, dict):
            value = None if value.get("infinite") or value.get("set") is False else value.get("number")
        return int(value) if isinstance(value, (int, float)) and value == value and abs(value) < 2 ** 53 else None

    def pattern(text):
        try:
            return re.compile(text) if text else None
        except (re.error, TypeError, RecursionError):
            errors.append("not a regular expression: %s" % words(text))
            return None

    # Commands.

    def run(*command):
        """What a command writes, or None; why is noted."""
        program = shutil.which(command[0], path=places)
        if program is None:
            errors.append("%s is not installed" % command[0])
            return None
        # Files rather than pipes: a grandchild that keeps a pipe open could not be waited for.
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaints:
            try:
                process = subprocess.Popen([program] + list(command[1:]), stdin=subprocess.DEVNULL, stdout=output,
                                           stderr=complaints, start_new_session=True)
            except OSError as problem:
                errors.append("%s could not be run: %s" % (command[0], problem.strerror))
                return None
            try:
                status = process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                errors.append("%s did not end within %g s" % (" ".join(command), timeout_seconds))
                return None
            output.seek(0)
            text = output.read(output_bytes + 1)
            complaints.seek(0)
            said = words(complaints.read(4096).decode("utf-8", "replace"))
        if len(text) > output_bytes:
            errors.append("%s wrote more than %d bytes" % (" ".join(command), output_bytes))
            return None
        if status != 0:
            errors.append("%s ended with %d: %s" % (" ".join(command), status, said))
        return text.decode("utf-8", "replace") if status == 0 or text.strip() else None

    def parsed(text, command):
        try:
            value = json.loads(text, strict=False)
            if isinstance(value, dict):
                return value
        except (ValueError, RecursionError):
            pass
        errors.append("%s wrote no JSON" % command)
        return None

    def blocks(text, start):
        """The text form of qstat and pbsnodes: {name: {key: value}}; long lines go on after a tab."""
        found, fields, key = {}, None, None
        for line in text.splitlines():
            begins = start.match(line)
            if begins:
                fields = found.setdefault(begins.group(1).strip(), {})
            elif line.startswith("\t") and fields is not None and key:
                fields[key] += line[1:]
            elif " = " in line and fields is not None:
                key, _, value = line.strip().partition(" = ")
                fields[key] = value
        return found

    # PBS.

    def pbs_jobs():
        text = run("qstat", "-f", "-F", "json")
        value = parsed(text, "qstat -f -F json") if text is not None else None
        if value is not None:
            listed = value.get("Jobs", {})  # Left out when there is none.
        else:
            text = run("qstat", "-f")
            listed = blocks(text or "", re.compile(r"Job Id: (.+)"))
        for name, fields in listed.items() if isinstance(listed, dict) else ():
            if isinstance(fields, dict):
                flat = dict(fields)
                for key, inner in fields.items():
                    if isinstance(inner, dict):
                        flat.update(("%s.%s" % (key, part), item) for part, item in inner.items())
                yield pbs_job(name, flat)

    def pbs_job(name, fields):
        letter, comment = str(fields.get("job_state")), words(fields.get("comment"))
        state = {"R": "running", "B": "running", "Q": "queued", "H": "queued", "W": "queued", "T": "queued", "S": "queued",
                 "U": "queued", "E": "stopped", "F": "stopped", "X": "stopped"}.get(letter, "unknown")
        reason = {"H": "held", "S": "suspended", "U": "suspended", "W": "waiting for its time"}.get(letter)
        ended = fields.get("Exit_status")
        if state == "stopped" and str(ended) not in ("None", "0"):
            state, reason = "failed", "exit status %s" % words(ended)
        models = names(fields.get("Variable_List.MODELS"))
        found = re.search(r"(?:^|,)MODELS=((?:\\,|[^,])*(?:,[^,=]+(?=,|$))*)", str(fields.get("Variable_List", "")))
        host = re.match(r"[A-Za-z0-9.-]+", str(fields.get("exec_host", "")))
        return {"id": name, "state": state, "name": str(fields.get("Job_Name", "")),
                "nodes": number(duration(fields.get("Resource_List.nodect"))),
                "walltimeSeconds": duration(fields.get("Resource_List.walltime")),
                "elapsedSeconds": duration(fields.get("resources_used.walltime")),
                "startEstimate": moment(fields.get("estimated.start_time")) if state == "queued" else None,
                "comment": comment, "owner": str(fields.get("Job_Owner", "")).partition("@")[0],
                "reason": ": ".join(filter(None, [reason, comment])) if reason or state == "queued" else None,
                "models": models or (names(found.group(1)) if found else []), "host": host.group(0) if host else None}

    def pbs_free_nodes():
        text = run("pbsnodes", "-a", "-F", "json")
        value = parsed(text, "pbsnodes -a -F json") if text is not None else None
        listed = value.get("nodes", {}) if value is not None else blocks(run("pbsnodes", "-a") or "", re.compile(r"(\S+)$"))
        if not isinstance(listed, dict) or (value is None and not listed):
            return None
        return sum(1 for fields in listed.values()
                   if isinstance(fields, dict) and fields.get("state") == "free" and not fields.get("jobs"))

    # Slurm.

    def slurm_jobs():
        text = run("squeue", "--json")
        value = parsed(text, "squeue --json") if text is not None else None
        if value is not None:
            for fields in value.get("jobs") or []:
                if isinstance(fields, dict):
                    state = fields.get("job_state")
                    minutes = number(fields.get("time_limit"))
                    start = number(fields.get("start_time"))
                    yield slurm_job(
                        fields.get("job_id"), state[0] if isinstance(state, list) and state else state, fields.get("name"),
                        number(fields.get("node_count")), None if minutes is None else minutes * 60,
                        max(0, int(at) - start) if start and start <= at else None, start, fields.get("state_reason"),
                        fields.get("comment"), fields.get("user_name"), fields.get("batch_host") or fields.get("nodes"))
            return
        text = run("squeue", "-h", "-o", "%i|%T|%u|%D|%l|%M|%S|%r|%B|%j|%k")
        for line in (text or "").splitlines():
            parts = line.split("|", 10)
            if len(parts) == 11:
                name, state, owner, nodes, limit, used, start, reason, host, title, comment = parts
                yield slurm_job(name, state, title, duration(nodes), duration(limit), duration(used), moment(start), reason,
                                comment, owner, host)

    def slurm_job(name, word, title, nodes, limit, used, start, reason, comment, owner, host):
        word = str(word).upper()
        state = {"RUNNING": "running", "CONFIGURING": "starting", "PENDING": "queued", "SUSPENDED": "queued",
                 "REQUEUED": "queued", "REQUEUE_HOLD": "queued", "STOPPED": "queued", "COMPLETING": "stopped",
                 "COMPLETED": "stopped", "CANCELLED": "stopped", "FAILED": "failed", "TIMEOUT": "failed",
                 "NODE_FAIL": "failed", "OUT_OF_MEMORY": "failed", "BOOT_FAIL": "failed", "DEADLINE": "failed",
                 "PREEMPTED": "failed"}.get(word, "unknown")
        said = [None if word == "PENDING" else word.lower(), words(reason) if reason not in ("None", "none") else None]
        comment = words(comment) if comment != "(null)" else None
        host = re.match(r"[A-Za-z0-9.-]+\Z", str(host))
        return {"id": str(name), "state": state, "name": str(title), "nodes": nodes, "walltimeSeconds": limit,
                "elapsedSeconds": used if state in ("running", "starting") else None,
                "startEstimate": start if state == "queued" else None, "comment": comment, "owner": str(owner),
                "reason": ": ".join(filter(None, said)) or None if state in ("queued", "failed") else None,
                "models": [], "host": host.group(0) if host else None}

    def slurm_free_nodes():
        text = run("sinfo", "-h", "-N", "-o", "%N %t")
        lines = [line.split() for line in (text or "").splitlines()]
        return None if text is None else len({parts[0] for parts in lines if len(parts) == 2 and parts[1] == "idle"})

    # Inference servers.

    def get(server, url, path):
        """Status and body of one GET."""
        unix = url[len("unix:"):] if url.startswith("unix:") else None
        parts = urlsplit("http://localhost" if unix else url)
        if parts.scheme == "https":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if server.get("verify") is False:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            elif server.get("ca") or server.get("caFile"):
                context.load_verify_locations(cafile=server.get("caFile"), cadata=server.get("ca"))
            else:
                context.load_default_certs()
            connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout_seconds, context=context)
        elif parts.scheme == "http" and parts.hostname:
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_seconds)
        else:
            raise ValueError("the URL is not one of http, https, unix")
        if unix:
            connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.settimeout(timeout_seconds)
            connection.sock.connect(unix)
        try:
            key = os.environ.get(server.get("keyEnvironment") or "", "").strip()
            fields = {"Authorization": "Bearer " + key} if re.match(r"[\x21-\x7e]+\Z", key) else {}
            connection.request("GET", parts.path.rstrip("/") + path, headers=fields)
            answer = connection.getresponse()
            return answer.status, answer.read(answer_bytes + 1)
        finally:
            connection.close()

    def probe(server, url, found):
        """Puts (state, ids, reason) into `found`."""
        try:
            health, _ = get(server, url, "/health")
            status, body = get(server, url, "/v1/models")
            if health == 503 or status == 503:
                found.append(("starting", [], "its server loads"))
                return
            if status != 200:
                found.append(("unknown", [], "its server answered %d" % status))
                return
            listed = json.loads(body[:answer_bytes])["data"]
            found.append(("running", [item["id"] for item in listed if isinstance(item.get("id"), str)], None))
        except (ConnectionRefusedError, FileNotFoundError):
            found.append(("stopped", [], "its server does not answer"))
        except socket.timeout:
            found.append(("unknown", [], "its server did not answer within %g s" % timeout_seconds))
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError) as problem:
            found.append(("unknown", [], "its server could not be asked: %s" % type(problem).__name__))

    def probe_all(servers, jobs):
        """Each server, or each server of each job, at once: [(server's models, job, state, ids, reason)]."""
        asked = []
        for server in servers:
            url = server.get("url")
            if not isinstance(url, str):
                errors.append("a server has no URL")
                continue
            mine = names(server.get("models"))
            own = os.environ.get("PBS_JOBID") or os.environ.get("SLURM_JOB_ID")
            targets = [(url, next((job for job in jobs if own and job["id"] == own), None))]
            if "{host}" in url:
                targets = [(url.replace("{host}", job["host"]), job) for job in jobs
                           if job["state"] == "running" and job["host"] and (not mine or set(mine) & set(job["models"]))]
            for target, job in targets[:most_jobs]:
                found = []
                thread = threading.Thread(target=probe, args=(server, target, found), daemon=True)
                thread.start()
                asked.append((mine, job, found, thread))
        deadline = time.monotonic() + 2 * timeout_seconds
        for mine, job, found, thread in asked:
            thread.join(max(0, deadline - time.monotonic()))
            state, ids, reason = found[0] if found else ("unknown", [], "its server did not answer in time")
            yield mine, job, state, ids, reason

    # Together.

    def with_models(jobs, servers):
        """The jobs that matter, each with its models."""
        rules = [(pattern(rule.get("match")), names(rule.get("models")))
                 for rule in order.get("jobs") or [] if isinstance(rule, dict)]
        wanted = pattern(order.get("jobPattern"))
        known = {model for _, models in rules for model in models}
        known |= {model for server in servers for model in names(server.get("models"))}
        kept = []
        for job in jobs:
            if order.get("user") and job["owner"] != order["user"]:
                continue
            named = wanted.search(job["name"]) if wanted else None
            if wanted and not named:
                continue
            for rule, models in rules:
                if rule and rule.search(job["name"]):
                    job["models"] = models
                    break
            if not job["models"]:
                said = re.search(r"models=([^\s;]+)", job["comment"] or "")
                grouped = named.groupdict().get("model") if named else None
                job["models"] = names(said.group(1)) if said else [grouped] if grouped else [
                    job["name"]] if job["name"] in known else []
            if job["models"] or wanted or order.get("user"):
                kept.append(job)
        if len(kept) > most_jobs:
            errors.append("%d more jobs are left out" % (len(kept) - most_jobs))
        return kept[:most_jobs]

    def remaining(job):
        if job is None or job["state"] not in ("running", "starting") or job["walltimeSeconds"] is None:
            return None
        return max(0, job["walltimeSeconds"] - (job["elapsedSeconds"] or 0))

    def states(jobs, servers):
        claims = {}

        def claim(model, state, job, reason):
            eta = max(0, job["startEstimate"] - int(at)) if job and state == "queued" and job["startEstimate"] else None
            claims.setdefault(model, []).append({
                "id": model, "state": state, "etaSeconds": eta,
                "walltimeRemainingSeconds": remaining(job) if state in ("running", "starting") else None,
                "job": job["id"] if job else None, "reason": words(reason)})

        answers = list(probe_all(servers, jobs))
        served = {model for _, _, _, ids, _ in answers for model in ids}
        probed = {model for mine, _, _, _, _ in answers for model in mine}
        for mine, job, state, ids, reason in answers:
            job = job or next((other for other in jobs if other["state"] == "running" and set(mine + ids) & set(other["models"])),
                              None)
            for model in ids:
                claim(model, state, job, None)
            for model in mine:
                if model not in ids and not any(model in other["models"] for other in jobs):
                    claim(model, "stopped" if state == "running" else state, None, reason or "its server does not list it")
        for job in jobs:
            for model in job["models"]:
                waits = job["state"] == "running" and model in probed and model not in served
                claim(model, "starting" if waits else job["state"], job,
                      "its server does not answer yet" if waits else job["reason"])
        best = [min(several, key=lambda one: (likelihood.index(one["state"]), -(one["walltimeRemainingSeconds"] or 0)))
                for _, several in sorted(claims.items())]
        if len(best) > most_models:
            errors.append("%d more models are left out" % (len(best) - most_models))
        return best[:most_models]

    scheduler = order.get("scheduler") or "auto"
    if scheduler == "auto":  # Slurm first: it brings a qstat of its own.
        scheduler = "slurm" if shutil.which("squeue", path=places) else "pbs" if shutil.which("qstat", path=places) else "none"
    if scheduler not in ("pbs", "slurm", "none"):
        errors.append("not a scheduler: %s" % words(scheduler))
        scheduler = "none"
    result = {"version": 1, "at": int(at), "host": socket.gethostname(), "scheduler": scheduler, "models": [],
              "freeNodes": None, "jobs": [], "errors": errors}
    try:
        servers = [server for server in order.get("servers") or [] if isinstance(server, dict)]
        listed = {"pbs": pbs_jobs, "slurm": slurm_jobs, "none": list}[scheduler]()
        jobs = with_models(listed, servers)
        result["models"] = states(jobs, servers)
        result["freeNodes"] = {"pbs": pbs_free_nodes, "slurm": slurm_free_nodes, "none": lambda: None}[scheduler]()
        shown = ("id", "state", "name", "nodes", "walltimeSeconds", "elapsedSeconds", "startEstimate", "comment")
        result["jobs"] = [{key: job[key] for key in shown} for job in jobs]
    except Exception as problem:
        errors.append("internal: %s: %s" % (type(problem).__name__, words(problem)))
    return result
