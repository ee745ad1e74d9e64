"""Paradime's own Python SDK, unchanged, against the Paradime sandbox.

    PYTHON tests/python/check_paradime_sandbox.py ENDPOINT SECRET [KEY [WORKSPACE]]

Run by tests/it/sandbox_paradime.rs, with the interpreter of the SDK's own venv, against a sandbox that it
serves. Makes every call of the SDK that is about users, workspaces and the audit log, and fails where one
does not do what it should; calls of that kind that are in neither list fail it too, so that a newer SDK is
noticed. `-` stands for no key.
"""

import json
import os
import sys
import urllib.request

os.environ["PARADIME_DISABLE_VERSION_CHECK"] = "1"
os.environ["PARADIME_DISABLE_TELEMETRY"] = "true"

from paradime import Paradime  # noqa: E402
from paradime.apis.users.types import UserAccountType  # noqa: E402
from paradime.client.api_exception import ParadimeAPIException  # noqa: E402

ENDPOINT, SECRET, KEY, WORKSPACE = (sys.argv[1:] + ["-", "-"])[:4]
api = Paradime(
    api_endpoint=ENDPOINT,
    api_secret=SECRET,
    api_key=None if KEY == "-" else KEY,
    workspace_uid=None if WORKSPACE == "-" else WORKSPACE,
)
called = set()


def call(part, what, *arguments):
    called.add(f"{part}.{what}")
    return getattr(getattr(api, part), what)(*arguments)


def same(found, expected, what):
    if found != expected:
        raise SystemExit(f"{what}: {found!r} is not {expected!r}")


def refused(text, part, what, *arguments):
    try:
        call(part, what, *arguments)
    except (ParadimeAPIException, ValueError) as error:
        if text not in str(error):
            raise SystemExit(f"{what}: {error} does not say {text!r}") from error
        return
    raise SystemExit(f"{what}{arguments} was not refused")


def screen(things):
    """What somebody does on Paradime's screens."""
    origin = ENDPOINT.split("/api/")[0]
    body = json.dumps(things).encode()
    head = {"Authorization": f"Bearer {SECRET}"}
    urllib.request.urlopen(urllib.request.Request(f"{origin}/sandbox/things", body, head), timeout=20)


active = {user.email: user for user in call("users", "list_active")}
same(sorted(active), ["ada@acme.example", "bo@acme.example"], "active users")
same(active["ada@acme.example"].account_type, "ADMIN", "a role")
same(len(active["ada@acme.example"].uid), 64, "an identifier")
same(call("users", "list_invited"), [], "nobody is invited")

call("users", "invite", "Eve.Jones@acme.example", UserAccountType.DEVELOPER)
invited = call("users", "list_invited")
same([(i.email, i.account_type, i.invite_status) for i in invited],
     [("Eve.Jones@acme.example", "DEVELOPER", "SENT")], "an invitation")
refused("already invited", "users", "invite", "eve.jones@acme.example", UserAccountType.ADMIN)
refused("No active user", "users", "get_by_email", "Eve.Jones@acme.example")
screen({"accept": ["eve.jones@acme.example"]})
eve = call("users", "get_by_email", "Eve.Jones@acme.example")
same((eve.name, eve.account_type), ("Eve Jones", "DEVELOPER"), "who has accepted")
same(call("users", "list_invited"), [], "the invitation is gone")

for role in UserAccountType:
    call("users", "update_account_type", eve.uid, role)
    same(call("users", "get_by_email", "Eve.Jones@acme.example").account_type, role.value, "a role that is set")
refused("not found", "users", "update_account_type", "0" * 64, UserAccountType.ADMIN)
call("users", "disable", eve.uid)
same(sorted(user.email for user in call("users", "list_active")), sorted(active), "who is disabled is in no list")
refused("not found", "users", "disable", eve.uid)
refused("is disabled", "users", "invite", "eve.jones@acme.example", UserAccountType.BUSINESS)

workspaces = {w.name: w.uid for w in call("workspaces", "list_all")}
same(sorted(workspaces), ["analytics", "finance"], "workspaces")
if WORKSPACE != "-":
    same(workspaces["analytics"], WORKSPACE, "the workspace that is used")

log = call("audit_log", "get_all")
kinds = [entry.event_type for entry in log if entry.metadata_json and "ve.Jones@acme.example" in entry.metadata_json]
same(kinds, ["assumed_user_invited", "assumed_invitation_accepted"] + ["assumed_account_type_updated"] * 9
     + ["assumed_user_disabled"], "the audit log")
same({entry.workspace_name for entry in log}, {"analytics"}, "where")

own = {f"{part}.{what}" for part in ("users", "workspaces", "audit_log")
       for what in dir(getattr(api, part)) if not what.startswith("_") and what != "client"}
same(called, own, "calls of the SDK")
print(f"{len(called)} calls of the SDK do what they should")
