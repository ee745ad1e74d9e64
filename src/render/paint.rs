//! Colours, and rows of a terminal. No colour says anything that the words do not say.

use anstyle::{AnsiColor, Style as Ansi};

use super::Style;
use super::text::{name, width, wrap};
use crate::diagnostic::Location;
use crate::model::Effect;

/// Where places are aligned: further to the right, nobody sees to which row they belong.
const RIGHT: usize = 100;

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Heading,
    Dim,
    Good,
    Caution,
    Bad,
    Alarm,
}

impl Tone {
    /// Of a change.
    pub(super) fn of(effect: Effect) -> Self {
        match effect {
            Effect::Add => Self::Good,
            Effect::Change => Self::Caution,
            Effect::Remove => Self::Bad,
        }
    }
}

/// The text in its colour, where colours are wanted.
pub(super) fn paint(text: &str, tone: Tone, style: Style) -> String {
    let color = |c: AnsiColor| Ansi::new().fg_color(Some(c.into()));
    let ansi = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Heading => Ansi::new().bold(),
        Tone::Dim => Ansi::new().dimmed(),
        Tone::Good => color(AnsiColor::Green),
        Tone::Caution => color(AnsiColor::Yellow),
        Tone::Bad => color(AnsiColor::Red),
        Tone::Alarm => color(AnsiColor::Red).bold(),
    };
    if style.color && !text.is_empty() { format!("{ansi}{text}{ansi:#}") } else { text.to_owned() }
}

/// One row of text with a place to the right: broken into lines where it is too long.
pub(super) struct Row<'a> {
    /// Columns in front of every line.
    pub indent: usize,
    /// Further columns in front of every line but the first.
    pub hang: usize,
    /// Clean text.
    pub text: &'a str,
    /// The colour of the text, or of its first `head` bytes.
    pub tone: Tone,
    /// How many bytes of the text have the colour; all where there is no number.
    pub head: Option<usize>,
    /// Where it is declared.
    pub place: Option<&'a Location>,
}

impl Row<'_> {
    /// A row without colours and places.
    pub(super) fn plain(indent: usize, text: &str) -> Row<'_> {
        Row { indent, hang: 2, text, tone: Tone::Plain, head: None, place: None }
    }

    /// Writes the row.
    pub(super) fn draw(&self, out: &mut String, style: Style) {
        let room = style.width.saturating_sub(self.indent + self.hang);
        let lines = wrap(self.text, room);
        let last = lines.len().saturating_sub(1);
        for (index, line) in lines.iter().enumerate() {
            let margin = self.indent + if index > 0 { self.hang } else { 0 };
            out.push_str(&" ".repeat(margin));
            let split = match self.head {
                Some(head) if index == 0 && line.is_char_boundary(head) => head,
                Some(_) if index == 0 => line.len(),
                Some(_) => 0,
                None => line.len(),
            };
            let (head, rest) = line.split_at(split);
            out.push_str(&paint(head, self.tone, style));
            out.push_str(rest);
            if let Some(place) = self.place.filter(|_| index == last) {
                let place = name(&place.to_string());
                let used = margin + width(line);
                let gap = RIGHT.min(style.width).saturating_sub(used + width(&place)).max(2);
                if used + gap + width(&place) <= style.width {
                    out.push_str(&" ".repeat(gap));
                    out.push_str(&paint(&place, Tone::Dim, style));
                } else {
                    for part in wrap(&place, room) {
                        out.push('\n');
                        out.push_str(&" ".repeat(self.indent + self.hang));
                        out.push_str(&paint(&part, Tone::Dim, style));
                    }
                }
            }
            out.push('\n');
        }
    }
}
