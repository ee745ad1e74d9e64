#!/usr/bin/env python3
"""Check the published schema with tools that are not ours.

    check_schema.py              every example must pass `check-jsonschema`
    check_schema.py --invalid    every fixture of tests/invalid/schema-rejects.txt must be refused

Needs check-jsonschema from PyPI, which brings jsonschema and ruamel.yaml.
"""

import json
import subprocess
import sys
from pathlib import Path

from jsonschema import validators
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "schemas" / "rolecall.schema.json"
INVALID = ROOT / "tests" / "invalid"


def examples():
    """Every file of a declaration: the examples, and the catalogues that the program carries."""

    def declared(path):
        return any((ROOT / folder / "rolecall.yaml").exists() for folder in path.relative_to(ROOT).parents)

    # What a sandbox begins with lies beside a declaration and is none.
    found = [path for path in ROOT.glob("examples/**/*.yaml") if declared(path)]
    found += ROOT.glob("src/targets/catalogues/*.yaml")
    return sorted(path for path in found if "data" not in path.relative_to(ROOT).parts[:-1])


def accept():
    files = examples()
    if not files:
        sys.exit("no examples found")
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(SCHEMA), *map(str, files)]
    code = subprocess.run(command, check=False).returncode
    print(f"{len(files)} files", "pass" if code == 0 else "checked: see above")
    return code


def refuse():
    # Dates are text in rolecall, and in JSON; without this the parser makes objects of them.
    yaml = YAML(typ="safe", pure=True)
    yaml.constructor.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: node.value)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = validators.validator_for(schema)(schema)

    lines = (INVALID / "schema-rejects.txt").read_text(encoding="utf-8").splitlines()
    names = [line for line in lines if line and not line.startswith("#")]
    failures = []
    for name in names:
        files = sorted((INVALID / name).rglob("*.yaml"))
        if not files:
            failures.append(f"{name}: no such fixture")
        elif all(validator.is_valid(yaml.load(file)) for file in files):
            failures.append(f"{name}: accepted, should be refused")
    print("\n".join(failures + [f"{len(names) - len(failures)} of {len(names)} fixtures refused"]))
    return 1 if failures else 0


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--invalid"]):
        sys.exit(__doc__)
    sys.exit(refuse() if sys.argv[1:] else accept())
