//! "Did you mean ...?"

/// The known name that is nearest to `text`, if one is near enough to be what was meant. Among equals
/// the first in order wins, so the answer is the same every time.
#[must_use]
pub fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = text.to_lowercase();
    let limit = (text.chars().count() / 3).clamp(1, 4);
    let mut best: Option<(usize, &str)> = None;
    for name in known {
        if name.len().abs_diff(text.len()) > limit + 3 {
            continue;
        }
        let distance = strsim::damerau_levenshtein(&lower, &name.to_lowercase());
        let better = best.is_none_or(|(least, other)| (distance, name) < (least, other));
        if distance <= limit && better {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        assert_eq!(nearest("membres", ["members", "lead"]), Some("members"));
        assert_eq!(nearest("Ada", ["ada", "adam"]), Some("ada"));
        assert_eq!(nearest("xyz", ["ada", "bob"]), None);
    }
}
