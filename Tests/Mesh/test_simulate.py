"""`meshnode simulate`: scenarios and studies hold, a run follows from file and seed alone, and what breaks is said."""

import concurrent.futures
import json
import os
import pathlib
import re

import pytest

from harness import ROOT, run

SCENARIOS = sorted((ROOT / "topology/scenarios").glob("*.json5"))
STUDIES = sorted((ROOT / "topology/routing").glob("*.json5"))
CHAOS = ROOT / "topology/scenarios/chaos.json5"
CHAOS_SEEDS = 200
RUN_SECONDS = 240  # each takes 20 s at most when nothing else runs

# Fails with every seed: nobody knows of a crash in a thousandth of a second. All steps but the crash and the mark are needless.
FAILING = """{
  scenario: "failing", description: "what it shows", nodes: 9, runSeconds: 60,
  groups: [{ name: "one", count: 1 }, { name: "two", count: 2 }],
  steps: [
    { atSeconds: 10, do: "publish", group: "two" },
    { atSeconds: 12, do: "pause", group: "two" },
    { atSeconds: 14, do: "resume", group: "two" },
    { atSeconds: 30, do: "crash", group: "one" },
    { atSeconds: 30, do: "mark", name: "crash" },
  ],
  expect: [{ that: "detected", group: "one", states: ["unreachable"], after: "crash", withinSeconds: 0.001 }],
}
"""


# Nobody waits half as long as under the oracle.
STUDY = """{
  study: "small", description: "what it shows", sites: [{ count: 5 }], workload: "azure-conversation", load: 0.9, views: [30, 1],
  requests: 1000, seeds: 2,
  expect: [
    { of: "home", measure: "away", atMost: 0 },
    { of: "leastLoaded", measure: "wait.mean", against: "oracle", atMost: 0.5 },
  ],
}
"""


@pytest.fixture(scope="module")
def runs():
    """Each scenario's run with one seed; one process a core. What was not waited for at the end is not begun."""
    yield from begun(SCENARIOS)


@pytest.fixture(scope="module")
def study_runs():
    """The same of each study."""
    yield from begun(STUDIES)


def begun(files: list[pathlib.Path]):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        futures = {file.name: pool.submit(run, "simulate", file, "--seed", 1, "--json", seconds=RUN_SECONDS)
                   for file in files}
        yield futures
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def failing(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "failing.json5"
    path.write_text(FAILING)
    return path


@pytest.mark.parametrize("name", [file.name for file in SCENARIOS])
def test_scenario(runs: dict, name: str):
    result = runs[name].result()
    assert result.returncode == 0, result.stdout + result.stderr
    report = json.loads(result.stdout)
    assert report["held"] and report["failure"] is None and report["seed"] == 1
    assert f"{report['scenario']}.json5" == name
    assert all(expectation["held"] for expectation in report["expectations"])
    assert not result.stderr


@pytest.mark.parametrize("name", [file.name for file in STUDIES])
def test_study(study_runs: dict, name: str):
    result = study_runs[name].result()
    assert result.returncode == 0, result.stdout + result.stderr
    report = json.loads(result.stdout)
    assert report["held"] and report["failure"] is None and report["seeds"] == {"first": 1, "last": 1}
    assert f"{report['study']}.json5" == name
    assert all(expectation["held"] for expectation in report["expectations"])
    assert {"best", "oracle"} <= {row["placement"] for row in report["rows"]}
    assert not result.stderr


@pytest.fixture
def study(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "small.json5"
    path.write_text(STUDY)
    return path


def test_a_study_says_what_broke(study: pathlib.Path):
    result = run("simulate", study, seconds=RUN_SECONDS)
    assert result.returncode == 1
    assert "small, seeds 1..2: 5 sites" in result.stdout
    assert re.search("^held +home, away: at most 0", result.stdout, re.MULTILINE)
    assert re.search("^BROKE +leastLoaded with views of 30 s, wait.mean: at most 0.5 times oracle's", result.stdout, re.MULTILINE)
    last = result.stderr.splitlines()[-1]
    assert "small: leastLoaded" in last and "step none" in last and "seeds 1..2" in last
    again = run("simulate", study, seconds=RUN_SECONDS)
    assert (again.stdout, again.stderr) == (result.stdout, result.stderr)


def test_a_study_depends_on_its_seeds_alone(study: pathlib.Path):
    first, second, both = (json.loads(run("simulate", study, "--json", *seeds, seconds=RUN_SECONDS).stdout)
                           for seeds in (["--seed", 1], ["--seed", 2], ["--seeds", "1..2"]))
    for one, other, mean in zip(first["rows"], second["rows"], both["rows"], strict=True):
        assert one["wait.mean"] != other["wait.mean"]
        assert mean["wait.mean"] == pytest.approx((one["wait.mean"] + other["wait.mean"]) / 2, abs=1e-5)


def test_several_files(study: pathlib.Path, failing: pathlib.Path):
    result = run("simulate", study, failing, study, "--seed", 3, "--json", seconds=RUN_SECONDS)
    assert result.returncode == 1
    reports = [json.loads(line) for line in result.stdout.splitlines()]
    assert [report.get("study", report.get("scenario")) for report in reports] == ["small", "failing", "small"]
    assert "failing: " in result.stderr and "small: leastLoaded" in result.stderr.splitlines()[-1]
    failing.write_text(FAILING.replace("nodes: 9", "nodes: 0"))
    result = run("simulate", study, failing, seconds=RUN_SECONDS)
    assert result.returncode == 2 and not result.stdout and "failing.json5:2: nodes" in result.stderr
    result = run("simulate", study, "--trace", seconds=RUN_SECONDS)
    assert result.returncode == 2 and not result.stdout and "--trace" in result.stderr


def test_a_wrong_study_is_told_by_line(study: pathlib.Path):
    study.write_text(STUDY.replace('of: "home"', 'of: "hone"'))
    for command in ("check", "simulate"):
        result = run(command, study)
        assert result.returncode == 2 and not result.stdout
        assert "small.json5:5: expect[0].of" in result.stderr and '"hone"' in result.stderr


def test_many_seeds_of_chaos():
    result = run("simulate", CHAOS, "--seeds", f"1..{CHAOS_SEEDS}", "--json", seconds=RUN_SECONDS)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["held"] == CHAOS_SEEDS and report["failed"] == []


def test_long_scenarios_are_right():
    for file in sorted((ROOT / "topology/long").glob("*.json5")):
        result = run("check", file)
        assert result.returncode == 0 and "a scenario" in result.stdout, result.stderr


def test_the_same_seed_gives_the_same_trace():
    first, second = (run("simulate", CHAOS, "--seed", 3, "--trace", seconds=RUN_SECONDS) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    lines = first.stdout.splitlines()
    assert len(lines) > 1000
    times = [json.loads(line)["at"] for line in lines]
    assert times == sorted(times)
    other = run("simulate", CHAOS, "--seed", 4, "--trace", seconds=RUN_SECONDS)
    assert other.stdout != first.stdout


def test_the_same_seed_gives_the_same_report():
    first, second = (run("simulate", CHAOS, "--seed", 5, "--json", seconds=RUN_SECONDS) for _ in range(2))
    assert first.stdout == second.stdout and json.loads(first.stdout)["fingerprint"]
    first, second = (run("simulate", CHAOS, "--seeds", "5..12", seconds=RUN_SECONDS) for _ in range(2))
    assert first.stdout == second.stdout and "8 of 8 held" in first.stdout


def test_a_seed_is_drawn_and_said():
    result = run("simulate", CHAOS, seconds=RUN_SECONDS)
    seed = re.match(r"chaos, seed (\d+):", result.stdout)[1]
    again = run("simulate", CHAOS, "--seed", seed, seconds=RUN_SECONDS)
    assert again.stdout == result.stdout


def test_what_broke_is_said(failing: pathlib.Path):
    result = run("simulate", failing, "--seed", 7, seconds=RUN_SECONDS)
    assert result.returncode == 1
    assert "BROKE" in result.stdout
    last = result.stderr.splitlines()[-1]
    assert "`one` held unreachable by all within 0.001 s of `crash`" in last
    assert "step 4" in last and "seed 7" in last
    report = json.loads(run("simulate", failing, "--seed", 7, "--json", seconds=RUN_SECONDS).stdout)
    assert not report["held"] and report["failure"]["step"] == 4 and report["failure"]["seed"] == 7


def test_what_broke_is_made_short(failing: pathlib.Path):
    result = run("simulate", failing, "--seeds", "3..6", seconds=RUN_SECONDS)
    assert result.returncode == 1
    assert "0 of 4 held" in result.stdout
    assert "seed 3" in result.stderr.splitlines()[-1]
    text = result.stderr[result.stderr.index("{\n"):result.stderr.rindex("}\n") + 2]
    short = failing.with_name("short.json5")
    short.write_text(text)
    assert run("check", short).returncode == 0, text
    assert "publish" not in text and "pause" not in text and "crash" in text
    again = run("simulate", short, "--seed", 3, seconds=RUN_SECONDS)
    assert again.returncode == 1 and "seed 3" in again.stderr.splitlines()[-1]


@pytest.mark.parametrize("arguments, words", [
    (["--seed", "1", "--seeds", "1..2"], ["--seed", "--seeds"]),
    (["--seeds", "1..2", "--trace"], ["--trace", "--seed"]),
    (["--json", "--trace"], ["--trace", "--json"]),
    (["--seeds", "2..1"], ["--seeds", "2..1"]),
    (["--seed", "x"], ["--seed", "x"]),
])
def test_bad_usage(arguments: list[str], words: list[str]):
    result = run("simulate", CHAOS, *arguments)
    assert result.returncode == 2 and not result.stdout
    for word in words:
        assert word in result.stderr


def test_bad_file(failing: pathlib.Path):
    failing.write_text(FAILING.replace('group: "one", states', 'group: "ona", states'))
    for command in ("check", "simulate"):
        result = run(command, failing)
        assert result.returncode == 2 and not result.stdout
        line = next(number for number, text in enumerate(failing.read_text().splitlines(), 1) if "ona" in text)
        assert f"failing.json5:{line}: expect[0].group" in result.stderr and "`one`" in result.stderr
