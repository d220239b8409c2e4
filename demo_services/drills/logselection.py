"""The part of LogQL that our alerts' links use, answered from the console's log lines.

A stream selector, then filters on metadata (`| severity_text=~"ERROR|CRITICAL"`, `| duration_ms > 500`) and
on the line (`|= "text"`, `|~ "regex"`); anything else raises ValueError, so that a link is never answered
by guesswork.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboards import logql

Line = Mapping[str, Any]
TEXT = r'"(?:[^"\\]|\\.)*"|`[^`]*`'
MATCHER = re.compile(rf"\s*(?P<label>[a-zA-Z_]\w*)\s*(?P<operator>=~|!~|!=|=)\s*(?P<value>{TEXT})\s*")
COMPARISON = re.compile(
    r"\s*(?P<label>[a-zA-Z_]\w*)\s*(?P<operator>>=|<=|==|>|<)\s*(?P<value>\d+(?:\.\d+)?)\s*"
)
LINE_FILTER = re.compile(rf"\s*(?P<operator>\|=|\|~|!=|!~)\s*(?P<value>{TEXT})\s*")
COLUMNS = {logql.SERVICE_NAME: "service", logql.SEVERITY: "level"}
"""What the console keeps beside a line's attributes, by Loki's name."""
TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "=~": lambda value, wanted: re.fullmatch(wanted, value) is not None,
    "!~": lambda value, wanted: re.fullmatch(wanted, value) is None,
    ">": lambda value, wanted: _number(value) > float(wanted),
    ">=": lambda value, wanted: _number(value) >= float(wanted),
    "==": lambda value, wanted: _number(value) == float(wanted),
    "<=": lambda value, wanted: _number(value) <= float(wanted),
    "<": lambda value, wanted: _number(value) < float(wanted),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One matcher; `label` is empty for a filter on the line itself."""

    label: str
    operator: str
    value: str

    def holds(self, line: Line, environment: str) -> bool:
        """Whether a line of the console passes."""
        if not self.label:
            found = re.search(self.value, line["message"]) is not None
            return found == self.operator.startswith("|")
        return TESTS[self.operator](_value(line, self.label, environment), self.value)


def conditions(expression: str) -> list[Condition]:
    """What a log query asks for; ValueError when it uses more of LogQL than this module knows."""
    opening, closing = expression.find("{"), expression.find("}")
    if expression[:opening].strip() or closing < 0:
        raise ValueError(f"not a log query: {expression}")
    found = [_condition(part) for part in _parts(expression[opening + 1 : closing], ",")]
    rest = expression[closing + 1 :].strip()
    while rest:
        if match := LINE_FILTER.match(rest):
            text = _unquoted(match["value"])
            literal = match["operator"] in {"|=", "!="}
            found.append(Condition("", match["operator"], re.escape(text) if literal else text))
        elif rest.startswith("|") and (match := MATCHER.match(rest, 1) or COMPARISON.match(rest, 1)):
            found.append(_matched(match))
        else:
            raise ValueError(f"not understood in a log query: {rest}")
        rest = rest[match.end() :]
    return found


def _parts(text: str, separator: str) -> list[str]:
    """Split where no quotation is open."""
    quoted = rf'(?:[^"`{separator}]|{TEXT})+'
    return [part for part in re.findall(quoted, text) if part.strip()]


def _condition(text: str) -> Condition:
    match = MATCHER.fullmatch(text)
    if match is None:
        raise ValueError(f"not a matcher: {text}")
    return _matched(match)


def _matched(match: re.Match[str]) -> Condition:
    return Condition(match["label"], match["operator"], _unquoted(match["value"]))


def _number(value: str) -> float:
    """A line without the number passes no comparison."""
    try:
        return float(value)
    except ValueError:
        return float("nan")


def _unquoted(literal: str) -> str:
    if literal[0].isdigit():
        return literal
    return literal[1:-1] if literal[0] == "`" else re.sub(r"\\(.)", r"\1", literal[1:-1])


def _value(line: Line, label: str, environment: str) -> str:
    if label == logql.ENVIRONMENT_NAME:
        return environment
    if label in COLUMNS:
        return str(line[COLUMNS[label]])
    if label in line:
        return str(line[label] or "")
    attributes = {key.replace(".", "_"): value for key, value in line["attributes"].items()}
    return str(attributes.get(label, ""))
