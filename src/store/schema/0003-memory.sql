-- Short texts by topic, subject and key: since when drift has been seen, which plan was reviewed.
CREATE TABLE memory (
  topic   TEXT NOT NULL,
  subject TEXT NOT NULL,
  key     TEXT NOT NULL,
  body    TEXT NOT NULL,
  PRIMARY KEY (topic, subject, key)
) STRICT, WITHOUT ROWID;
