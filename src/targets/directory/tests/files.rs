//! Files that are missing, of others, or damaged.

use std::path::Path;

use super::*;

fn read(path: &Path) -> Result<Reading, TargetError> {
    wait(DirectoryReader::new(path, now()).read())
}

#[test]
fn a_missing_file_is_an_empty_directory_and_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/home.db");
    assert_eq!(read(&path).unwrap().directory, Directory::default());
    assert!(!dir.path().join("new").exists());
    drop(DirectoryWriter::open(&path, now(), 14).unwrap());
    assert_eq!(read(&path).unwrap().directory, Directory::default());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(dir.path().join("new")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}

#[test]
fn a_file_without_content_is_empty_and_stays_so_when_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("home.db");
    std::fs::write(&path, "").unwrap();
    assert_eq!(read(&path).unwrap().directory, Directory::default());
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
}

#[test]
fn files_of_others_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("home.db");
    std::fs::write(&path, "users:\n  ada: {}\n".repeat(200)).unwrap();
    for error in [read(&path).unwrap_err(), DirectoryWriter::open(&path, now(), 14).unwrap_err()] {
        assert!(matches!(&error, TargetError::Malformed(t) if t.contains("is no SQLite database")), "{error}");
    }
    std::fs::remove_file(&path).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE shop (id)").unwrap();
    for error in [read(&path).unwrap_err(), DirectoryWriter::open(&path, now(), 14).unwrap_err()] {
        assert!(matches!(&error, TargetError::Malformed(t) if t.contains("another program")), "{error}");
    }
    let shop = rusqlite::Connection::open(&path).unwrap();
    let mode: String = shop.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete", "a file of another program is not touched");
}

#[test]
fn a_newer_layout_is_refused() {
    let home = small();
    home.raw().execute_batch("PRAGMA user_version = 2").unwrap();
    for error in [read(&home.path()).unwrap_err(), DirectoryWriter::open(home.path(), now(), 14).unwrap_err()] {
        let text = "a newer rolecall made it (layout 2; this rolecall knows up to 1)";
        assert!(matches!(&error, TargetError::Refused(t) if t.contains(text)), "{error}");
    }
}

#[test]
fn content_that_no_rolecall_writes_is_malformed_and_no_panic() {
    for sql in [
        "UPDATE users SET until = 'soon'",
        "UPDATE users SET until = '2027-02-30T00:00:00Z'",
        "UPDATE users SET kind = 'robot'",
        "UPDATE users SET state = 'lost'",
        "UPDATE users SET role_id = 99",
        "UPDATE teams SET quota_cpu = -1",
        "UPDATE resources SET visibility = 'some'",
        "INSERT INTO team_leads VALUES (1, 99)",
        "INSERT INTO memberships VALUES (99, 1, NULL, NULL, NULL)",
        "INSERT INTO grants (resource_id, role_id) VALUES (1, 1)",
        "INSERT INTO policies VALUES ('mfa', '{')",
        "UPDATE users SET name = CAST(x'ff' AS TEXT)",
    ] {
        let home = small();
        let raw = home.raw();
        raw.execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF").unwrap();
        raw.execute_batch(sql).unwrap();
        let error = read(&home.path()).unwrap_err();
        assert!(matches!(error, TargetError::Malformed(_)), "{sql}: {error}");
    }
}

#[test]
fn a_damaged_file_is_malformed() {
    let home = small();
    home.raw().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let path = home.path();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0xA5);
    let copy = home.dir.path().join("copy.db");
    std::fs::write(&copy, bytes).unwrap();
    let error = read(&copy).unwrap_err();
    assert!(matches!(error, TargetError::Malformed(_)), "{error}");
}

#[test]
fn an_unknown_policy_is_noted_and_left_alone() {
    let home = small();
    home.raw().execute_batch("INSERT INTO policies VALUES ('sessions', '{}')").unwrap();
    let reading = home.reading();
    assert!(reading.directory.policies().is_empty());
    assert_eq!(reading.notes, ["policy sessions is unknown to this rolecall and left alone"]);
}

#[test]
fn when_a_user_was_seen_is_read() {
    let home = small();
    home.raw().execute_batch("UPDATE users SET last_seen = '2026-11-20T08:00:00Z' WHERE email LIKE 'ada%'").unwrap();
    let directory = home.read();
    let seen = directory.user(directory.find_user("ada@acme.com").unwrap()).last_seen;
    assert_eq!(seen.unwrap().to_string(), "2026-11-20T08:00:00Z");
}
