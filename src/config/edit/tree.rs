//! A file as it is written: unlike [`Document`](crate::config::Document), aliases stand where they stand,
//! merges are keys like others, and every list and map knows whether it is written in brackets.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, options};

/// The number of a node.
pub type Id = usize;

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// One value, as text, and whether it stands in double or single quotes.
    Scalar {
        /// The value.
        value: String,
        /// The quotes around it, if there are any.
        quote: Option<char>,
        /// Whether it begins with `|` or `>`.
        block: bool,
    },
    /// An alias of the node.
    Alias(Id),
    /// Keys and values.
    Map {
        /// Whether it is written in braces.
        flow: bool,
        /// The keys and values in their order.
        entries: Vec<(Id, Id)>,
    },
    /// Items.
    List {
        /// Whether it is written in brackets.
        flow: bool,
        /// The items in their order.
        items: Vec<Id>,
    },
}

#[derive(Debug, Clone)]
struct Node {
    start: usize,
    end: usize,
    shape: Shape,
    parent: Option<Id>,
}

/// A file as it is written.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    nodes: Vec<Node>,
    root: Option<Id>,
    /// The nodes that some alias stands for.
    aliased: HashSet<Id>,
}

/// The value of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The value; an alias where one is written.
    pub value: Id,
    /// Which entry of the map itself it is; nothing where it is merged in from elsewhere.
    pub own: Option<usize>,
}

struct Frame {
    start: usize,
    flow: bool,
    map: bool,
    anchor: usize,
    children: Vec<Id>,
}

impl Tree {
    /// Reads a file; nothing where it is no YAML or more than one document.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let settings = options! { emit_comments: false, emit_unresolved_aliases: false };
        let mut tree = Self::default();
        let mut frames: Vec<Frame> = Vec::new();
        let mut anchors: HashMap<usize, Id> = HashMap::new();
        let mut documents = 0;
        for next in Parser::new_from_str_with_options(text, settings) {
            let (event, at) = next.ok()?;
            let range = at.byte_range().unwrap_or(0..0);
            let (start, end) = (range.start.min(text.len()), range.end.clamp(range.start, text.len().max(range.start)));
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        return None;
                    }
                }
                Event::Scalar(value, style, anchor, _) => {
                    let quote = match style {
                        ScalarStyle::DoubleQuoted => Some('"'),
                        ScalarStyle::SingleQuoted => Some('\''),
                        _ => None,
                    };
                    let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                    // The parser gives `~` for what is not there.
                    let there = start < end || quote.is_some() || block;
                    let value = if there { value.to_string() } else { String::new() };
                    let id = tree.add(start, end, Shape::Scalar { value, quote, block });
                    if anchor > 0 {
                        anchors.insert(anchor, id);
                    }
                    tree.child(&mut frames, id);
                }
                Event::Alias(anchor) => {
                    let of = *anchors.get(&anchor)?;
                    tree.aliased.insert(of);
                    let id = tree.add(start, end, Shape::Alias(of));
                    tree.child(&mut frames, id);
                }
                Event::SequenceStart(style, anchor, _) | Event::MappingStart(style, anchor, _) => {
                    // Which of the two it is shows when it ends.
                    let flow = style == StructureStyle::Flow;
                    frames.push(Frame { start, flow, map: false, anchor, children: Vec::new() });
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let mut frame = frames.pop()?;
                    frame.map = matches!(event, Event::MappingEnd);
                    let (anchor, id) = (frame.anchor, tree.close(frame, end));
                    if anchor > 0 {
                        anchors.insert(anchor, id);
                    }
                    tree.child(&mut frames, id);
                }
                _ => {}
            }
        }
        Some(tree)
    }

    fn add(&mut self, start: usize, end: usize, shape: Shape) -> Id {
        self.nodes.push(Node { start, end, shape, parent: None });
        self.nodes.len() - 1
    }

    fn child(&mut self, frames: &mut [Frame], id: Id) {
        match frames.last_mut() {
            Some(frame) => frame.children.push(id),
            None => self.root = Some(id),
        }
    }

    fn close(&mut self, frame: Frame, end: usize) -> Id {
        let Frame { start, flow, map, anchor: _, children } = frame;
        let id = self.nodes.len();
        for child in &children {
            self.nodes[*child].parent = Some(id);
        }
        let shape = if map {
            Shape::Map { flow, entries: children.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect() }
        } else {
            Shape::List { flow, items: children }
        };
        self.add(start, end, shape)
    }

    /// The topmost node.
    #[must_use]
    pub fn root(&self) -> Option<Id> {
        self.root
    }

    /// What a node is.
    #[must_use]
    pub fn shape(&self, id: Id) -> &Shape {
        &self.nodes[id].shape
    }

    /// Its first byte.
    #[must_use]
    pub fn start(&self, id: Id) -> usize {
        self.nodes[id].start
    }

    /// The byte after its last one, without the lines that follow it. `after` is the end of the key or dash
    /// before it: what is not there ends with that.
    #[must_use]
    pub fn end(&self, text: &str, id: Id, after: usize) -> usize {
        let node = &self.nodes[id];
        match &node.shape {
            Shape::Scalar { value, quote: None, .. } if value.is_empty() && node.end <= node.start => after,
            Shape::Scalar { block: true, .. } => {
                node.start + text.get(node.start..node.end).map_or(0, |t| t.trim_end().len())
            }
            Shape::Map { flow: false, entries } => entries.last().map_or(after, |(key, value)| {
                let key = self.nodes[*key].end;
                self.end(text, *value, key + text.get(key..).and_then(|t| t.find(':')).map_or(0, |n| n + 1))
            }),
            Shape::List { flow: false, items } => items.last().map_or(after, |item| self.end(text, *item, after)),
            _ => node.start + text.get(node.start..node.end).map_or(0, |t| t.trim_end().len()),
        }
    }

    /// The node that an alias stands for, or the node itself.
    #[must_use]
    pub fn meant(&self, id: Id) -> Id {
        if let Shape::Alias(of) = self.nodes[id].shape { of } else { id }
    }

    /// Its text, where it is one value.
    #[must_use]
    pub fn value(&self, id: Id) -> Option<&str> {
        if let Shape::Scalar { value, .. } = &self.nodes[self.meant(id)].shape { Some(value) } else { None }
    }

    /// Whether nothing is written there, or `null`.
    #[must_use]
    pub fn is_nothing(&self, id: Id) -> bool {
        let null = |v: &str| matches!(v, "" | "~" | "null" | "Null" | "NULL");
        matches!(&self.nodes[self.meant(id)].shape, Shape::Scalar { value, quote: None, block: false } if null(value))
    }

    /// Its own entries, where it is a map; those of what it stands for, where it is an alias.
    #[must_use]
    pub fn entries(&self, id: Id) -> &[(Id, Id)] {
        if let Shape::Map { entries, .. } = &self.nodes[self.meant(id)].shape { entries } else { &[] }
    }

    /// Its items, where it is a list.
    #[must_use]
    pub fn items(&self, id: Id) -> &[Id] {
        if let Shape::List { items, .. } = &self.nodes[self.meant(id)].shape { items } else { &[] }
    }

    /// The items, or the one value that stands for a list of one.
    #[must_use]
    pub fn several(&self, id: Id) -> Vec<Id> {
        match &self.nodes[self.meant(id)].shape {
            Shape::List { items, .. } => items.clone(),
            _ if self.is_nothing(id) => Vec::new(),
            _ => vec![id],
        }
    }

    /// The value of a key: of the map itself, or merged in.
    #[must_use]
    pub fn get(&self, map: Id, key: &str) -> Option<Found> {
        let own_map = matches!(self.nodes[map].shape, Shape::Map { .. });
        let entries = self.entries(map);
        let named = |(k, _): &&(Id, Id)| self.value(*k) == Some(key);
        if let Some(index) = entries.iter().position(|e| named(&e)) {
            return Some(Found { value: entries[index].1, own: own_map.then_some(index) });
        }
        let merged = entries.iter().filter(|(k, _)| self.value(*k) == Some("<<"));
        let maps = merged.flat_map(|(_, from)| match self.shape(self.meant(*from)) {
            Shape::List { items, .. } => items.clone(),
            _ => vec![*from],
        });
        maps.into_iter().find_map(|from| self.get(from, key)).map(|found| Found { value: found.value, own: None })
    }

    /// The innermost node around this one, or itself, from which other places take something.
    #[must_use]
    pub fn shared(&self, id: Id) -> Option<Id> {
        let mut at = Some(id);
        while let Some(node) = at {
            if self.aliased.contains(&node) {
                return Some(node);
            }
            at = self.nodes[node].parent;
        }
        None
    }

    /// A node within this one, or itself, from which other places take something.
    #[must_use]
    pub fn shared_within(&self, id: Id) -> Option<Id> {
        let within = |node: &&Id| {
            let mut at = Some(**node);
            while let Some(here) = at {
                if here == id {
                    return true;
                }
                at = self.nodes[here].parent;
            }
            false
        };
        self.aliased.iter().filter(within).min().copied()
    }
}
