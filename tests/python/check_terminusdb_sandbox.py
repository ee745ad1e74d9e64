"""TerminusDB's own clients, unchanged, against the TerminusDB sandbox: the one for Python, and `AccessControl`
of the one for JavaScript.

    cargo build && python3 tests/python/check_terminusdb_sandbox.py

Serves target/debug/rolecall on a free port and makes every call of the Python client that is about
organizations, users, roles, capabilities and databases; calls about what lies in databases are not served, and
listed. A call that is in neither list fails the check, so that a newer client is noticed.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from others import installed
from others_node import node, packages

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/rolecall"
PASSWORD = "canary-t3rm"

# Run by the interpreter of the client: what it is told, and what it says of itself.
CLIENT = r"""
import inspect, json, sys
from terminusdb_client import Client
from terminusdb_client.errors import DatabaseError

url, password = sys.argv[1], sys.argv[2]
called = set()


class Watched(Client):
    def __getattribute__(self, name):
        if not name.startswith("_"):
            called.add(name)
        return super().__getattribute__(name)


def refused(call, *args):
    try:
        call(*args)
    except DatabaseError as error:
        return error.error_obj
    raise AssertionError("it was not refused")


client = Watched(url)
client.connect(user="admin", key=password, team="acme")
assert client.ok()
assert client.info()["api:info"]["authority"].endswith("User/admin")
client.create_organization("acme")
assert {o["name"] for o in client.get_organizations()} == {"admin", "acme"}
assert client.get_organization("acme")["name"] == "acme"
client.add_role({"name": "reader", "action": ["instance_read_access"]})
client.change_role({"name": "reader", "action": ["instance_read_access", "schema_read_access"]})
roles = {r["name"]: r for r in client.get_available_roles()}
assert set(roles["reader"]["action"]) == {"instance_read_access", "schema_read_access"}
client.add_user("bea", "pw")
client.change_user_password("bea", "pw2")
assert {u["name"] for u in client.get_users()} == {"admin", "anonymous", "bea"}
client.create_database("sales", team="acme", label="Sales", description="What is sold", include_schema=False)
assert client.has_database("sales", "acme") and not client.has_database("nope", "acme")
# The super user has no capability for it: the server lists what accounts hold, and nothing of his.
assert client.get_databases() == [] and client.list_databases() == []
change = {"operation": "grant", "scope": "Organization/acme", "user": "User/bea", "roles": ["Role/reader"]}
client.change_capabilities(change)
(user,) = client.get_organization_users("acme")
assert user["capability"][0]["role"][0]["name"] == "reader", user
assert client.get_organization_user("acme", "bea")["name"] == "bea"
assert [d["name"] for d in client.get_organization_user_databases("acme", "bea")] == ["sales"]
assert client.get_user("bea")["name"] == "bea"
bea = Client(url)
bea.connect(user="bea", key="pw2", team="acme")
assert bea.list_databases() == ["sales"]
assert refused(bea.get_users)["api:status"] == "api:forbidden"
client.change_capabilities({**change, "operation": "revoke"})
assert refused(client.change_capabilities, {**change, "operation": "revoke"})["api:status"] == "api:not_found"
client.delete_user("bea")
client.delete_database("sales", team="acme")
client.delete_organization("acme")
assert {o["name"] for o in client.get_organizations()} == {"admin"}
assert refused(client.delete_user, "admin")["api:error"]["@type"] == "api:CanNotDeleteSuperUser"
known = {name for name, _ in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")}
print(json.dumps({"called": sorted(called & known), "all": sorted(known)}))
"""

# What lies in databases, and how they are copied: not served.
NOT_SERVED = {
    "add_prefix", "apply", "clonedb", "close", "commit", "copy", "create_branch", "delete_branch",
    "delete_document", "delete_prefix", "diff", "diff_object", "diff_version", "fetch", "from_json", "get_all_branches",
    "get_all_documents", "get_class_frame", "get_commit_history", "get_database", "get_document",
    "get_document_history", "get_documents_by_type", "get_existing_classes", "get_prefix", "get_triples", "has_doc",
    "import_objects", "insert_document", "insert_triples", "log", "optimize", "patch", "patch_resource", "pull",
    "push", "query", "query_document", "rebase", "replace_document", "reset", "resource", "result_to_df", "rollback",
    "set_db", "squash", "to_json", "update_document", "update_prefix", "update_triples", "upsert_prefix",
}


def serve(*more):
    """A sandbox, and where it listens."""
    command = [BINARY, "sandbox", "terminusdb", "--port", "0", "--token", PASSWORD, "--json", *more]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return server, json.loads(server.stdout.readline())["listening"]


def ended(server):
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=30) == 0


def said(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{command[0]}:\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def check_python():
    server, url = serve()
    try:
        told = said([installed("terminusdb") / "python", "-c", CLIENT, url, PASSWORD])
    finally:
        ended(server)
    missing = set(told["all"]) - set(told["called"]) - NOT_SERVED
    assert not missing, f"neither called nor listed as not served: {sorted(missing)}"
    return len(told["called"])


def check_node():
    script = ROOT / "tests/node/check_terminusdb_sandbox.js"
    environment = {**os.environ, "NODE_PATH": str(packages("terminusdb"))}
    called = set()
    for mode, more in (("open", ()), ("hosted", ("--hosted",))):
        server, url = serve(*more)
        try:
            told = said([node() / "bin/node", script, mode, url, PASSWORD], env=environment)
        finally:
            ended(server)
        called |= set(told["called"])
    missing = set(told["all"]) - called - set(told["not"])
    assert not missing, f"neither called nor listed as not served: {sorted(missing)}"
    return len(called)


if __name__ == "__main__":
    print(f"Python: {check_python()} calls; JavaScript: {check_node()} calls of AccessControl")
