"""What stands for GitHub in the tests, from npm, below target/node-github: emulate (a GitHub on this machine), the
example events of @octokit/webhooks-examples, and GitHub's own description of its API (@octokit/openapi, MIT licence),
of which the operations are kept that rolecall uses.

    python3 tests/python/others_github.py    # installs what is not there; prints a JSON object of paths
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from others_node import node

PLACE = Path(__file__).resolve().parents[2] / "target/node-github"

# Pinned, so that what passed yesterday passes today. Of emulate `latest` is something else altogether.
PACKAGES = ["emulate@0.12.2", "@octokit/webhooks-examples@7.6.1"]
OPENAPI = "@octokit/openapi@23.0.2"
DESCRIPTION = "package/generated/api.github.com.json"

REPO = "/repos/{owner}/{repo}"
# The operations that src/github asks for. A test fails when it asks for another.
OPERATIONS = {
    "/user": ["get"],
    "/orgs/{org}/teams/{team_slug}": ["get"],
    "/orgs/{org}/teams/{team_slug}/memberships/{username}": ["get"],
    f"{REPO}/check-runs": ["post"],
    f"{REPO}/check-runs/{{check_run_id}}": ["patch"],
    f"{REPO}/collaborators/{{username}}/permission": ["get"],
    f"{REPO}/commits/{{commit_sha}}/pulls": ["get"],
    f"{REPO}/commits/{{ref}}/check-runs": ["get"],
    f"{REPO}/git/blobs": ["post"],
    f"{REPO}/git/commits": ["post"],
    f"{REPO}/git/commits/{{commit_sha}}": ["get"],
    f"{REPO}/git/ref/{{ref}}": ["get"],
    f"{REPO}/git/refs": ["post"],
    f"{REPO}/git/refs/{{ref}}": ["patch"],
    f"{REPO}/git/trees": ["post"],
    f"{REPO}/issues": ["get", "post"],
    f"{REPO}/issues/comments/{{comment_id}}": ["patch", "delete"],
    f"{REPO}/issues/{{issue_number}}": ["patch"],
    f"{REPO}/issues/{{issue_number}}/comments": ["get", "post"],
    f"{REPO}/issues/{{issue_number}}/labels": ["get", "post"],
    f"{REPO}/issues/{{issue_number}}/labels/{{name}}": ["delete"],
    f"{REPO}/labels": ["post"],
    f"{REPO}/labels/{{name}}": ["get"],
    f"{REPO}/pulls": ["get", "post"],
    f"{REPO}/pulls/{{pull_number}}": ["get", "patch"],
    f"{REPO}/pulls/{{pull_number}}/files": ["get"],
    f"{REPO}/pulls/{{pull_number}}/reviews": ["get"],
}


def plain(schema):
    """As JSON Schema: in OpenAPI 3.0 `nullable` stands for a further type."""
    if isinstance(schema, list):
        return [plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    words = {key for key in ("description", "example", "examples") if not isinstance(schema.get(key), dict)}
    out = {key: plain(value) for key, value in schema.items() if key not in words | {"examples"}}
    if schema.get("nullable") is True:
        out.pop("nullable")
        if isinstance(out.get("type"), str) and not ({"enum", "oneOf", "anyOf", "allOf"} & out.keys()):
            out["type"] = [out["type"], "null"]
        else:
            out = {"anyOf": [out, {"type": "null"}]}
    return out


def trimmed(whole):
    """The operations that are used, with the components that they refer to."""
    paths = {}
    for path, methods in OPERATIONS.items():
        item = whole["paths"][path]
        kept = {method: item[method] for method in methods}
        paths[path] = {"parameters": item.get("parameters", []), **kept}
    out = plain({"paths": paths})
    out["components"], wait = {}, [out["paths"]]
    while wait:
        text = json.dumps(wait.pop())
        for kind, name in set(re.findall(r'"#/components/([^/"]+)/([^"/]+)"', text)):
            held = out["components"].setdefault(kind, {})
            if name not in held:
                held[name] = plain(whole["components"][kind][name])
                wait.append(held[name])
    return out


def paths():
    """Where everything lies. One process installs it while others wait."""
    PLACE.mkdir(parents=True, exist_ok=True)
    wheel, mark, openapi = node(), PLACE / "installed", PLACE / "openapi.json"
    wanted = "\n".join([*PACKAGES, OPENAPI, Path(__file__).read_text()])
    with open(PLACE.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (mark.exists() and mark.read_text() == wanted):
            shutil.rmtree(PLACE / "node_modules", ignore_errors=True)
            npm = [wheel / "bin/node", wheel / "lib/node_modules/npm/bin/npm-cli.js"]
            env = {**os.environ, "PATH": f"{wheel / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
            run = dict(check=True, cwd=PLACE, env=env, stdout=subprocess.PIPE)
            # Scripts of packages are not run: nothing that is needed here has any.
            quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
            subprocess.run([*npm, "install", *quiet, "--prefix", PLACE, *PACKAGES], **run)
            # Unpacked it has 400 MB, of which one file is wanted.
            packed = subprocess.run([*npm, "pack", "--loglevel=error", OPENAPI], **run).stdout.decode().split()[-1]
            with tarfile.open(PLACE / packed) as archive:
                openapi.write_text(json.dumps(trimmed(json.load(archive.extractfile(DESCRIPTION)))))
            (PLACE / packed).unlink()
            mark.write_text(wanted)
    modules = PLACE / "node_modules"
    return {
        "node": str(wheel / "bin/node"),
        "emulate": str(modules / "emulate/dist/index.js"),
        "events": str(modules / "@octokit/webhooks-examples/api.github.com/index.json"),
        "openapi": str(openapi),
    }


if __name__ == "__main__":
    print(json.dumps(paths()))
