//! Reading a list to its end, in both of its shapes (fact sheet strongly, section 2.1): by `limit` and
//! `offset`. What does not add up is a doubt: then nothing may be removed because of what a list lacks.

use std::collections::HashSet;

use serde_json::Value;

use super::session::Session;
use super::shape::id;
use crate::targets::TargetError;
use crate::targets::scim::value::{boolean, get, number, text};

/// The page that is asked for: the most is not published, and what comes back may be shorter.
pub const PAGE: usize = 100;

/// No list has more pages.
const PAGES_MAX: usize = 10_000;

/// A list, read to its end.
#[derive(Debug)]
pub struct Listing<T> {
    /// What it holds, each thing once.
    pub items: Vec<T>,
    /// Why it may not be everything.
    pub doubts: Vec<String>,
}

/// A page: what is on it, how many there are in all, and whether it says that more come after it.
struct Page<'v> {
    items: &'v [Value],
    total: Option<usize>,
    more: Option<bool>,
}

/// Finds the list in a page: it is the body, its `data`, or what is called `name`.
fn open<'v>(body: &'v Value, name: &str) -> Option<Page<'v>> {
    let items = |v: &'v Value| v.as_array().map(Vec::as_slice);
    let inner = |v: &'v Value| {
        items(v).or_else(|| [name, "items", "results"].into_iter().find_map(|key| get(v, key).and_then(items)))
    };
    let data = get(body, "data");
    let found = data.and_then(inner).or_else(|| inner(body))?;
    let pagination = get(body, "pagination").or_else(|| data.and_then(|d| get(d, "pagination")));
    let places = [pagination, Some(body), data];
    let total = places.into_iter().flatten().find_map(|p| number(p, "total").or_else(|| number(p, "count")));
    let more = pagination.and_then(|p| boolean(p, "hasMore"));
    Some(Page { items: found, total, more })
}

/// Reads a list: `/users?archived=true`, which is called `name` where lists have names.
///
/// # Errors
/// When a page cannot be had: a part of a list is never handed out.
pub async fn all<T>(
    session: &Session,
    path: &str,
    name: &str,
    take: impl Fn(&Value) -> Option<T>,
) -> Result<Listing<T>, TargetError> {
    let join = if path.contains('?') { '&' } else { '?' };
    let (mut items, mut seen, mut total): (Vec<T>, HashSet<String>, Option<usize>) = (Vec::new(), HashSet::new(), None);
    let mut step = None;
    for _ in 0..PAGES_MAX {
        let offset = seen.len();
        let body = session.page(&format!("{path}{join}limit={PAGE}&offset={offset}")).await?;
        let Some(page) = open(&body, name) else {
            return Err(TargetError::Malformed(format!("what {path} answers is no list")));
        };
        total = page.total.or(total);
        for item in page.items {
            // Its own id first: things have the `userId` of their owner, and one owner has several. Without any,
            // all of it: two accounts of one address are not one.
            let key = id(item).or_else(|| text(item, "userId")).unwrap_or_else(|| item.to_string());
            if seen.insert(key) {
                items.extend(take(item));
            }
        }
        let fresh = seen.len() - offset;
        // Where a list ends with a full page, a total that is too low would hide the rest: one look further.
        let full = page.items.len() >= PAGE || step == Some(page.items.len());
        step = step.or(Some(page.items.len()));
        let ends = match (page.more, total) {
            (Some(true), _) => false,
            (_, Some(total)) => seen.len() >= total && !full,
            (more, None) => more == Some(false),
        };
        if fresh == 0 || ends {
            let wrong = total.filter(|t| *t != seen.len());
            let say = |t| format!("Strongly says that there are {t} at {path}, and lists {}", seen.len());
            let mut doubts: Vec<String> = wrong.map(say).into_iter().collect();
            if page.more == Some(true) {
                doubts.push(format!(
                    "Strongly says that there are more at {path}, and lists no more than {}",
                    seen.len()
                ));
            }
            return Ok(Listing { items, doubts });
        }
    }
    Err(TargetError::Malformed(format!("the list at {path} does not end")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_is_found_in_every_shape() {
        let read = |body: Value| open(&body, "users").map(|p| (p.items.len(), p.total, p.more));
        for (body, expected) in [
            (
                json!({"success": true, "data": [1, 2], "pagination": {"total": 5, "hasMore": true}}),
                Some((2, Some(5), Some(true))),
            ),
            (
                json!({"success": true, "data": {"users": [1], "pagination": {"total": 1, "hasMore": false}}}),
                Some((1, Some(1), Some(false))),
            ),
            (json!({"count": 25, "limit": 20, "offset": 0, "users": [1, 2, 3]}), Some((3, Some(25), None))),
            (json!({"success": true, "data": []}), Some((0, None, None))),
            (json!([1]), Some((1, None, None))),
            (json!({"success": true, "data": {"apps": [1]}}), None),
            (json!("x"), None),
        ] {
            assert_eq!(read(body.clone()), expected, "{body}");
        }
    }
}
