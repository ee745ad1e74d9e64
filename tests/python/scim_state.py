#!/usr/bin/env python3
"""Fills a SCIM server and shows what it holds, without any code of rolecall.

    scim_state.py fill URL TOKEN < state.json      {"users": [SCIM users], "groups": {name: [userName]}}
    scim_state.py show URL TOKEN                   {"users": {userName: user}, "groups": {name: [member]}}
    scim_state.py send URL TOKEN METHOD PATH < body.json
"""
import json
import sys
import urllib.request

TYPE = "application/scim+json"


def call(base, token, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": "Bearer " + token, "Content-Type": TYPE, "Accept": TYPE}
    request = urllib.request.Request(base + path, data, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def everything(base, token, path):
    """By index, and by cursor where the server turns pages so."""
    found, query = {}, "?startIndex=1&count=50"
    config = call(base, token, "GET", "/ServiceProviderConfig")
    if (config.get("pagination") or {}).get("cursor"):
        query = "?cursor=&count=50"
    while True:
        page = call(base, token, "GET", path + query)
        new = [r for r in page.get("Resources", []) if r["id"] not in found]
        found.update((r["id"], r) for r in new)
        if page.get("nextCursor"):
            query = "?cursor=%s&count=50" % page["nextCursor"]
        elif new and "cursor" not in query:
            query = "?startIndex=%d&count=50" % (len(found) + 1)
        else:
            return found


def fill(base, token, state):
    ids = {}
    for user in state["users"]:
        user["schemas"] = ["urn:ietf:params:scim:schemas:core:2.0:User"]
        ids[user["userName"]] = call(base, token, "POST", "/Users", user)["id"]
    for name, members in state["groups"].items():
        group = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": name,
            "members": [{"value": ids[m], "type": "User"} for m in members],
        }
        call(base, token, "POST", "/Groups", group)


def show(base, token):
    users = everything(base, token, "/Users")
    groups = everything(base, token, "/Groups")
    names = {i: u["userName"] for i, u in users.items()}
    names.update((i, "group " + g["displayName"]) for i, g in groups.items())
    return {
        "users": {u["userName"]: u for u in users.values()},
        "groups": {
            g["displayName"]: sorted(names.get(m["value"], "nobody") for m in g.get("members") or [])
            for g in groups.values()
        },
    }


def main():
    what, base, token, *rest = sys.argv[1:]
    if what == "fill":
        fill(base, token, json.load(sys.stdin))
    elif what == "show":
        json.dump(show(base, token), sys.stdout)
    elif what == "send":
        text = sys.stdin.read()
        json.dump(call(base, token, rest[0], rest[1], json.loads(text) if text else None), sys.stdout)


main()
