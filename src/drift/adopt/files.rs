//! The files of a declaration while they are edited: where things are declared in them, and edits that keep
//! to the place of use of what is shared.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::config::edit::{self, Id, Shape, Tree, Value};

/// Why something cannot be edited.
pub(super) type Why = String;

/// The texts by the path that people see.
#[derive(Debug, Clone, Default)]
pub(super) struct Files {
    texts: BTreeMap<String, Rc<str>>,
    trees: BTreeMap<String, Option<Rc<Tree>>>,
}

/// A key with its value in a map of a file.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub file: String,
    pub tree: Rc<Tree>,
    pub map: Id,
    pub index: usize,
    pub key: Id,
    pub value: Id,
}

impl Place {
    pub fn name(&self) -> &str {
        self.tree.value(self.key).unwrap_or_default()
    }
}

/// An item of a list of a file.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub file: String,
    pub tree: Rc<Tree>,
    pub list: Id,
    pub index: usize,
    pub value: Id,
}

impl Files {
    pub fn new(texts: impl Iterator<Item = (String, String)>) -> Self {
        Self { texts: texts.map(|(path, text)| (path, text.into())).collect(), trees: BTreeMap::new() }
    }

    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), &**text))
    }

    fn text(&self, file: &str) -> Rc<str> {
        self.texts.get(file).cloned().unwrap_or_else(|| "".into())
    }

    fn tree(&mut self, file: &str) -> Option<Rc<Tree>> {
        if let Some(tree) = self.trees.get(file) {
            return tree.clone();
        }
        let tree = Tree::parse(self.texts.get(file)?).map(Rc::new);
        self.trees.insert(file.to_owned(), tree.clone());
        tree
    }

    fn write(&mut self, file: &str, text: Option<String>, at: &str) -> Result<(), Why> {
        let text = text.ok_or_else(|| format!("{at} is written in a way that is not edited"))?;
        self.texts.insert(file.to_owned(), text.into());
        self.trees.remove(file);
        Ok(())
    }

    /// `file:line` of a node.
    pub fn line(&self, file: &str, tree: &Tree, id: Id) -> String {
        let text = self.text(file);
        let line = text.get(..tree.start(id)).map_or(0, |t| t.matches('\n').count()) + 1;
        format!("{file}:{line}")
    }

    fn unshared(&self, file: &str, tree: &Tree, id: Option<Id>) -> Result<(), Why> {
        match id {
            Some(id) => Err(format!(
                "other places take what stands at {} from there (an anchor and its aliases)",
                self.line(file, tree, id)
            )),
            None => Ok(()),
        }
    }

    /// The sections of that name, with the files that they stand in.
    fn sections(&mut self, section: &str) -> Vec<(String, Rc<Tree>, Option<Id>, Id)> {
        let files: Vec<String> = self.texts.keys().cloned().collect();
        let mut found = Vec::new();
        for file in files {
            let Some(tree) = self.tree(&file) else { continue };
            let Some(root) = tree.root() else { continue };
            let entry = tree.entries(root).iter().find(|(k, _)| tree.value(*k) == Some(section)).copied();
            if let Some((key, value)) = entry {
                found.push((file, tree, Some(key), value));
            }
        }
        found
    }

    /// The entries of a section, of all files.
    pub fn entries(&mut self, section: &str) -> Vec<Place> {
        let mut found = Vec::new();
        for (file, tree, _, value) in self.sections(section) {
            for (index, (key, value_of)) in tree.entries(value).iter().enumerate() {
                let (file, tree) = (file.clone(), Rc::clone(&tree));
                found.push(Place { file, map: tree.meant(value), tree, index, key: *key, value: *value_of });
            }
        }
        found
    }

    /// The items of a section that is a list, of all files.
    pub fn items(&mut self, section: &str) -> Vec<Item> {
        let mut found = Vec::new();
        for (file, tree, _, value) in self.sections(section) {
            for (index, item) in tree.items(value).iter().enumerate() {
                let (file, tree) = (file.clone(), Rc::clone(&tree));
                found.push(Item { file, list: tree.meant(value), tree, index, value: *item });
            }
        }
        found
    }

    /// Adds an entry to a section: where it has most entries, or at the end of the first file.
    pub fn add_entry(&mut self, section: &str, key: &str, value: &Value) -> Result<(), Why> {
        let sections = self.sections(section);
        let most = sections.iter().rev().max_by_key(|(_, tree, _, id)| tree.entries(*id).len());
        let Some((file, tree, section_key, id)) = most.cloned() else {
            let entry = Value::Map(vec![(key.to_owned(), value.clone())]);
            return self.add_section(section, &entry);
        };
        self.unshared(&file, &tree, tree.shared(id))?;
        let text = self.text(&file);
        self.write(&file, edit::put(&text, &tree, section_key, id, key, value), &format!("`{section}:` in {file}"))
    }

    /// Adds an item to a section that is a list.
    pub fn add_item(&mut self, section: &str, value: &Value) -> Result<(), Why> {
        let sections = self.sections(section);
        let most = sections.iter().rev().max_by_key(|(_, tree, _, id)| tree.items(*id).len());
        let Some((file, tree, section_key, id)) = most.cloned() else {
            return self.add_section(section, &Value::List(vec![value.clone()]));
        };
        self.unshared(&file, &tree, tree.shared(id))?;
        let text = self.text(&file);
        let edited = match tree.is_nothing(id) {
            true => edit::replace(&text, &tree, section_key, id, &Value::List(vec![value.clone()])),
            false => edit::append_item(&text, &tree, id, value),
        };
        self.write(&file, edited, &format!("`{section}:` in {file}"))
    }

    fn add_section(&mut self, section: &str, value: &Value) -> Result<(), Why> {
        let file = crate::config::RESERVED_FILE.to_owned();
        let tree = self.tree(&file).ok_or("the files cannot be read")?;
        let root = tree.root().ok_or("the files cannot be read")?;
        let text = self.text(&file);
        let edited = match value {
            Value::List(items) if matches!(tree.shape(root), Shape::Map { flow: false, .. }) => {
                let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
                let lines: Vec<String> = items.iter().map(|i| format!("  - {}{end}", i.flow())).collect();
                let begin = if text.ends_with('\n') { "" } else { end };
                Some(format!("{text}{begin}{section}:{end}{}", lines.concat()))
            }
            Value::Map(entries) if matches!(tree.shape(root), Shape::Map { flow: false, .. }) => {
                let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
                let lines: Vec<String> =
                    entries.iter().map(|(k, v)| format!("  {}: {}{end}", edit::scalar(k), v.flow())).collect();
                let begin = if text.ends_with('\n') { "" } else { end };
                Some(format!("{text}{begin}{section}:{end}{}", lines.concat()))
            }
            _ => None,
        };
        self.write(&file, edited, &file)
    }

    /// Takes an entry away.
    pub fn remove(&mut self, place: &Place) -> Result<(), Why> {
        let Place { file, tree, map, index, value, .. } = place;
        self.unshared(file, tree, tree.shared(*map).or_else(|| tree.shared_within(*value)))?;
        let text = self.text(file);
        let at = self.line(file, tree, place.key);
        self.write(file, edit::remove_entry(&text, tree, *map, *index), &at)
    }

    /// Takes an item away.
    pub fn remove_item(&mut self, item: &Item) -> Result<(), Why> {
        let Item { file, tree, list, index, value } = item;
        self.unshared(file, tree, tree.shared(*list).or_else(|| tree.shared_within(*value)))?;
        let text = self.text(file);
        let at = self.line(file, tree, *value);
        self.write(file, edit::remove_item(&text, tree, *list, *index), &at)
    }

    /// Gives a key below a place a value.
    pub fn set(
        &mut self,
        file: &str,
        tree: &Tree,
        (key, value): (Option<Id>, Id),
        path: &[&str],
        to: &Value,
    ) -> Result<(), Why> {
        let at = self.line(file, tree, key.unwrap_or(value));
        let Some((name, rest)) = path.split_first() else {
            self.unshared(file, tree, tree.shared(value))?;
            let text = self.text(file);
            return self.write(file, edit::replace(&text, tree, key, value, to), &at);
        };
        // What an alias stands for is changed where the alias stands.
        self.unshared(file, tree, tree.shared(value))?;
        let found = tree.get(value, name);
        if let Some(found) = found
            && !rest.is_empty()
        {
            let Some(index) = found.own else {
                return Err(format!("`{name}:` at {at} comes from an anchor"));
            };
            let (k, v) = tree.entries(value)[index];
            return self.set(file, tree, (Some(k), v), rest, to);
        }
        if let Some(index) = found.and_then(|f| f.own) {
            self.unshared(file, tree, tree.shared_within(tree.entries(value)[index].1))?;
        }
        let nested = rest.iter().rev().fold(to.clone(), |inner, name| Value::Map(vec![((*name).to_owned(), inner)]));
        let text = self.text(file);
        self.write(file, edit::put(&text, tree, key, value, name, &nested), &at)
    }

    /// Takes a key away, or gives it the value that says the same where it comes from elsewhere.
    pub fn unset(&mut self, place: &Place, key: &str, otherwise: &Value) -> Result<(), Why> {
        let Place { file, tree, value, .. } = place;
        match tree.get(*value, key) {
            None => Ok(()),
            Some(found) => match found.own {
                Some(index) => {
                    let (k, v) = tree.entries(*value)[index];
                    let here = Place { map: *value, index, key: k, value: v, ..place.clone() };
                    self.remove(&here)
                }
                None => self.set(file, tree, (Some(place.key), *value), &[key], otherwise),
            },
        }
    }

    /// Adds something to a list at a key; where there is no such key, it is made.
    pub fn add_to(&mut self, place: &Place, key: &str, item: &Value) -> Result<(), Why> {
        let Place { file, tree, value, .. } = place;
        let whole = (Some(place.key), *value);
        let Some(found) = tree.get(*value, key) else {
            return self.set(file, tree, whole, &[key], &Value::List(vec![item.clone()]));
        };
        let own_list = found.own.is_some() && matches!(tree.shape(found.value), Shape::List { .. });
        if own_list {
            self.unshared(file, tree, tree.shared(found.value))?;
            let text = self.text(file);
            let at = self.line(file, tree, found.value);
            return self.write(file, edit::append_item(&text, tree, found.value, item), &at);
        }
        let mut all = self.list(file, tree, &tree.several(found.value))?;
        all.push(item.clone());
        self.set(file, tree, whole, &[key], &Value::List(all))
    }

    /// Takes what fits from a list at a key; whether there was something.
    pub fn take_from(&mut self, place: &Place, key: &str, fits: impl Fn(&Tree, Id) -> bool) -> Result<bool, Why> {
        let Place { file, tree, value, .. } = place;
        let Some(found) = tree.get(*value, key) else { return Ok(false) };
        let several = tree.several(found.value);
        let Some(index) = several.iter().position(|i| fits(tree, *i)) else { return Ok(false) };
        if found.own.is_some() && matches!(tree.shape(found.value), Shape::List { .. }) {
            let item =
                Item { file: file.clone(), tree: Rc::clone(tree), list: found.value, index, value: several[index] };
            return self.remove_item(&item).map(|()| true);
        }
        let kept: Vec<Id> = several.iter().enumerate().filter(|(i, _)| *i != index).map(|(_, id)| *id).collect();
        let kept = self.list(file, tree, &kept)?;
        self.set(file, tree, (Some(place.key), *value), &[key], &Value::List(kept)).map(|()| true)
    }

    fn list(&self, file: &str, tree: &Tree, items: &[Id]) -> Result<Vec<Value>, Why> {
        items.iter().map(|id| self.value(file, tree, *id)).collect()
    }

    /// What stands at a node, to be written again elsewhere.
    fn value(&self, file: &str, tree: &Tree, id: Id) -> Result<Value, Why> {
        match tree.shape(tree.meant(id)) {
            Shape::Scalar { value, .. } => Ok(Value::text(value.as_str())),
            Shape::List { items, .. } => self.list(file, tree, items).map(Value::List),
            Shape::Map { entries, .. } => {
                let one = |(k, v): &(Id, Id)| {
                    Ok((tree.value(*k).unwrap_or_default().to_owned(), self.value(file, tree, *v)?))
                };
                entries.iter().map(one).collect::<Result<_, Why>>().map(Value::Map)
            }
            Shape::Alias(_) => Err(format!("{} is an alias of an alias", self.line(file, tree, id))),
        }
    }
}
