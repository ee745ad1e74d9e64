-- The store, layout 1. Times are RFC 3339 in UTC.

-- Everything that applies did, in the order in which it happened. Only ever added to.
-- `hash` is the SHA-256, in hexadecimal, of the previous row's hash, a line feed and the JSON array
-- [seq, apply, event, at, body] in which `body` is a string.
CREATE TABLE ledger (
  seq      INTEGER PRIMARY KEY,
  apply    INTEGER NOT NULL,
  event    TEXT NOT NULL CHECK (event IN ('begin', 'intend', 'outcome', 'finish')),
  body     TEXT NOT NULL CHECK (json_valid(body)),
  at       TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash     TEXT NOT NULL
) STRICT;

CREATE INDEX ledger_apply ON ledger (apply, event);
CREATE INDEX ledger_begin ON ledger (apply) WHERE event = 'begin';

CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger
BEGIN
  SELECT raise(ABORT, 'the ledger is only added to');
END;

CREATE TRIGGER ledger_is_not_shortened BEFORE DELETE ON ledger
BEGIN
  SELECT raise(ABORT, 'the ledger is only added to');
END;

-- What was removable in a target when it was last applied to.
CREATE TABLE ownership (
  target TEXT PRIMARY KEY,
  body   TEXT NOT NULL CHECK (json_valid(body))
) STRICT, WITHOUT ROWID;

-- How many things of each kind the last reading of a target found.
CREATE TABLE reads (
  target TEXT PRIMARY KEY,
  counts TEXT NOT NULL CHECK (json_valid(counts)),
  at     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The number of the last lock taken on a target.
CREATE TABLE fences (
  target TEXT PRIMARY KEY,
  number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
