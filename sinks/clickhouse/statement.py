"""What a query of others may say: one statement that reads, and nothing that touches files.

The engine is set to read only as well. What it would still allow (`INTO OUTFILE`, the scalar function `file`, KILL) and
what would confuse the answer (two statements at once) is refused here.
"""

from __future__ import annotations

import re

from pipeline.errors import ConfigError

READING = frozenset({"SELECT", "WITH", "FROM", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS"})

TOKEN = re.compile(
    r"""
      (?P<gap>\s+ | --[^\n]* | \#[! ][^\n]* | /\*.*?\*/)
    | (?P<quoted>'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`\\]|\\.|``)*` | (?P<tag>\$\w*\$).*?(?P=tag))
    | (?P<word>[A-Za-z_]\w*)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


def tokens(statement: str) -> list[str]:
    """Words in upper case and signs, in order; quoted things as an empty quote, comments and blanks left out."""
    found = []
    for match in TOKEN.finditer(statement):
        if match["word"]:
            found.append(match["word"].upper())
        elif match["quoted"]:
            found.append("''")
        elif match["other"]:
            found.append(match["other"])
    return found


def reading(statement: str) -> str:
    """The statement without its end; raises ConfigError when it does more than read."""
    said = tokens(statement)
    body = said[: len(said) - len(_end(said))]
    first = next((word for word in body if word != "("), "")
    if first not in READING:
        raise _refused(f"it begins with {first or 'nothing'}", f"begin with one of {', '.join(sorted(READING))}")
    if ";" in body:
        raise _refused("it is more than one statement", "ask one thing at a time")
    for word, following in zip(body, [*body[1:], ""], strict=True):
        if (word, following) == ("INTO", "OUTFILE"):
            raise _refused("it writes a file", "let the shell write standard output to a file")
        if (word, following) == ("FILE", "("):
            raise _refused("it reads a file", "ask for tables only")
    return re.sub(r"[\s;]+\Z", "", statement).strip() if len(body) < len(said) else statement.strip()


def has_format(statement: str) -> bool:
    """Whether the statement names the format of its answer."""
    said = tokens(statement)
    body = said[: len(said) - len(_end(said))]
    return any(word == "FORMAT" for word in body[-2:-1])


def _end(said: list[str]) -> list[str]:
    end = len(said)
    while end and said[end - 1] == ";":
        end -= 1
    return said[end:]


def _refused(what: str, do: str) -> ConfigError:
    return ConfigError("SQL_NOT_READING", where="the statement", what=what, do=do)
