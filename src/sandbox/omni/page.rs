//! The two ways to page: SCIM's index and count, and v1's cursor and pageSize (fact sheet omni, section
//! (a), pagination); and the filters of SCIM lists.

use serde_json::{Value, json};

use super::error::{Refusal, Result};
use super::faults::{LOW_TOTAL, PAGE_CAP, REPEATED_ITEM, SHORT_LIST, WRONG_TOTAL};
use crate::sandbox::{Active, Request};

/// How many resources a SCIM page has where nothing is said, and at most.
const SCIM_PAGE: usize = 100;
const SCIM_PAGE_MAX: usize = 1000;

/// What a server that lies leaves of a list, and what it says of its length.
fn lied<T>(mut all: Vec<T>, faults: &Active) -> (Vec<T>, usize) {
    if let Some(percent) = faults.value(&SHORT_LIST) {
        let percent = usize::try_from(percent.min(100)).unwrap_or(100);
        all.truncate(all.len() * percent / 100);
    }
    let number = |value: Option<u64>| usize::try_from(value.unwrap_or(0)).unwrap_or(0);
    let more = number(faults.value(&WRONG_TOTAL));
    let fewer = number(faults.value(&LOW_TOTAL));
    let total = (all.len() + more).saturating_sub(fewer);
    (all, total)
}

/// How many things a page has at most.
fn capped(size: usize, faults: &Active) -> usize {
    faults.value(&PAGE_CAP).map_or(size, |cap| size.min(usize::try_from(cap.max(1)).unwrap_or(usize::MAX)))
}

/// A number of SCIM's query: `^-?\d*\.?\d+$`.
fn number(request: &Request, name: &str) -> Result<Option<f64>> {
    let Some(text) = request.param(name) else { return Ok(None) };
    let digits = text.strip_prefix('-').unwrap_or(text);
    let fits = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && digits.bytes().filter(|b| *b == b'.').count() <= 1
        && digits.bytes().last().is_some_and(|b| b.is_ascii_digit());
    let value = if fits { text.parse::<f64>().ok() } else { None };
    value.map(Some).ok_or_else(|| Refusal::bad(format!("{name}: Invalid")))
}

/// A number as a place in a list: what is below nothing is nothing.
fn place(value: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is held within bounds before")]
    let whole = value.clamp(0.0, 1e9) as usize;
    whole
}

/// A page of SCIM, shown by `show`.
pub fn scim<T>(request: &Request, faults: &Active, all: Vec<T>, show: impl Fn(T) -> Value) -> Result<Value> {
    let start = number(request, "startIndex")?.map_or(1, place).max(1);
    let count = number(request, "count")?.map_or(SCIM_PAGE, place).min(SCIM_PAGE_MAX);
    let (all, total) = lied(all, faults);
    let count = capped(count, faults);
    let again = usize::from(faults.has(&REPEATED_ITEM) && start > 1 && count > 1);
    let page: Vec<Value> = all.into_iter().skip(start - 1 - again).take(count).map(show).collect();
    Ok(json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total, "startIndex": start, "itemsPerPage": page.len(), "Resources": page,
    }))
}

/// How a list of v1 is paged.
#[derive(Debug, Clone, Copy)]
pub struct Paging {
    /// The size of a page where nothing is said.
    pub size: usize,
    /// The largest that can be asked for.
    pub most: usize,
    /// What its cursors are.
    pub cursor: Cursor,
}

/// What a cursor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// The number of a page.
    Page,
    /// Anything: here the place of the first record, in hexadecimal behind a letter.
    Opaque,
    /// A full identifier, that says the place of the first record in its last part.
    Uuid,
}

impl Cursor {
    fn of(self, from: usize, size: usize) -> String {
        match self {
            Self::Page => (from / size.max(1) + 1).to_string(),
            Self::Opaque => format!("c{from:x}"),
            Self::Uuid => format!("c0c0c0c0-0000-4000-8000-{from:012x}"),
        }
    }

    fn read(self, text: &str, size: usize) -> Option<usize> {
        match self {
            Self::Page => text.parse::<usize>().ok()?.checked_sub(1)?.checked_mul(size),
            Self::Opaque => usize::from_str_radix(text.strip_prefix('c')?, 16).ok(),
            Self::Uuid => usize::from_str_radix(text.strip_prefix("c0c0c0c0-0000-4000-8000-")?, 16).ok(),
        }
    }
}

/// A page of v1, with its records under `name`.
pub fn v1<T>(
    request: &Request,
    faults: &Active,
    paging: Paging,
    name: &str,
    all: Vec<T>,
    show: impl Fn(T) -> Value,
) -> Result<Value> {
    let size = match request.param("pageSize") {
        None => paging.size,
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|n| (1..=paging.most).contains(n))
            .ok_or_else(|| Refusal::bad(format!("pageSize: must be a number from 1 to {}", paging.most)))?,
    };
    let size = capped(size, faults);
    let from = match request.param("cursor").filter(|c| !c.is_empty()) {
        None => 0,
        Some(text) => paging.cursor.read(text, size).ok_or_else(|| Refusal::bad("cursor: Invalid cursor"))?,
    };
    let (all, total) = lied(all, faults);
    let length = all.len();
    let again = usize::from(faults.has(&REPEATED_ITEM) && from > 0);
    let page: Vec<Value> = all.into_iter().skip(from - again).take(size + again).map(show).collect();
    let next = from + size;
    let more = next < length;
    let mut body = json!({"pageInfo": {
        "hasNextPage": more, "nextCursor": more.then(|| paging.cursor.of(next, size)),
        "pageSize": size, "totalRecords": total,
    }});
    if let Some(map) = body.as_object_mut() {
        map.insert(name.to_owned(), Value::from(page));
    }
    Ok(body)
}

/// A field by which a list is sorted: its name, and what it holds.
pub type Field<'f, T> = (&'f str, &'f dyn Fn(&T) -> String);

/// Puts a list of v1 in the order that `sortField` and `sortDirection` ask for. A field that is not among
/// these leaves it in the order of creation.
pub fn sort<T>(request: &Request, all: &mut [T], fields: &[Field<'_, T>]) {
    let wanted = request.param("sortField");
    if let Some((_, of)) = fields.iter().find(|(name, _)| wanted == Some(*name)) {
        all.sort_by_cached_key(|one| of(one));
    }
    if request.param("sortDirection").is_some_and(|d| d.eq_ignore_ascii_case("desc")) {
        all.reverse();
    }
}

/// A filter: `name op "value"`, the first two in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The attribute.
    pub name: String,
    /// `eq` or `co`.
    pub op: String,
    /// What it is compared with.
    pub value: String,
}

impl Filter {
    /// The filter of a request, where there is one; `known` are the attributes and operators that fit.
    pub fn of(request: &Request, known: &[(&str, &[&str])]) -> Result<Option<Self>> {
        let Some(text) = request.param("filter") else { return Ok(None) };
        let wrong = || Refusal::bad(format!("Invalid filter: {text}"));
        let mut parts = text.trim().splitn(3, char::is_whitespace);
        let (Some(name), Some(op), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong());
        };
        let (name, op) = (name.to_ascii_lowercase(), op.to_ascii_lowercase());
        let value: String = serde_json::from_str(value.trim()).map_err(|_| wrong())?;
        let fits = known.iter().any(|(n, ops)| n.eq_ignore_ascii_case(&name) && ops.contains(&op.as_str()));
        if fits { Ok(Some(Self { name, op, value })) } else { Err(wrong()) }
    }

    /// Whether a text fits; `exact` where upper and lower case differ.
    pub fn fits(&self, text: &str, exact: bool) -> bool {
        let fold = |t: &str| if exact { t.to_owned() } else { t.to_lowercase() };
        let (text, value) = (fold(text), fold(&self.value));
        if self.op == "co" { text.contains(&value) } else { text == value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(query: &[(&str, &str)]) -> Request {
        Request { query: query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(), ..Request::default() }
    }

    #[test]
    fn numbers_of_scim_have_their_pattern() {
        let of = |text: &str| number(&request(&[("count", text)]), "count").map_err(|_| ());
        assert_eq!(
            (of("2"), of("-1"), of(".5"), of("2.5")),
            (Ok(Some(2.0)), Ok(Some(-1.0)), Ok(Some(0.5)), Ok(Some(2.5)))
        );
        for wrong in ["", "x", "2.", "1e3", "--1", "1.2.3", "NaN", "inf"] {
            assert_eq!(of(wrong), Err(()), "{wrong}");
        }
    }

    #[test]
    fn every_kind_of_cursor_comes_to_the_end() {
        for cursor in [Cursor::Page, Cursor::Opaque, Cursor::Uuid] {
            let (mut found, mut at) = (Vec::new(), String::new());
            loop {
                let request = request(&[("pageSize", "3"), ("cursor", &at)]);
                let paging = Paging { size: 20, most: 100, cursor };
                let page = v1(&request, &Active::default(), paging, "records", (0..7).collect(), Value::from).unwrap();
                found.extend(page["records"].as_array().unwrap().clone());
                assert_eq!(page["pageInfo"]["totalRecords"], 7);
                match page["pageInfo"]["nextCursor"].as_str() {
                    Some(next) => at = next.to_owned(),
                    None => break,
                }
            }
            assert_eq!(Value::from(found), json!([0, 1, 2, 3, 4, 5, 6]), "{cursor:?}");
        }
    }

    #[test]
    fn filters_are_one_comparison() {
        let known: &[(&str, &[&str])] = &[("userName", &["eq"])];
        let of = |text: &str| Filter::of(&request(&[("filter", text)]), known);
        assert!(of("USERNAME EQ \"Ada@x\"").unwrap().unwrap().fits("ada@X", false));
        for wrong in [
            "",
            "userName",
            "userName eq",
            "userName eq ada",
            "userName co \"a\"",
            "id eq \"a\"",
            "userName eq \"a\" and id pr",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
