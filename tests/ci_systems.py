"""As much of CI systems as the recipes need here: what a runner gives a step, and what it takes from it.

The commands are those of the recipes, run for real; only what is not ours is played: a checkout, an upload, servers.
"""

from __future__ import annotations

import http.server
import os
import re
import string
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from ruamel.yaml import YAML
from scratch_installation import ROOT, environment

if TYPE_CHECKING:
    from collections.abc import Mapping

RECIPES = ROOT / "ci" / "recipes"
ACTION = ROOT / "ci" / "action" / "action.yml"
#: What a reader of a recipe fills in.
OWN_ACTION = "OWNER/ops-checks/ci/action@REF"
_VALUE = re.compile(r"\$\{\{ ([\w.-]+) \}\}")


def load(path: Path) -> Any:
    """Return what a YAML file holds, by YAML 1.2; its aliases are whole."""
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


class Done(NamedTuple):
    """What became of a script: its exit code and all that it printed."""

    code: int
    out: str


def run(command: list[str], folder: Path, environ: Mapping[str, str]) -> Done:
    """Run a command and return its exit code and what it printed, on either stream."""
    done = subprocess.run(
        command, cwd=folder, env=dict(environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return Done(done.returncode, done.stdout)


class GitHub:
    """A runner of GitHub Actions, for jobs whose steps are scripts, uploads, and our own action.

    `contexts` are the values of expressions by their names. An expression that is not among them is an error.
    """

    def __init__(self, workspace: Path, temp: Path, checkout: Path, contexts: Mapping[str, str]) -> None:
        self.workspace, self.temp, self.checkout = workspace, temp, checkout
        self.contexts = {"runner.temp": str(temp), "github.token": "t0k3n"} | dict(contexts)
        self.uploads: dict[str, list[str]] = {}
        self.summary = temp / "summary.md"
        self.out = ""
        #: The folder of programs that a runner has and this machine has not.
        self.programs = temp / "programs"
        for name in ("output", "path", "summary.md"):
            (temp / name).touch()

    def job(self, workflow: Mapping[str, Any], name: str) -> int:
        """Run the steps of a job; return the code of the first that failed, 0 if none did."""
        job = workflow["jobs"][name]
        environ = self._values({**workflow.get("env", {}), **job.get("env", {})})
        return self._steps(job["steps"], environ, dict(self.contexts), ["bash", "-e"])

    def action(self, given: Mapping[str, str], environ: Mapping[str, str] | None = None) -> int:
        """Run our own action with these inputs; return its exit code and keep its outputs in `contexts`."""
        action = load(ACTION)
        inputs = {name: str(each.get("default", "")) for name, each in action["inputs"].items()}
        assert set(given) <= set(inputs)
        contexts = self.contexts | {f"inputs.{name}": value for name, value in (inputs | dict(given)).items()}
        own = dict(environ or {}) | {"GITHUB_ACTION_PATH": str(self.checkout / "ci" / "action")}
        code = self._steps(action["runs"]["steps"], own, contexts, [])
        self.outputs = {name: contexts.get(each["value"][4:-3], "") for name, each in action["outputs"].items()}
        return code

    def _steps(
        self, steps: list[dict[str, Any]], environ: Mapping[str, str], contexts: dict[str, str], shell: list[str]
    ) -> int:
        failed = 0
        for step in steps:
            if not self._runs(step.get("if", ""), failed):
                continue
            values = {name: self._value(str(text), contexts) for name, text in (step.get("env") or {}).items()}
            if "uses" in step:
                given = {name: self._value(str(text), contexts) for name, text in (step.get("with") or {}).items()}
                code = self._used(step["uses"], given, environ)
            else:
                folder = self.workspace / self._value(step.get("working-directory", "."), contexts)
                code = self._script(step, folder, {**environ, **values}, shell)
                contexts |= self._outputs(step.get("id", ""))
            failed = failed or code
        return failed

    def _runs(self, condition: str, failed: int) -> bool:
        """Return whether a step runs; without a condition, if none before it failed."""
        if not condition:
            return not failed
        for part in condition.removeprefix("${{ ").removesuffix(" }}").split(" && "):
            found = re.fullmatch(r"hashFiles\('([\w.-]+)'\) != ''", part)
            assert found or part == "!cancelled()"
            if found and not (self.workspace / found[1]).is_file():
                return False
        return True

    def _used(self, uses: str, given: Mapping[str, str], environ: Mapping[str, str]) -> int:
        if uses == OWN_ACTION:
            return self.action(given, environ)
        name = uses.partition("@")[0]
        if name != "actions/checkout":
            what = {"actions/upload-artifact": "path", "github/codeql-action/upload-sarif": "sarif_file"}[name]
            there = [each for each in given[what].split() if (self.workspace / each).is_file()]
            self.uploads[given.get("name", "sarif")] = there
        return 0

    def _script(self, step: Mapping[str, Any], folder: Path, environ: Mapping[str, str], shell: list[str]) -> int:
        if step["name"] == "Install ops-checks" and (self.temp / "ops-checks").exists():
            return 0  # one that an earlier run of it made
        if step.get("shell") == "bash":
            shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]
        script = self.temp / "script.sh"
        script.write_text(step["run"], encoding="utf-8")
        paths = {"GITHUB_OUTPUT": "output", "GITHUB_PATH": "path", "GITHUB_STEP_SUMMARY": "summary.md"}
        given = {name: str(self.temp / file) for name, file in paths.items()}
        own = {"CI": "true", "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(self.temp)}
        added = [Path(each) for each in (self.temp / "path").read_text(encoding="utf-8").splitlines()]
        base = environment(*reversed(added), self.programs)
        done = run([*shell, str(script)], folder, base | own | given | dict(environ))
        self.out += done.out
        return done.code

    def _outputs(self, step: str) -> dict[str, str]:
        """Return what a step set by the file of outputs, by the names that expressions have for it."""
        file = self.temp / "output"
        lines = [line.partition("=") for line in file.read_text(encoding="utf-8").splitlines()]
        file.write_text("")
        return {f"steps.{step}.outputs.{name}": value for name, _, value in lines}

    def _values(self, texts: Mapping[str, str]) -> dict[str, str]:
        return {name: self._value(str(text), self.contexts) for name, text in texts.items()}

    @staticmethod
    def _value(text: str, contexts: Mapping[str, str]) -> str:
        value = _VALUE.sub(lambda found: contexts[found[1]], text)
        assert "${{" not in value
        return value


class Keeper:
    """A server on this machine that keeps what is put and gives it back: a package registry, a host's web server."""

    def __init__(self) -> None:
        kept: dict[str, bytes] = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                kept[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(201)

            def do_GET(self) -> None:
                body = kept.get(self.path)
                self.answer(404 if body is None else 200, body or b"")

            def answer(self, code: int, body: bytes = b"") -> None:
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.kept = kept
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Serve until the block is left."""
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and leave nothing behind."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def crontab(path: Path) -> tuple[dict[str, str], list[str]]:
    """Return the variables that a crontab sets, and its commands."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    variables = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
    commands = [line.split(maxsplit=5)[5] for line in lines if not re.match(r"[A-Z_]+=", line)]
    assert not any("%" in command for command in commands)  # cron makes a new line of it
    return variables, commands


def program(folder: Path, name: str, script: str) -> Path:
    """Lay a program of a CI system that cannot be had here, and return the folder it is in."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    os.chmod(path, 0o755)
    return folder


def gitlab(recipe: Path, name: str, folder: Path, environ: Mapping[str, str]) -> Done:
    """Run a job of GitLab: the commands of what it extends and its own, with the variables of both."""
    jobs = load(recipe)
    job = {**jobs[jobs[name]["extends"]], **jobs[name]}
    values = dict(environ)
    for variable, text in (jobs["variables"] | job["variables"]).items():
        values.setdefault(variable, string.Template(text).substitute(values))
    return run(["bash", "-eo", "pipefail", "-c", "\n".join([*job["before_script"], *job["script"]])], folder, values)


def interpolated(text: str) -> str:
    """Return what the upload of a Buildkite pipeline makes of a text; nothing in ours is to be replaced then."""
    assert not re.search(r"(?<!\$)\$(?!\$)", text.replace("$$", ""))
    return text.replace("$$", "$")
