"""Runs our functions as workers of Globus Compute do: from their source, in another process, by name."""

import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

FUNCTIONS = pathlib.Path(__file__).resolve().parents[2] / "Sources/Globus/Functions"

# All tests run with this Python, and some with every other of `pythons` besides.
PYTHON = os.environ.get("FUNCTION_PYTHON", sys.executable)

# The first way is that of agents since 3.3.0, the second that of older ones (GLOBUS.md 2.2).
RUNNERS = {
    "one namespace": "names = {}\nexec(source, names)",
    "separate namespaces": "names = {}\nexec(source, {'__builtins__': __builtins__}, names)",
}
PROGRAM = """
import json, sys
entry, *arguments = json.load(sys.stdin)
source = open(sys.argv[1], encoding="utf-8").read()
%s
json.dump({"result": names[entry](*arguments)}, sys.stdout)
"""


@functools.cache
def pythons() -> dict[str, str]:
    """The Pythons of this machine that our functions must run on, by version."""
    found = {"%d.%d" % sys.version_info[:2]: sys.executable}
    places = [pathlib.Path(path) for path in sorted(pathlib.Path.home().glob(".pyenv/versions/*/bin/python3"))]
    places += [pathlib.Path(path) for minor in range(9, 15) if (path := shutil.which(f"python3.{minor}"))]
    for place in places:
        asked = subprocess.run([place, "-c", "import sys, ssl; print('%d.%d' % sys.version_info[:2])"],
                               capture_output=True, text=True)
        if asked.returncode == 0 and re.fullmatch(r"3\.(9|1[0-4])", asked.stdout.strip()):
            found.setdefault(asked.stdout.strip(), str(place))
    return found


class Worker:
    """One call of a function in a process of its own."""

    def __init__(self, module: str, entry: str, *arguments: object, python: str = PYTHON,
                 runner: str = "one namespace", environment: dict[str, str] | None = None):
        self.entry = entry
        clean = {name: value for name, value in os.environ.items()
                 if "proxy" not in name.lower() and not name.startswith(("SLURM_", "PBS_"))}
        self.process = subprocess.Popen(
            [python, "-c", PROGRAM % RUNNERS[runner], FUNCTIONS / module], env={**clean, **(environment or {})},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.process.stdin.write(json.dumps([entry, *arguments]))
        self.process.stdin.close()
        self.process.stdin = None

    def output(self) -> str:
        """What it returned, as JSON; it prints nothing else."""
        output, errors = self.process.communicate(timeout=30)
        assert (self.process.returncode, errors) == (0, ""), errors
        return output

    def result(self) -> dict:
        return json.loads(self.output())["result"]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
