#!/usr/bin/python3
"""Checks that conf/README.md has every key of the configuration as the schema and the example have it.

Usage: config_reference.py [--fix] [SOURCE_ROOT]. The table stands between two marks; with --fix it is written anew.
Exit status 1 if it is not what it should be.
"""

import json
import sys
from pathlib import Path

_BEGIN, _END = "<!-- keys -->\n", "<!-- /keys -->\n"


def _resolved(node: dict, schema: dict) -> dict:
    while "$ref" in node:
        target = schema
        for name in node["$ref"].split("/")[1:]:
            target = target[name]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def _keys(node: dict, schema: dict, path: str, example):
    """Yields path, description and default of each key below `node`."""
    node = _resolved(node, schema)
    items = _resolved(node.get("items", {}), schema)
    if "properties" in node:
        for name, child in node["properties"].items():
            value = example.get(name) if isinstance(example, dict) else None
            yield from _keys(child, schema, f"{path}.{name}" if path else name, value)
    elif "properties" in items:
        yield path, node["description"], None
        yield from _keys(items, schema, f"{path}[]", None)
    else:
        yield path, node["description"], node.get("default", example)


def _table(root: Path) -> str:
    schema = json.loads((root / "conf/peerpulse.schema.json").read_text(encoding="utf-8"))
    example = json.loads((root / "conf/peerpulse.json").read_text(encoding="utf-8"))
    lines = ["| key | default | |", "|---|---|---|"]
    for path, description, default in _keys(schema, schema, "", example):
        # Of a list's items there is no default: they are each peer's, route's or set's own.
        shown = "" if default is None or "[]" in path else f"`{json.dumps(default)}`"
        lines.append(f"| `{path}` | {shown} | {description.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    arguments = [argument for argument in sys.argv[1:] if argument != "--fix"]
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2]
    file = root / "conf/README.md"
    text = file.read_text(encoding="utf-8")
    begin, end = text.find(_BEGIN), text.find(_END)
    if begin < 0 or end < begin:
        print(f"{file}: the marks {_BEGIN.strip()} and {_END.strip()} are missing")
        return 1
    wanted = text[:begin] + _BEGIN + _table(root) + text[end:]
    if text == wanted:
        return 0
    if "--fix" in sys.argv:
        file.write_text(wanted, encoding="utf-8")
        return 0
    print("conf/README.md: the table of keys is not what the schema says; tools/lint/config_reference.py --fix")
    return 1


if __name__ == "__main__":
    sys.exit(main())
