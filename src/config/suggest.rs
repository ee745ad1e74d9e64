//! "Did you mean ...?"

/// The known name that is nearest to `text`, if one is near enough to be what was meant. Among equals
/// the first in order wins, so the answer is the same every time and in whatever order names come.
#[must_use]
pub fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = lower(text).collect();
    let limit = (text.chars().count() / 3).clamp(1, 4);
    let letters = signature(&wanted);
    let (mut name_chars, mut rows) = (Vec::new(), Rows::default());
    let mut best: Option<(usize, &str)> = None;
    for name in known {
        // A letter has at most four bytes: most names are too long or short before they are looked at.
        if name.len() > 4 * (wanted.len() + limit) + 4 || wanted.len() > name.len() + limit {
            continue;
        }
        name_chars.clear();
        name_chars.extend(lower(name));
        let most = best.map_or(limit, |(least, _)| least);
        // One change takes away one letter and brings in another.
        let differ = (signature(&name_chars) ^ letters).count_ones() as usize;
        if name_chars.len().abs_diff(wanted.len()) > most || differ > 2 * most {
            continue;
        }
        let Some(distance) = rows.distance(&wanted, &name_chars, most) else { continue };
        if best.is_none_or(|(least, other)| (distance, name) < (least, other)) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

fn lower(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase)
}

/// Which letters occur, as bits.
fn signature(chars: &[char]) -> u64 {
    chars.iter().fold(0, |bits, c| bits | 1 << (u32::from(*c) % 64))
}

/// Three rows of the table of distances, kept from one name to the next.
#[derive(Default)]
struct Rows {
    before: Vec<usize>,
    above: Vec<usize>,
    row: Vec<usize>,
}

impl Rows {
    /// How many letters are added, taken away, replaced or swapped with their neighbour between two
    /// texts; `None` above a limit, as soon as that is clear.
    fn distance(&mut self, a: &[char], b: &[char], limit: usize) -> Option<usize> {
        self.above.clear();
        self.above.extend(0..=b.len());
        self.before.clone_from(&self.above);
        for i in 1..=a.len() {
            self.row.clear();
            self.row.push(i);
            let mut least = i;
            for j in 1..=b.len() {
                let replaced = self.above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut cost = replaced.min(self.above[j] + 1).min(self.row[j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    cost = cost.min(self.before[j - 2] + 1);
                }
                least = least.min(cost);
                self.row.push(cost);
            }
            // A swap reaches back over one row, so that two rows must be above the limit.
            if least > limit && self.above.iter().all(|d| *d > limit) {
                return None;
            }
            std::mem::swap(&mut self.before, &mut self.above);
            std::mem::swap(&mut self.above, &mut self.row);
        }
        self.above.last().copied().filter(|d| *d <= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        assert_eq!(nearest("membres", ["members", "lead"]), Some("members"));
        assert_eq!(nearest("Ada", ["ada", "adam"]), Some("ada"));
        assert_eq!(nearest("xyz", ["ada", "bob"]), None);
        assert_eq!(nearest("", ["", "a", "bc"]), Some(""));
        assert_eq!(nearest("müller", ["mueller", "muller", "miller"]), Some("miller"));
    }

    #[test]
    fn distances_are_those_of_the_library() {
        let words = ["credentials", "credentails", "crednetial", "teams", "", "a", "ab", "ba", "resources", "sources"];
        let mut rows = Rows::default();
        for a in words {
            for b in words {
                let (x, y): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
                let expected = strsim::osa_distance(a, b);
                assert_eq!(rows.distance(&x, &y, 4), (expected <= 4).then_some(expected), "{a} {b}");
            }
        }
    }
}
