"""Omni's own Python SDK, unchanged, against the Omni sandbox.

    cargo build && python3 tests/python/check_omni_sandbox.py

Serves target/debug/rolecall on a free port and makes every call of the SDK that is about users, groups,
folders, documents and models; fails where one does not do what the SDK's own documentation says. Calls
of the SDK that are about queries, the text of models, embedding and the export of documents are not
served: they are listed as not covered, and a call that is in neither list fails the check, so that a
newer SDK is noticed.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from others import installed

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/rolecall"
TOKEN = "canary-0mn1"

NOT_COVERED = {
    "run_query_blocking", "wait_query_blocking", "yamlr", "yamlw", "generate_embed_url", "document_export",
    "document_import",
}

THINGS = """
users: [{email: ada@acme.example, name: Ada, role: ORG_ADMIN}]
attributes: [{name: region}, {name: tags, multiple: true}]
groups: {sales: [ada@acme.example]}
connections: [{name: Warehouse}]
models: [{name: finance, connection: Warehouse}]
folders: [{path: finance}]
documents: [{name: Close, folder: finance, owner: ada@acme.example}]
"""

# Run by the interpreter of the SDK: what it is told, and what it says of itself.
CLIENT = r"""
import json, sys
from omni_python_sdk import OmniAPI

url, token = sys.argv[1], sys.argv[2]
api = OmniAPI(token, url)
ATTRIBUTES = "urn:omni:params:1.0:UserAttribute"
called = set()


def call(what, *arguments, **named):
    called.add(what)
    return getattr(api, what)(*arguments, **named)


def same(found, expected, what):
    if found != expected:
        raise SystemExit(f"{what}: {found!r} is not {expected!r}")


# Users.
answer = call("create_user", {"userName": "bob@acme.example", "displayName": "Bob", ATTRIBUTES: {"region": "west"}})
same(answer.status_code, 201, "create_user")
bob = answer.json()["id"]
same(call("find_user_by_email", "BOB@acme.example").json()["totalResults"], 1, "find_user_by_email")
same(call("return_user_by_email", "bob@acme.example")["id"], bob, "return_user_by_email")
same(call("return_user_by_email", "nobody@acme.example"), None, "return_user_by_email of nobody")
answer = call("update_user", bob, {"userName": "bob@acme.example", "displayName": "Robert"})
same((answer.status_code, answer.json()["displayName"]), (200, "Robert"), "update_user")
same(answer.json()[ATTRIBUTES], {}, "update_user replaces")
attributes = call("listify", {"region": "east", "tags": "[a,b]"})
call("upsert_user", "bob@acme.example", "Bob", {"region": "east", "tags": "[a,b]"})
found = call("return_user_by_email", "bob@acme.example")
same((found["id"], found["displayName"], found[ATTRIBUTES]), (bob, "Bob", attributes), "upsert_user changes")
call("upsert_user", "new@acme.example", "New", {"region": "north"})
same(call("return_user_by_email", "new@acme.example")[ATTRIBUTES], {"region": "north"}, "upsert_user creates")

# Groups.
same([g["displayName"] for g in call("list_groups")["Resources"]], ["sales"], "list_groups")
same(len(call("get_all_groups")), 1, "get_all_groups")
sales = call("get_group_id", "sales")
before = [m["value"] for m in call("get_group", sales)["members"]]
same(call("add_user_to_group", "sales", bob).status_code, 200, "add_user_to_group")
same([m["value"] for m in call("get_group", sales)["members"]], before + [bob], "add_user_to_group")
same(call("remove_user_from_group", "sales", bob).status_code, 200, "remove_user_from_group")
group = call("get_group", sales)
same([m["value"] for m in group["members"]], before, "remove_user_from_group")
same(call("update_group", sales, {**group, "displayName": "selling"}).json()["displayName"], "selling", "update_group")

# Content and models.
folders = call("list_folders")["records"]
same([f["path"] for f in folders], ["finance"], "list_folders")
same(len(call("list_folders", "finance")["records"]), 1, "list_folders of a path")
same([d["name"] for d in call("list_documents", folders[0]["id"])["records"]], ["Close"], "list_documents")
models = call("list_models", name="finance", modelKind="SHARED")["records"]
same(len(models), 1, "list_models")
made = call("create_model", models[0]["connectionId"], "other", baseModelId=models[0]["id"])
same(made["baseModelId"], models[0]["id"], "create_model")

# The end.
same(call("delete_user", "new@acme.example").status_code, 204, "delete_user")
same(call("delete_user_by_id", bob).status_code, 204, "delete_user_by_id")
same(call("return_user_by_email", "bob@acme.example"), None, "a user who is gone")

public = {n for n in dir(OmniAPI) if not n.startswith("_") and callable(getattr(OmniAPI, n))}
print(json.dumps({"called": sorted(called), "public": sorted(public)}))
"""


def run(program, folder):
    """Serves and calls: the problems that were found."""
    state, things = Path(folder) / "state.db", Path(folder) / "things.yaml"
    things.write_text(THINGS)
    command = [BINARY, "sandbox", "omni", "--port", "0", "--state", state, "--things", things, "--limit", "0", "--json"]
    environment = {"PATH": os.environ["PATH"], "ROLECALL_SANDBOX_TOKEN": TOKEN}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = server.stdout.readline()
        if not line:
            return [f"the sandbox does not start: {server.stderr.read()}"]
        url = json.loads(line)["api"]
        # The SDK reads a file `.env` where it stands; here is none.
        client = [program, "-c", CLIENT, url, TOKEN]
        done = subprocess.run(client, cwd=folder, capture_output=True, text=True, timeout=120)
    finally:
        server.send_signal(signal.SIGTERM)
        rest, errors = server.communicate(timeout=60)
    problems = []
    # The SDK swallows errors and prints this instead.
    if done.returncode != 0 or "Request Failed" in done.stdout:
        problems.append(f"the SDK ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    else:
        told = json.loads(done.stdout.splitlines()[-1])
        called, public = set(told["called"]), set(told["public"])
        for name in sorted(public - called - NOT_COVERED):
            problems.append(f"the SDK has a call that is in no list: {name}")
        for name in sorted((called | NOT_COVERED) - public):
            problems.append(f"the SDK has no call {name}")
        print(f"{len(called)} calls work: {', '.join(sorted(called))}")
        print(f"{len(NOT_COVERED)} are not covered: {', '.join(sorted(NOT_COVERED))}")
    if server.returncode != 0 or errors:
        problems.append(f"the sandbox ended with {server.returncode}: {errors}")
    if TOKEN in line + rest + errors or TOKEN.encode() in state.read_bytes():
        problems.append("the token was written somewhere")
    return problems


def main():
    program = installed("omni-python-sdk") / "python"
    with tempfile.TemporaryDirectory() as folder:
        problems = run(program, folder)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
