-- The directory, layout 1. README.md beside this folder explains every table and view.
-- Times are RFC 3339 in UTC to the second, so that they compare as text.

CREATE TABLE permissions (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE CHECK (name <> '')
) STRICT;

CREATE TABLE roles (
  id          INTEGER PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE CHECK (name <> ''),
  description TEXT,
  administers INTEGER NOT NULL DEFAULT 0 CHECK (administers IN (0, 1))
) STRICT;

CREATE TABLE role_permissions (
  role_id       INTEGER NOT NULL REFERENCES roles ON DELETE CASCADE,
  permission_id INTEGER NOT NULL REFERENCES permissions,
  PRIMARY KEY (role_id, permission_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX role_permissions_permission ON role_permissions (permission_id);

CREATE TABLE users (
  id            INTEGER PRIMARY KEY,
  email         TEXT NOT NULL UNIQUE CHECK (email <> '' AND email = lower(email)),
  name          TEXT,
  kind          TEXT NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'contractor', 'service', 'break-glass')),
  role_id       INTEGER REFERENCES roles,
  state         TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'invited', 'disabled')),
  invited_until TEXT CHECK (invited_until GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z'),
  until         TEXT CHECK (until GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z'),
  timezone      TEXT,
  owner         TEXT,
  last_seen     TEXT CHECK (last_seen GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z'),
  CHECK (state = 'invited' OR invited_until IS NULL)
) STRICT;
CREATE INDEX users_role ON users (role_id) WHERE role_id IS NOT NULL;

CREATE TABLE user_attributes (
  user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  name    TEXT NOT NULL,
  value   TEXT NOT NULL,
  PRIMARY KEY (user_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_handles (
  user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  system  TEXT NOT NULL,
  handle  TEXT NOT NULL,
  PRIMARY KEY (user_id, system)
) STRICT, WITHOUT ROWID;

CREATE TABLE teams (
  id               INTEGER PRIMARY KEY,
  name             TEXT NOT NULL UNIQUE CHECK (name <> ''),
  description      TEXT,
  role_id          INTEGER REFERENCES roles,
  outer_id         INTEGER REFERENCES teams CHECK (outer_id <> id),
  quota_cpu        INTEGER CHECK (quota_cpu >= 0),
  quota_memory     INTEGER CHECK (quota_memory >= 0),
  quota_storage    INTEGER CHECK (quota_storage >= 0),
  quota_apps       INTEGER CHECK (quota_apps >= 0),
  quota_workflows  INTEGER CHECK (quota_workflows >= 0),
  quota_workspaces INTEGER CHECK (quota_workspaces >= 0)
) STRICT;
CREATE INDEX teams_role ON teams (role_id) WHERE role_id IS NOT NULL;
CREATE INDEX teams_outer ON teams (outer_id) WHERE outer_id IS NOT NULL;

CREATE TABLE team_leads (
  team_id INTEGER NOT NULL REFERENCES teams ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES users,
  PRIMARY KEY (team_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX team_leads_user ON team_leads (user_id);

CREATE TABLE memberships (
  team_id INTEGER NOT NULL REFERENCES teams,
  user_id INTEGER NOT NULL REFERENCES users,
  role_id INTEGER REFERENCES roles,
  until   TEXT CHECK (until GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z'),
  because TEXT,
  PRIMARY KEY (team_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_user ON memberships (user_id);
CREATE INDEX memberships_role ON memberships (role_id) WHERE role_id IS NOT NULL;

CREATE TABLE resources (
  id          INTEGER PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE CHECK (name GLOB '?*/?*'),
  description TEXT,
  parent_id   INTEGER REFERENCES resources CHECK (parent_id <> id),
  visibility  TEXT CHECK (visibility IN ('private', 'restricted', 'everyone')),
  owner_id    INTEGER REFERENCES users
) STRICT;
CREATE INDEX resources_parent ON resources (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX resources_owner ON resources (owner_id) WHERE owner_id IS NOT NULL;

-- Exactly one of user_id, team_id and everyone says who holds it.
CREATE TABLE grants (
  id          INTEGER PRIMARY KEY,
  resource_id INTEGER NOT NULL REFERENCES resources,
  user_id     INTEGER REFERENCES users,
  team_id     INTEGER REFERENCES teams,
  everyone    INTEGER NOT NULL DEFAULT 0 CHECK (everyone IN (0, 1)),
  role_id     INTEGER NOT NULL REFERENCES roles,
  until       TEXT CHECK (until GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z'),
  because     TEXT,
  CHECK ((user_id IS NOT NULL) + (team_id IS NOT NULL) + everyone = 1)
) STRICT;
CREATE UNIQUE INDEX grants_user ON grants (user_id, resource_id, role_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX grants_team ON grants (team_id, resource_id, role_id) WHERE team_id IS NOT NULL;
CREATE UNIQUE INDEX grants_everyone ON grants (resource_id, role_id) WHERE everyone = 1;
CREATE INDEX grants_resource ON grants (resource_id);
CREATE INDEX grants_role ON grants (role_id);

CREATE TABLE domains (
  id      INTEGER PRIMARY KEY,
  name    TEXT NOT NULL UNIQUE CHECK (name <> '' AND name = lower(name)),
  role_id INTEGER REFERENCES roles
) STRICT;
CREATE INDEX domains_role ON domains (role_id) WHERE role_id IS NOT NULL;

CREATE TABLE domain_teams (
  domain_id INTEGER NOT NULL REFERENCES domains ON DELETE CASCADE,
  team_id   INTEGER NOT NULL REFERENCES teams,
  PRIMARY KEY (domain_id, team_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX domain_teams_team ON domain_teams (team_id);

CREATE TABLE policies (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL CHECK (json_valid(value))
) STRICT, WITHOUT ROWID;

-- One row for every change that rolecall made, written in the same transaction as the change.
CREATE TABLE audit (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  at     TEXT NOT NULL,
  actor  TEXT NOT NULL,
  apply  INTEGER NOT NULL,
  digest TEXT NOT NULL,
  change TEXT NOT NULL,
  kind   TEXT NOT NULL,
  object TEXT NOT NULL,
  reason TEXT,
  before TEXT CHECK (json_valid(before)),
  after  TEXT CHECK (json_valid(after))
) STRICT;
CREATE INDEX audit_object ON audit (kind, object);

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
  SELECT raise(ABORT, 'the audit trail is only added to');
END;

CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
BEGIN
  SELECT raise(ABORT, 'the audit trail is only added to');
END;

-- Views. UNION (not UNION ALL) ends the recursion also where somebody made a cycle by hand.

CREATE VIEW active_users AS
SELECT u.id, u.email, u.name, u.kind, u.role_id, r.name AS role, u.until, u.timezone, u.owner, u.last_seen
FROM users AS u
LEFT JOIN roles AS r ON r.id = u.role_id
WHERE u.state = 'active' AND (u.until IS NULL OR u.until >= strftime('%Y-%m-%dT%H:%M:%SZ', 'now'));

CREATE VIEW team_outers AS
WITH RECURSIVE up (team_id, outer_id) AS (
  SELECT id, id FROM teams
  UNION
  SELECT up.team_id, t.outer_id FROM up JOIN teams AS t ON t.id = up.outer_id WHERE t.outer_id IS NOT NULL
)
SELECT team_id, outer_id FROM up;

CREATE VIEW resource_parents AS
WITH RECURSIVE up (resource_id, ancestor_id) AS (
  SELECT id, id FROM resources
  UNION
  SELECT up.resource_id, r.parent_id FROM up JOIN resources AS r ON r.id = up.ancestor_id WHERE r.parent_id IS NOT NULL
)
SELECT resource_id, ancestor_id FROM up;

CREATE VIEW effective_members AS
SELECT t.id AS team_id, t.name AS team, u.id AS user_id, u.email, i.id AS through_id, i.name AS through,
       m.role_id, r.name AS role
FROM memberships AS m
JOIN active_users AS u ON u.id = m.user_id
JOIN team_outers AS o ON o.team_id = m.team_id
JOIN teams AS t ON t.id = o.outer_id
JOIN teams AS i ON i.id = m.team_id
LEFT JOIN roles AS r ON r.id = m.role_id
WHERE m.until IS NULL OR m.until >= strftime('%Y-%m-%dT%H:%M:%SZ', 'now');

CREATE VIEW effective_roles AS
SELECT u.id AS user_id, u.email, u.role_id, u.role, 'user' AS source, NULL AS team
FROM active_users AS u
WHERE u.role_id IS NOT NULL
UNION ALL
SELECT DISTINCT e.user_id, e.email, t.role_id, r.name, 'team', t.name
FROM effective_members AS e
JOIN teams AS t ON t.id = e.team_id
JOIN roles AS r ON r.id = t.role_id
UNION ALL
SELECT e.user_id, e.email, e.role_id, e.role, 'membership', e.team
FROM effective_members AS e
WHERE e.role_id IS NOT NULL AND e.team_id = e.through_id;

CREATE VIEW effective_grants AS
WITH live AS (
  SELECT * FROM grants WHERE until IS NULL OR until >= strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
),
held (user_id, resource_id, role_id, source, team_id) AS (
  SELECT user_id, resource_id, role_id, 'user', NULL FROM live WHERE user_id IS NOT NULL
  UNION ALL
  SELECT DISTINCT e.user_id, g.resource_id, g.role_id, 'team', g.team_id
  FROM live AS g JOIN effective_members AS e ON e.team_id = g.team_id
  UNION ALL
  SELECT u.id, g.resource_id, g.role_id, 'everyone', NULL
  FROM live AS g CROSS JOIN active_users AS u WHERE g.everyone = 1
)
SELECT u.id AS user_id, u.email, s.id AS resource_id, s.name AS resource, r.id AS role_id, r.name AS role,
       h.source, t.name AS team, a.name AS granted_on
FROM held AS h
JOIN active_users AS u ON u.id = h.user_id
JOIN resource_parents AS p ON p.ancestor_id = h.resource_id
JOIN resources AS s ON s.id = p.resource_id
JOIN resources AS a ON a.id = h.resource_id
JOIN roles AS r ON r.id = h.role_id
LEFT JOIN teams AS t ON t.id = h.team_id;
