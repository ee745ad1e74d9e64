//! YAML as a tree of nodes that know their bytes.
//!
//! The parser's events are put into one arena per file: a node is 20 bytes, children are ranges of
//! numbers, text is borrowed from the file wherever it stands there as it reads. Aliases are links to
//! the node of their anchor, so nothing is copied and nothing explodes; what they would grow to is
//! counted, because whoever walks the tree meets it.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, options};

use crate::diagnostic::{Code, FileId, Finding, Sink, Span};

/// How deep lists and maps may lie in each other. The language needs 8.
pub const DEPTH_MAX: usize = 64;
/// How many nodes one file may have: six times what a file of the largest size has in practice.
pub const NODES_MAX: usize = 8_000_000;
/// How many nodes aliases may stand for in one file.
pub const ALIASED_MAX: u64 = 1_000_000;

/// What a node is. Ranges are into the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Data {
    Null,
    Bool(bool),
    Int(i64),
    /// A number that is no 64-bit integer: its text is the span.
    Number,
    /// Text that stands in the file as it reads.
    Borrowed {
        from: u32,
        to: u32,
    },
    /// Text that had to be put together.
    Owned {
        from: u32,
        to: u32,
    },
    List {
        from: u32,
        len: u32,
    },
    Map {
        from: u32,
        len: u32,
    },
}

#[derive(Debug, Clone, Copy)]
struct Node {
    start: u32,
    end: u32,
    data: Data,
}

/// One file as a tree.
#[derive(Debug)]
pub struct Document<'t> {
    file: FileId,
    text: &'t str,
    nodes: Vec<Node>,
    items: Vec<u32>,
    pairs: Vec<(u32, u32)>,
    strings: String,
    root: Option<u32>,
}

/// The type of a node, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// Text.
    Text,
    /// A list.
    List,
    /// A map.
    Map,
}

impl Type {
    /// With its article, for "found ...".
    #[must_use]
    pub fn described(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "text",
            Self::List => "a list",
            Self::Map => "a map",
        }
    }
}

/// A node of a document.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    doc: &'a Document<'a>,
    id: u32,
}

impl<'t> Document<'t> {
    /// Reads one file. What is wrong goes to `sink`; the document is `None` when it cannot be walked.
    /// A file without any content is an empty document.
    pub fn parse(file: FileId, text: &'t str, sink: &mut Sink) -> Option<Self> {
        Composer::new(file, text).compose(sink)
    }

    /// The topmost node; `None` in an empty file.
    #[must_use]
    pub fn root(&self) -> Option<Cursor<'_>> {
        self.root.map(|id| Cursor { doc: self, id })
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    fn text_of(&self, data: Data) -> Option<&str> {
        match data {
            Data::Borrowed { from, to } => self.text.get(from as usize..to as usize),
            Data::Owned { from, to } => self.strings.get(from as usize..to as usize),
            _ => None,
        }
    }
}

impl<'a> Cursor<'a> {
    fn node(self) -> Node {
        self.doc.nodes[self.id as usize]
    }

    /// A number that tells this node from every other one of its document.
    #[must_use]
    pub fn id(self) -> u32 {
        self.id
    }

    /// A number that tells its document from every other one that is alive.
    #[must_use]
    pub(super) fn address(self) -> usize {
        std::ptr::from_ref(self.doc) as usize
    }

    /// Where it stands.
    #[must_use]
    pub fn span(self) -> Span {
        let node = self.node();
        Span { file: self.doc.file, start: node.start, end: node.end }
    }

    /// Its type.
    #[must_use]
    pub fn kind(self) -> Type {
        match self.node().data {
            Data::Null => Type::Null,
            Data::Bool(_) => Type::Bool,
            Data::Int(_) | Data::Number => Type::Number,
            Data::Borrowed { .. } | Data::Owned { .. } => Type::Text,
            Data::List { .. } => Type::List,
            Data::Map { .. } => Type::Map,
        }
    }

    /// Its text, if it is text.
    #[must_use]
    pub fn as_str(self) -> Option<&'a str> {
        self.doc.text_of(self.node().data)
    }

    /// Its value, if it is `true` or `false`.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        if let Data::Bool(value) = self.node().data { Some(value) } else { None }
    }

    /// Its value, if it is a whole number of 64 bits.
    #[must_use]
    pub fn as_int(self) -> Option<i64> {
        if let Data::Int(value) = self.node().data { Some(value) } else { None }
    }

    /// The text that stands in the file for it.
    #[must_use]
    pub fn source(self) -> &'a str {
        let node = self.node();
        self.doc.text.get(node.start as usize..node.end as usize).unwrap_or("")
    }

    /// Its elements, if it is a list.
    #[must_use]
    pub fn items(self) -> Option<impl ExactSizeIterator<Item = Cursor<'a>> + use<'a>> {
        let Data::List { from, len } = self.node().data else { return None };
        let doc = self.doc;
        Some(doc.items[from as usize..(from + len) as usize].iter().map(move |&id| Cursor { doc, id }))
    }

    /// Its keys and values in order, if it is a map. Keys are text; merged ones (`<<`) come last.
    #[must_use]
    pub fn entries(self) -> Option<impl ExactSizeIterator<Item = (Cursor<'a>, Cursor<'a>)> + use<'a>> {
        let Data::Map { from, len } = self.node().data else { return None };
        let doc = self.doc;
        let pairs = &doc.pairs[from as usize..(from + len) as usize];
        Some(pairs.iter().map(move |&(k, v)| (Cursor { doc, id: k }, Cursor { doc, id: v })))
    }

    /// The value of a key, if it is a map that has it.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Cursor<'a>> {
        self.entries()?.find(|(k, _)| k.key() == key).map(|(_, v)| v)
    }

    /// The text of a key: what is not text is taken as it is written, as JSON would have it.
    #[must_use]
    pub fn key(self) -> &'a str {
        self.as_str().unwrap_or_else(|| self.source())
    }
}

/// A list or map that is not closed yet.
struct Frame {
    start: u32,
    anchor: usize,
    block: bool,
    /// Where its children begin in `Composer::pending`.
    base: usize,
    /// What it would grow to if every alias were written out.
    size: u64,
}

struct Composer<'t> {
    doc: Document<'t>,
    frames: Vec<Frame>,
    pending: Vec<u32>,
    anchors: HashMap<usize, Anchor>,
    aliased: u64,
}

#[derive(Clone, Copy)]
enum Anchor {
    /// Its node is not closed yet: an alias to it lies inside itself.
    Open,
    Done {
        node: u32,
        size: u64,
    },
}

impl<'t> Composer<'t> {
    fn new(file: FileId, text: &'t str) -> Self {
        let doc = Document {
            file,
            text,
            nodes: Vec::with_capacity(text.len() / 12),
            items: Vec::new(),
            pairs: Vec::with_capacity(text.len() / 24),
            strings: String::new(),
            root: None,
        };
        Self { doc, frames: Vec::new(), pending: Vec::new(), anchors: HashMap::new(), aliased: 0 }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let clamp = |byte: usize| byte.min(self.doc.text.len()) as u32;
        Span { file: self.doc.file, start: clamp(start), end: clamp(end.max(start)) }
    }

    fn compose(mut self, sink: &mut Sink) -> Option<Document<'t>> {
        let settings = options! { emit_comments: false, emit_unresolved_aliases: true };
        let mut documents = 0;
        let mut sound = true;
        for next in Parser::new_from_str_with_options(self.doc.text, settings) {
            let (event, at) = match next {
                Ok(next) => next,
                Err(error) => {
                    let byte = error.marker().byte_offset().unwrap_or(self.doc.text.len());
                    sink.push(syntax_finding(self.doc.text, self.span(byte, byte + 1), &error.info()));
                    return None;
                }
            };
            let range = at.byte_range().unwrap_or(0..0);
            let span = self.span(range.start, range.end);
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        let finding = Finding::at(Code::SeveralDocuments, span, "a second document begins here")
                            .help("put it into a file of its own: every file below the folder is read");
                        sink.push(finding);
                        return None;
                    }
                }
                Event::Scalar(value, style, anchor, tag) => {
                    let forced = match tag.as_deref() {
                        None => None,
                        Some(tag) if tag.is_yaml_core_schema() => Some(tag.suffix().to_owned()),
                        Some(_) => {
                            sink.push(tag_finding(span));
                            sound = false;
                            None
                        }
                    };
                    let data = self.scalar(&value, style, forced.as_deref(), span);
                    let node = self.add(span.start, span.end, data);
                    if anchor > 0 {
                        self.anchors.insert(anchor, Anchor::Done { node, size: 1 });
                    }
                    self.child(node, 1);
                }
                Event::Alias(anchor) => match self.anchors.get(&anchor) {
                    Some(&Anchor::Done { node, size }) => {
                        self.aliased = self.aliased.saturating_add(size);
                        if self.aliased > ALIASED_MAX {
                            let text = format!("aliases up to here stand for more than {ALIASED_MAX} values");
                            let finding = Finding::at(Code::AnchorsExplode, span, text)
                                .help("aliases of aliases multiply: write the values out, or use a team");
                            sink.push(finding);
                            return None;
                        }
                        self.child(node, size);
                    }
                    _ => {
                        let finding = Finding::at(Code::BadAlias, span, "this alias stands for something it lies in")
                            .help("an anchor can be used only after what it names has ended");
                        sink.push(finding);
                        return None;
                    }
                },
                Event::UnresolvedAlias(_) => {
                    // The name is not repeated: a password can begin with `*`.
                    let text = "there is no anchor of this name before this alias";
                    let finding = Finding::at(Code::BadAlias, span, text)
                        .help("anchors hold for one file, and only after the place where they stand");
                    sink.push(finding);
                    sound = false;
                    let node = self.add(span.start, span.end, Data::Null);
                    self.child(node, 1);
                }
                Event::SequenceStart(style, anchor, ref tag) | Event::MappingStart(style, anchor, ref tag) => {
                    if tag.as_ref().is_some_and(|tag| !tag.is_yaml_core_schema()) {
                        sink.push(tag_finding(span));
                        sound = false;
                    }
                    if self.frames.len() >= DEPTH_MAX {
                        let text = format!("more than {DEPTH_MAX} lists and maps lie in each other here");
                        sink.push(Finding::at(Code::TooDeep, span, text).help("no declaration needs that"));
                        return None;
                    }
                    if anchor > 0 {
                        self.anchors.insert(anchor, Anchor::Open);
                    }
                    self.frames.push(Frame {
                        start: span.start,
                        anchor,
                        block: style == StructureStyle::Block,
                        base: self.pending.len(),
                        size: 1,
                    });
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let map = matches!(event, Event::MappingEnd);
                    if !self.close(map, range.end.max(range.start), sink) {
                        sound = false;
                    }
                }
                _ => {}
            }
            if self.doc.nodes.len() > NODES_MAX {
                let text = format!("the file has more than {NODES_MAX} values");
                sink.push(Finding::at(Code::TooLarge, span, text).help("split it into several files"));
                return None;
            }
        }
        sound.then_some(self.doc)
    }

    fn add(&mut self, start: u32, end: u32, data: Data) -> u32 {
        self.doc.nodes.push(Node { start, end, data });
        self.doc.nodes.len() as u32 - 1
    }

    /// Hands a finished node to the list or map that it stands in.
    fn child(&mut self, node: u32, size: u64) {
        match self.frames.last_mut() {
            Some(frame) => {
                frame.size = frame.size.saturating_add(size);
                self.pending.push(node);
            }
            None => self.doc.root = Some(node),
        }
    }

    fn scalar(&mut self, value: &str, style: ScalarStyle, tag: Option<&str>, span: Span) -> Data {
        let plain = style == ScalarStyle::Plain;
        match tag {
            Some("str") => {}
            None if plain => {
                if let Some(data) = plain_scalar(value) {
                    return data;
                }
            }
            Some(_) if plain || value.is_empty() => {
                if let Some(data) = plain_scalar(value) {
                    return data;
                }
            }
            _ => {}
        }
        // Quotes stand outside the text; what is escaped or folded differs and is kept apart.
        let (from, to) = if plain { (span.start, span.end) } else { (span.start + 1, span.end.saturating_sub(1)) };
        if self.doc.text.get(from as usize..to as usize) == Some(value) {
            return Data::Borrowed { from, to };
        }
        let from = self.doc.strings.len() as u32;
        self.doc.strings.push_str(value);
        Data::Owned { from, to: self.doc.strings.len() as u32 }
    }

    /// Closes the innermost list or map. False when something in it was wrong.
    fn close(&mut self, map: bool, end: usize, sink: &mut Sink) -> bool {
        let Some(frame) = self.frames.pop() else { return true };
        let children: Vec<u32> = self.pending.drain(frame.base..).collect();
        // A block ends before the next token, which may be many lines away: its last child is its end.
        let last = children.last().map(|&id| self.doc.nodes[id as usize].end.max(frame.start));
        let end = if frame.block { last.unwrap_or(frame.start) } else { self.span(end, end).end };
        let mut sound = true;
        let data = if map {
            let pairs: Vec<(u32, u32)> = children.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            let (pairs, ok) = self.finish_map(pairs, frame.block, sink);
            sound = ok;
            let from = self.doc.pairs.len() as u32;
            let len = pairs.len() as u32;
            self.doc.pairs.extend(pairs);
            Data::Map { from, len }
        } else {
            let from = self.doc.items.len() as u32;
            self.doc.items.extend_from_slice(&children);
            Data::List { from, len: children.len() as u32 }
        };
        let node = self.add(frame.start, end, data);
        if frame.anchor > 0 {
            self.anchors.insert(frame.anchor, Anchor::Done { node, size: frame.size });
        }
        self.child(node, frame.size);
        sound
    }

    fn node_span(&self, id: u32) -> Span {
        let node = self.doc.nodes[id as usize];
        self.span(node.start as usize, node.end as usize)
    }

    fn key_text(&self, id: u32) -> &str {
        let node = self.doc.nodes[id as usize];
        let written = self.doc.text.get(node.start as usize..node.end as usize).unwrap_or("");
        self.doc.text_of(node.data).unwrap_or(written)
    }

    /// Checks the keys of a map and brings in what `<<` merges.
    fn finish_map(&self, pairs: Vec<(u32, u32)>, block: bool, sink: &mut Sink) -> (Vec<(u32, u32)>, bool) {
        let mut sound = true;
        let mut merges = Vec::new();
        let mut kept: Vec<(u32, u32)> = Vec::with_capacity(pairs.len());
        // Small maps are compared pair by pair, large ones through a table.
        let mut seen: HashMap<&str, u32> = HashMap::new();
        let large = pairs.len() > 8;
        for (key, value) in pairs {
            let node = self.doc.nodes[key as usize];
            let span = self.node_span(key);
            if matches!(node.data, Data::List { .. } | Data::Map { .. }) {
                sink.push(
                    Finding::at(Code::WrongType, span, "a key is a list or a map")
                        .help("keys are names; where a `${NAME}` was meant, put it in quotes"),
                );
                sound = false;
                continue;
            }
            if block && self.doc.text.as_bytes().get((node.start as usize).wrapping_sub(1)) == Some(&b'\t') {
                let finding = Finding::at(Code::Syntax, span, "a tab stands before this key");
                sink.push(finding.help("indent with spaces: YAML does not count tabs"));
                sound = false;
            }
            let text = self.key_text(key);
            if text == "<<" && matches!(node.data, Data::Borrowed { .. }) && span.end - span.start == 2 {
                merges.push((key, value));
                continue;
            }
            let first = if large {
                seen.insert(text, key)
            } else {
                kept.iter().find(|(k, _)| self.key_text(*k) == text).map(|(k, _)| *k)
            };
            if let Some(first) = first {
                sink.push(
                    Finding::at(Code::DuplicateKey, span, format!("the key `{text}` stands here twice"))
                        .labelled("again here")
                        .also(self.node_span(first), "first here")
                        .help("keep one of the two; YAML alone would silently take the last"),
                );
                sound = false;
                continue;
            }
            kept.push((key, value));
        }
        for (key, value) in merges {
            if !self.merge(value, &mut kept) {
                let text = "`<<` merges a map, an alias of a map, or a list of these";
                let finding = Finding::at(Code::WrongType, self.node_span(key), text);
                sink.push(finding.help("write `<<: *name`, where `&name` stands at a map before"));
                sound = false;
            }
        }
        (kept, sound)
    }

    /// Adds the pairs of a merged map whose keys are not there yet.
    fn merge(&self, value: u32, into: &mut Vec<(u32, u32)>) -> bool {
        match self.doc.nodes[value as usize].data {
            Data::Map { from, len } => {
                let have: std::collections::HashSet<String> =
                    into.iter().map(|(k, _)| self.key_text(*k).to_owned()).collect();
                for &(key, value) in &self.doc.pairs[from as usize..(from + len) as usize] {
                    if !have.contains(self.key_text(key)) {
                        into.push((key, value));
                    }
                }
                true
            }
            Data::List { from, len } => {
                let items = &self.doc.items[from as usize..(from + len) as usize];
                let maps = items.iter().all(|&i| matches!(self.doc.nodes[i as usize].data, Data::Map { .. }));
                maps && items.iter().all(|&item| self.merge(item, into))
            }
            _ => false,
        }
    }
}

/// The value of a plain scalar by YAML's core schema, where it is not text.
fn plain_scalar(text: &str) -> Option<Data> {
    let first = text.bytes().next();
    match first {
        None => return Some(Data::Null),
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => {}
        Some(b'n' | b'N' | b'~' | b't' | b'T' | b'f' | b'F') => {
            return match text {
                "~" | "null" | "Null" | "NULL" => Some(Data::Null),
                "true" | "True" | "TRUE" => Some(Data::Bool(true)),
                "false" | "False" | "FALSE" => Some(Data::Bool(false)),
                _ => None,
            };
        }
        Some(_) => return None,
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Some(text.strip_prefix('+').unwrap_or(text).parse().map_or(Data::Number, Data::Int));
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(Data::Int);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok().map(Data::Int);
    }
    let special = matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN");
    let shaped = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    let float = shaped && digits.bytes().any(|b| b.is_ascii_digit()) && digits.parse::<f64>().is_ok();
    (special || float).then_some(Data::Number)
}

fn tag_finding(span: Span) -> Finding {
    Finding::at(Code::WrongType, span, "a tag that is not known here stands before this value")
        .help("declarations need no tags; nothing is included or run")
}

/// What the parser says, with advice for the mistakes that people make.
fn syntax_finding(text: &str, span: Span, info: &str) -> Finding {
    let line_start = text.get(..span.start as usize).and_then(|t| t.rfind('\n')).map_or(0, |i| i + 1);
    let line = text.get(line_start..).and_then(|t| t.lines().next()).unwrap_or("");
    let help = if line.starts_with('\t') || line.trim_start_matches(' ').starts_with('\t') {
        "indent with spaces: a tab cannot indent in YAML"
    } else if line.matches('"').count() % 2 == 1 || line.matches('\'').count() % 2 == 1 {
        "a quote is opened and not closed; text with a quote in it goes into the other kind of quotes"
    } else if line.contains(": ") && line.matches(": ").count() > 1 && !line.contains('{') {
        "text that holds `: ` goes into quotes"
    } else {
        "look at the indentation and the brackets here and in the line above"
    };
    let info = info.trim().trim_end_matches('.');
    let mut message = info.to_owned();
    if message.is_empty() {
        "this is no YAML".clone_into(&mut message);
    }
    Finding::at(Code::Syntax, span, message).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Option<Document<'_>>, Vec<Code>) {
        let mut sink = Sink::new();
        let doc = Document::parse(FileId(0), text, &mut sink);
        let files = crate::diagnostic::SourceMap::new();
        (doc, sink.into_sorted(&files).iter().map(|f| f.code).collect())
    }

    #[test]
    fn scalars_have_their_types() {
        let (doc, codes) = parse("{a: 1, b: -2, c: 1.5, d: true, e: NO, f: ~, g: '1', h: 2027-01-31, i: 1e3, j: 0x1f}");
        assert!(codes.is_empty(), "{codes:?}");
        let doc = doc.unwrap();
        let root = doc.root().unwrap();
        let kinds: Vec<Type> = root.entries().unwrap().map(|(_, v)| v.kind()).collect();
        use Type::{Bool, Null, Number, Text};
        assert_eq!(kinds, [Number, Number, Number, Bool, Text, Null, Text, Text, Number, Number]);
        assert_eq!(root.get("j").unwrap().as_int(), Some(31));
        assert_eq!(root.get("g").unwrap().as_str(), Some("1"));
    }

    #[test]
    fn escapes_folds_and_marks() {
        let text = "\u{feff}a: \"x\\ty\"\r\nb: |\r\n  one\r\n  two\r\nc: 'it''s'\n\u{fc}: z\n";
        let (doc, codes) = parse(text);
        assert!(codes.is_empty(), "{codes:?}");
        let doc = doc.unwrap();
        let root = doc.root().unwrap();
        assert_eq!(root.get("a").unwrap().as_str(), Some("x\ty"));
        assert_eq!(root.get("b").unwrap().as_str(), Some("one\ntwo\n"));
        assert_eq!(root.get("c").unwrap().as_str(), Some("it's"));
        assert_eq!(root.get("\u{fc}").unwrap().source(), "z");
    }

    #[test]
    fn anchors_are_links_and_merges_fill_in() {
        let (doc, codes) = parse("x: &base {a: 1, b: 2}\ny:\n  <<: *base\n  b: 3\nz: *base\n");
        assert!(codes.is_empty(), "{codes:?}");
        let doc = doc.unwrap();
        let root = doc.root().unwrap();
        let y = root.get("y").unwrap();
        assert_eq!(y.get("a").unwrap().as_int(), Some(1));
        assert_eq!(y.get("b").unwrap().as_int(), Some(3));
        assert_eq!(root.get("x").unwrap().id(), root.get("z").unwrap().id());
    }

    #[test]
    fn bombs_do_not_go_off() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let before = format!("*a{}", n - 1);
            text += &format!("a{n}: &a{n} [{}]\n", [before.as_str(); 10].join(", "));
        }
        assert_eq!(parse(&text).1, [Code::AnchorsExplode]);
        assert_eq!(parse("a: &a [*a]").1, [Code::BadAlias]);
        assert_eq!(parse("a: *b").1, [Code::BadAlias]);
        assert_eq!(parse(&format!("{}x", "- ".repeat(100))).1, [Code::TooDeep]);
    }

    #[test]
    fn keys_stand_once() {
        assert_eq!(parse("a: 1\nb: 2\na: 3\n").1, [Code::DuplicateKey]);
        let many: String = (0..20).map(|n| format!("k{n}: 1\n")).collect();
        assert_eq!(parse(&format!("{many}k7: 2\n")).1, [Code::DuplicateKey]);
        assert_eq!(parse("a: 1\n---\nb: 2\n").1, [Code::SeveralDocuments]);
    }
}
