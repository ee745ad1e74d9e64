//! Reading a list to its end (fact sheet omni, section a): SCIM endpoints by `startIndex`, the others by
//! `cursor`. What does not add up is a doubt: then nothing may be removed because of what a list lacks.

use std::collections::HashSet;

use serde_json::Value;

use super::session::Session;
use crate::targets::TargetError;
use crate::targets::http::encode;
use crate::targets::scim::value::{boolean, get, list, number, text};

/// The page of a SCIM list: the default, the most is not published.
pub const SCIM_PAGE: usize = 100;

/// The page of the others: 100 is the most where a limit is published.
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

/// Reads a SCIM list: `/scim/v2/users`.
///
/// # Errors
/// When a page cannot be had: a part of a list is never handed out.
pub async fn scim<T>(
    session: &Session,
    path: &str,
    take: impl Fn(&Value) -> Option<T>,
) -> Result<Listing<T>, TargetError> {
    let (mut items, mut seen): (Vec<T>, HashSet<String>) = (Vec::new(), HashSet::new());
    let (mut start, mut total, mut step) = (1, None, SCIM_PAGE);
    for _ in 0..PAGES_MAX {
        let page = session.get(&format!("{path}?startIndex={start}&count={SCIM_PAGE}")).await?;
        if get(&page, "Resources").is_none() && number(&page, "totalResults") != Some(0) {
            return Err(TargetError::Malformed(format!("what {path} answers is no list")));
        }
        let things = list(&page, "Resources");
        total = number(&page, "totalResults").or(total);
        let before = seen.len();
        for thing in things {
            if text(thing, "id").is_some_and(|id| seen.insert(id)) {
                items.extend(take(thing));
            }
        }
        // Where a list ends with a full page, a total that is too low would hide the rest: one look further.
        let full = things.len() == SCIM_PAGE || (start > 1 && things.len() == step);
        if start == 1 {
            step = things.len();
        }
        let all = total.is_some_and(|t| seen.len() >= t) && !full;
        if things.is_empty() || seen.len() == before || all {
            let wrong = total.filter(|t| *t != seen.len());
            let say = |t| format!("Omni says that there are {t} at {path}, and lists {}", seen.len());
            return Ok(Listing { doubts: wrong.map(say).into_iter().collect(), items });
        }
        start += things.len();
    }
    Err(TargetError::Malformed(format!("the list at {path} does not end")))
}

/// Reads a list with a cursor: `/v1/models`; `query` is what else is asked, as in `&modelKind=SHARED`.
///
/// # Errors
/// The same.
pub async fn cursor<T>(
    session: &Session,
    path: &str,
    query: &str,
    take: impl Fn(&Value) -> Option<T>,
) -> Result<Listing<T>, TargetError> {
    let (mut items, mut seen): (Vec<T>, HashSet<String>) = (Vec::new(), HashSet::new());
    let mut cursor: Option<String> = None;
    let mut count = 0;
    for _ in 0..PAGES_MAX {
        let at = cursor.as_deref().map(|c| format!("&cursor={}", encode(c))).unwrap_or_default();
        let page = session.get(&format!("{path}?pageSize={PAGE}{query}{at}")).await?;
        if get(&page, "records").is_none() {
            return Err(TargetError::Malformed(format!("what {path} answers is no list")));
        }
        let before = seen.len();
        for thing in list(&page, "records") {
            count += 1;
            // Documents have an identifier and no id.
            let id = text(thing, "id").or_else(|| text(thing, "identifier"));
            if id.is_some_and(|id| seen.insert(id)) {
                items.extend(take(thing));
            }
        }
        let info = get(&page, "pageInfo");
        let total = info.and_then(|i| number(i, "totalRecords"));
        let next = info.filter(|i| boolean(i, "hasNextPage") != Some(false)).and_then(|i| text(i, "nextCursor"));
        match next {
            Some(next) if Some(&next) != cursor.as_ref() && seen.len() > before => cursor = Some(next),
            _ => {
                let wrong = total.filter(|t| *t != seen.len() && *t != count);
                let say = |t| format!("Omni says that there are {t} at {path}, and lists {}", seen.len());
                return Ok(Listing { doubts: wrong.map(say).into_iter().collect(), items });
            }
        }
    }
    Err(TargetError::Malformed(format!("the list at {path} does not end")))
}
