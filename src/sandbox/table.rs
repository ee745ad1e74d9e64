//! Tables of things by identifier, in the order in which they were made, that remember what a request
//! changed: to be undone, or written to a file.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A table of things.
#[derive(Debug, Clone)]
pub struct Table<T> {
    rows: BTreeMap<u64, (String, Arc<T>)>,
    ids: HashMap<String, u64>,
    journal: Vec<(String, u64, Option<Arc<T>>)>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), ids: HashMap::new(), journal: Vec::new() }
    }
}

impl<T: Clone + PartialEq> Table<T> {
    /// One of them.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(self.ids.get(id)?).map(|(_, thing)| thing.as_ref())
    }

    /// All, in the order in which they were made.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &T)> {
        self.rows.values().map(|(id, thing)| (id.as_str(), thing.as_ref()))
    }

    /// The first that fits.
    pub fn find(&self, fits: impl Fn(&T) -> bool) -> Option<(&str, &T)> {
        self.iter().find(|(_, thing)| fits(thing))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Puts one in, or in the place of the one that is there; `seq` is its place in lists where it is new.
    pub fn put(&mut self, id: &str, seq: u64, thing: T) {
        self.set(id, seq, Some(Arc::new(thing)));
    }

    /// Changes one that is there; whether it is another one now.
    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut T)) -> bool {
        let Some(before) = self.get(id) else { return false };
        let mut after = before.clone();
        change(&mut after);
        let changed = after != *before;
        if changed {
            self.put(id, 0, after);
        }
        changed
    }

    /// Takes one out.
    pub fn remove(&mut self, id: &str) {
        self.set(id, 0, None);
    }

    fn set(&mut self, id: &str, seq: u64, new: Option<Arc<T>>) {
        let seq = self.ids.get(id).copied().unwrap_or(seq);
        let old = match new {
            Some(new) => {
                self.ids.insert(id.to_owned(), seq);
                self.rows.insert(seq, (id.to_owned(), new)).map(|(_, old)| old)
            }
            None => {
                self.ids.remove(id);
                self.rows.remove(&seq).map(|(_, old)| old)
            }
        };
        self.journal.push((id.to_owned(), seq, old));
    }
}

/// What every table can do, whatever is in it.
pub trait Rows {
    /// The identifiers of what was changed since this was last asked, each once.
    fn touched(&mut self) -> Vec<String>;
    /// Undoes what was changed since then.
    fn undo(&mut self);
    /// One of them as it is kept in a file.
    fn row(&self, id: &str) -> Option<String>;
    /// Takes in what a file held; `None` where it cannot be read.
    fn restore(&mut self, id: &str, row: &str) -> Option<()>;
}

impl<T: Clone + PartialEq + Serialize + DeserializeOwned> Rows for Table<T> {
    fn touched(&mut self) -> Vec<String> {
        let mut ids: Vec<String> = std::mem::take(&mut self.journal).into_iter().map(|(id, ..)| id).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    fn undo(&mut self) {
        while let Some((id, seq, old)) = self.journal.pop() {
            self.set(&id, seq, old);
            self.journal.pop();
        }
    }

    fn row(&self, id: &str) -> Option<String> {
        let seq = self.ids.get(id)?;
        Some(json!({"seq": seq, "is": serde_json::to_value(self.get(id)?).ok()?}).to_string())
    }

    fn restore(&mut self, id: &str, row: &str) -> Option<()> {
        let mut row: Value = serde_json::from_str(row).ok()?;
        let seq = row.get("seq")?.as_u64()?;
        let thing = serde_json::from_value(row.get_mut("is")?.take()).ok()?;
        self.put(id, seq, thing);
        self.journal.clear();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Thing {
        base: String,
    }

    fn thing(base: &str) -> Thing {
        Thing { base: base.to_owned() }
    }

    #[test]
    fn a_table_goes_back_to_what_it_was() {
        let mut table: Table<Thing> = Table::default();
        table.put("a", 1, thing("VIEWER"));
        table.put("b", 2, thing("VIEWER"));
        assert_eq!(table.touched(), ["a", "b"]);
        let before: Vec<(String, Thing)> = table.iter().map(|(id, c)| (id.to_owned(), c.clone())).collect();
        table.remove("a");
        assert!(table.change("b", |c| c.base = "QUERIER".to_owned()));
        assert!(!table.change("b", |_| {}), "nothing is changed");
        table.put("c", 3, thing("MODELER"));
        table.remove("c");
        table.undo();
        let after: Vec<(String, Thing)> = table.iter().map(|(id, c)| (id.to_owned(), c.clone())).collect();
        assert_eq!(before, after);
        assert_eq!(table.touched(), [""; 0], "and nothing is left to be written");
    }

    #[test]
    fn a_row_comes_back_as_it_was() {
        let mut table: Table<Thing> = Table::default();
        table.put("a", 7, thing("VIEWER"));
        let row = Rows::row(&table, "a").unwrap();
        let mut other: Table<Thing> = Table::default();
        assert_eq!(other.restore("a", &row), Some(()));
        assert_eq!((other.get("a"), Rows::row(&other, "a")), (table.get("a"), Some(row)));
        assert_eq!(other.restore("b", "{}"), None);
    }
}
