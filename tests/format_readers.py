"""Independent readers of every format: what a consumer finds in a rendered report, as a shape and the texts in it.

The shape is everything that is not text: elements, keys, columns, commands. Hostile text must not
change it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from base64 import b64encode
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import html5lib
import jsonschema
import msgspec
from lxml import etree
from markdown_it import MarkdownIt
from prometheus_client.openmetrics.parser import text_string_to_metric_families

SCHEMAS = Path(__file__).parent / "schemas"


@dataclass(slots=True)
class Read:
    """What a reader found: the shape, and the texts in order."""

    shape: Any
    texts: list[str] = field(default_factory=list)


def read_text(rendered: str) -> Read:
    """Read text as a terminal does: lines, in which nothing may be a control character."""
    lines = rendered.split("\n")
    assert lines.pop() == ""
    odd = {char for line in lines for char in line if not (char.isprintable() or char.isspace())}
    assert not odd, f"a terminal might obey {odd}"
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", "".join(lines))
    return Read(len(lines), lines)


def read_json(rendered: str) -> Read:
    """Read JSON with the standard library."""
    read = Read(None)
    read.shape = _shape(json.loads(rendered), read.texts)
    return read


def read_gitlab(rendered: str) -> Read:
    """Read a code quality report by GitLab's rules: the fields it requires, and fingerprints that are unique."""
    issues = json.loads(rendered)
    assert_visible(rendered)
    jsonschema.validate(issues, _GITLAB)
    fingerprints = [issue["fingerprint"] for issue in issues]
    assert len(set(fingerprints)) == len(fingerprints)
    assert all(not issue["location"]["path"].startswith(("/", "../", "./")) for issue in issues)
    return Read(len(issues), [text for issue in issues for text in (issue["description"], issue["check_name"])])


def assert_visible(rendered: str) -> None:
    """Assert that JSON for other people's readers holds no control character and no half of a surrogate pair."""
    texts: list[str] = []
    _shape(msgspec.json.decode(rendered), texts)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "".join(texts))


_GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "location", "severity"],
        "properties": {
            "description": {"type": "string"},
            "check_name": {"type": "string"},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "minLength": 1},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def read_sarif(rendered: str) -> Read:
    """Read SARIF: the official schema, rules that exist, URIs inside, and messages as section 3.11 has them read."""
    log = json.loads(rendered)
    assert_visible(rendered)
    error = jsonschema.exceptions.best_match(_sarif_validator().iter_errors(log))
    assert error is None, error
    read = Read(None)
    (run,) = log["runs"]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(ids)) == len(ids)
    for node in _objects(log):
        if "associatedRule" in node:
            assert ids[node["associatedRule"]["index"]] == node["associatedRule"]["id"]
        if "ruleIndex" in node:
            assert ids[node["ruleIndex"]] == node["ruleId"]
        if "uri" in node:
            assert re.fullmatch(r"(?!/)[A-Za-z0-9_.~%/-]+", node["uri"]), node["uri"]
            assert ".." not in node["uri"].split("/")
        if "startLine" in node:
            assert node["startLine"] >= 1
            assert node["startColumn"] >= 1
        if isinstance(node.get("text"), str):
            node["text"] = sarif_message(node["text"])
        node.pop("physicalLocation", None)  # whether there is one depends on the path
    read.shape = _shape(log, read.texts)
    return read


@cache
def _sarif_validator() -> jsonschema.Draft4Validator:
    schema = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)


def sarif_message(text: str) -> str:
    """Read a SARIF message: no placeholder and no embedded link may be left in it."""
    tokens = re.findall(r"\{\{|\}\}|\\[\\\[\]]|.", text, re.DOTALL)
    assert not {"{", "}", "[", "]"} & set(tokens), f"markup in {text!r}"
    return "".join(token[-1] if len(token) > 1 else token for token in tokens)


def read_junit(rendered: str) -> Read:
    """Read JUnit XML with lxml, by the xunit2 schema; the counts must be those of the elements."""
    root = etree.fromstring(rendered.encode("utf-8"), etree.XMLParser(resolve_entities=False))
    _junit_schema().assertValid(root)
    for element in [root, *root.findall("testsuite")]:
        assert int(element.get("tests")) == len(element.findall(".//testcase"))
        assert int(element.get("failures")) == len(element.findall(".//failure"))
        assert int(element.get("errors")) == len(element.findall(".//error"))
    elements = list(root.iter())
    texts = [text for element in elements for text in (*element.attrib.values(), element.text or "")]
    return Read([(element.tag, sorted(element.attrib)) for element in elements], texts)


@cache
def _junit_schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(SCHEMAS / "junit-10.xsd"))


_REGISTERED = {
    "error", "warning", "notice", "debug", "group", "endgroup", "add-mask", "set-env", "set-output", "save-state",
    "add-path", "add-matcher", "remove-matcher", "echo", "stop-commands", "command",
}  # fmt: skip


def read_github(rendered: str) -> Read:
    """Read commands by the rules of GitHub's runner; every line must be one, and annotate."""
    commands = [_command(line) for line in re.split(r"\r\n|\n|\r", rendered.removesuffix("\n")) if rendered]
    assert all(name in {"error", "warning", "notice"} for name, _, _ in commands)
    for level in ("error", "warning", "notice"):
        assert sum(name == level for name, _, _ in commands) <= 10, "GitHub drops the eleventh"
    for _, properties, _ in commands:
        assert not properties.get("file", "").startswith(("/", "../"))
        assert int(properties.get("line", "1")) >= 1
    texts = [text for _, properties, data in commands for text in (data, *properties.values())]
    return Read([name for name, _, _ in commands], texts)


def _command(line: str) -> tuple[str, dict[str, str], str]:
    assert "##[" not in line, f"the runner's older form, anywhere in a line: {line!r}"
    trimmed = line.lstrip()
    assert trimmed.startswith("::"), f"no command: {line!r}"
    head, separator, data = trimmed[2:].partition("::")
    assert separator
    name, _, properties = head.partition(" ")
    assert name in _REGISTERED
    pairs = [pair.split("=", 1) for pair in properties.strip().split(",") if pair]
    return name, {key: _unescape(value, ":,") for key, value in pairs}, _unescape(data, "")


def _unescape(text: str, more: str) -> str:
    for char in f"\r\n{more}%":
        text = text.replace(f"%{ord(char):02X}", char)
    return text


def read_markdown(rendered: str) -> Read:
    """Read GitHub Flavored Markdown: tables, strikethrough, autolinks and HTML on. Words and code spans are text."""
    read = Read([])
    for token in _markdown().parse(rendered):
        if token.type != "inline":
            read.shape.append(token.type)
            continue
        merged = "".join(child.content for child in token.children if child.type in {"text", "code_inline"})
        for child in token.children:
            if child.type == "text":
                assert not re.search(
                    r"@(?!\u200b)|#\d|www\.|://|\$(?!\u200b)|:[a-z+][a-z0-9_]*:|\bgh-\d", child.content, re.IGNORECASE
                ), f"GitHub would make a link: {child.content!r}"
            assert child.type != "code_inline" or "`" not in child.content, "a longer fence"
        read.shape += [child.type for child in token.children if child.type not in {"text", "code_inline"}]
        read.texts.append(merged.replace("\u200b", ""))  # of no width: no visible text holds it
    return read


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("gfm-like", {"html": True})


def read_openmetrics(rendered: str) -> Read:
    """Read OpenMetrics with Prometheus' own parser; every sample must stand in the text on its own line."""
    families = list(text_string_to_metric_families(rendered))
    samples = [sample for family in families for sample in family.samples]
    assert len(samples) == sum(not line.startswith("#") for line in rendered.split("\n")[:-1])
    assert {family.type for family in families} == {"gauge"}
    assert all(family.documentation for family in families)
    names = [sample.name for sample in samples]
    assert len({(sample.name, *sorted(sample.labels.items())) for sample in samples}) == len(samples)
    texts = [text for sample in samples for text in sample.labels.values()]
    return Read([(name, sorted(sample.labels)) for name, sample in zip(names, samples, strict=True)], texts)


def read_health(rendered: str) -> Read:
    """Read the one line of a pipeline's log: the word for the verdict, then rules with their verdicts."""
    (line,) = read_text(rendered).texts
    word, _, rules = line.partition(" ")
    assert word in {"HEALTH_OK", "HEALTH_WARN", "HEALTH_FAIL", "HEALTH_ERROR"}
    return Read(word, [rules])


def read_html(rendered: str) -> Read:
    """Read a page as browsers parse it: nothing in it runs, asks for anything or leads away, and its style is named."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    elements = list(parser.parse(rendered).iter())
    tags = [element.tag for element in elements]
    assert tags.count("style") == tags.count("title") == 1
    assert not {"script", "img", "link", "base", "iframe", "object", "embed", "form", "input", f"{SVG}script"} & {*tags}
    for element in elements:
        assert not [name for name in element.attrib if name.startswith("on") or name in {"style", "src", "action"}]
        assert element.get("href", "#").startswith("#")
        assert not any("href" in name for name in element.attrib if name != "href")
    policy = next(element.get("content") for element in elements if element.get("http-equiv"))
    (style,) = (element.text for element in elements if element.tag == "style")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert not re.search(r"url\((?!#)|@import", style)
    read = Read([(element.tag, sorted(element.attrib)) for element in elements])
    read.texts = ["".join([element.text or "", *(child.tail or "" for child in element)]) for element in elements]
    said = "".join([*read.texts, *(value for element in elements for value in element.attrib.values())])
    assert not {unicodedata.category(char) for char in said.replace("\n", "")} & _UNSEEN
    return read


SVG = "{http://www.w3.org/2000/svg}"
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

READERS = {
    "html": read_html,
    "text": read_text,
    "json": read_json,
    "junit": read_junit,
    "sarif": read_sarif,
    "github": read_github,
    "gitlab": read_gitlab,
    "markdown": read_markdown,
    "openmetrics": read_openmetrics,
    "health": read_health,
}


def _shape(node: Any, texts: list[str]) -> Any:
    """Return a JSON value with its strings taken out of it, into `texts`."""
    if isinstance(node, str):
        texts.append(node)
        return "text"
    if isinstance(node, dict):
        return {key: _shape(value, texts) for key, value in node.items()}
    return [_shape(value, texts) for value in node] if isinstance(node, list) else node


def _objects(node: Any) -> list[dict[str, Any]]:
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return ([node] if isinstance(node, dict) else []) + [found for child in inside for found in _objects(child)]
