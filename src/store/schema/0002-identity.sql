-- What a target itself calls the things that rolecall knows by name.
CREATE TABLE identities (
  target TEXT PRIMARY KEY,
  body   TEXT NOT NULL CHECK (json_valid(body))
) STRICT, WITHOUT ROWID;
