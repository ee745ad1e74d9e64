//! Lists: filter, order, pages by index (RFC 7644, section 3.4.2) and by cursor (RFC 9865), and which
//! attributes are shown.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::api::{Done, Scim, base, refused};
use super::error::{Result, ScimError};
use super::faults::{
    CURSOR_ONLY, EMPTY_FILTER, EXPIRED_CURSOR, FILTER_CAP, IGNORED_FILTER, LOW_TOTAL, NO_COUNT, NO_FILTER, NO_SORT,
    PAGE_CAP, REPEATED_ITEM, SHORT_LIST, WRONG_TOTAL,
};
use super::filter::{self, At, Filter, Subject};
use super::schema::{Kind, Place};
use super::store::{Resource, Shown};
use crate::sandbox::{Call, Request};

/// How many resources a page has where nothing is said.
pub const PAGE: usize = 100;
/// How many it has at most.
pub const PAGE_MAX: usize = 1000;

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct Params {
    filter: Option<String>,
    start: i64,
    count: Option<i64>,
    cursor: Option<String>,
    sort_by: Option<String>,
    descending: bool,
    only: Vec<String>,
    without: Vec<String>,
}

impl Params {
    /// From a query string.
    pub fn of_query(request: &Request) -> Result<Self> {
        let number = |name: &str| match request.param(name) {
            None => Ok(None),
            Some(text) => {
                text.trim().parse::<i64>().map(Some).map_err(|_| ScimError::value(format!("`{name}` must be a number")))
            }
        };
        let names = |name: &str| {
            let text = request.param(name).unwrap_or_default();
            text.split(',').map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned).collect()
        };
        Ok(Self {
            filter: request.param("filter").map(str::to_owned),
            start: number("startIndex")?.unwrap_or(1),
            count: number("count")?,
            cursor: request.param("cursor").map(str::to_owned),
            sort_by: request.param("sortBy").map(str::to_owned),
            descending: request.param("sortOrder").is_some_and(|o| o.eq_ignore_ascii_case("descending")),
            only: names("attributes"),
            without: names("excludedAttributes"),
        })
    }

    /// From the body of a search (RFC 7644, section 3.4.3).
    pub fn of_body(body: Option<Value>) -> Result<Self> {
        let Some(Value::Object(body)) = body else { return Err(ScimError::syntax("the body must be a JSON object")) };
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let names = |name: &str| match body.get(name) {
            Some(Value::Array(list)) => list.iter().filter_map(|n| n.as_str().map(str::to_owned)).collect(),
            Some(Value::String(one)) => vec![one.clone()],
            _ => Vec::new(),
        };
        Ok(Self {
            filter: text("filter"),
            start: body.get("startIndex").and_then(Value::as_i64).unwrap_or(1),
            count: body.get("count").and_then(Value::as_i64),
            cursor: text("cursor"),
            sort_by: text("sortBy"),
            descending: text("sortOrder").is_some_and(|o| o.eq_ignore_ascii_case("descending")),
            only: names("attributes"),
            without: names("excludedAttributes"),
        })
    }

    /// Whether there is a filter.
    pub fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// Whether a core attribute would be shown: for those that cost something to compute.
    pub fn wants(&self, name: &str) -> bool {
        let within = |list: &[String]| {
            list.iter().any(|p| {
                p.rsplit(':').next().unwrap_or(p).split('.').next().is_some_and(|n| n.eq_ignore_ascii_case(name))
            })
        };
        let whole = |list: &[String]| list.iter().any(|p| p.rsplit(':').next().unwrap_or(p).eq_ignore_ascii_case(name));
        (self.only.is_empty() || within(&self.only)) && !whole(&self.without)
    }

    /// Whether a part of an attribute was asked for by its name.
    pub fn asks(&self, path: &str) -> bool {
        self.only.iter().any(|p| p.rsplit(':').next().unwrap_or(p).eq_ignore_ascii_case(path))
    }

    /// The attributes that were asked for; `id` and `schemas` are always there (RFC 7643, section 7).
    pub fn cut(&self, kind: Kind, map: Map<String, Value>) -> Map<String, Value> {
        if self.only.is_empty() && self.without.is_empty() {
            return map;
        }
        let mut kept = if self.only.is_empty() { map.clone() } else { Map::new() };
        for path in &self.only {
            match kind.find(path) {
                Place::Extension(schema) => copy(&map, &mut kept, schema.id, None),
                Place::Attr(None, attr, sub) => copy(&map, &mut kept, attr.name, sub.map(|s| s.name)),
                Place::Attr(Some(schema), attr, _) => {
                    if let Some(value) = map.get(schema.id).and_then(|e| e.get(attr.name)) {
                        let inner = kept.entry(schema.id.to_owned()).or_insert_with(|| json!({}));
                        if let Value::Object(inner) = inner {
                            inner.insert(attr.name.to_owned(), value.clone());
                        }
                    }
                }
                Place::Unknown => {}
            }
        }
        for path in &self.without {
            match kind.find(path) {
                Place::Extension(schema) => drop(kept.remove(schema.id)),
                Place::Attr(None, attr, None) if attr.name != "id" => drop(kept.remove(attr.name)),
                Place::Attr(None, attr, Some(sub)) => {
                    for one in values_of(kept.get_mut(attr.name)) {
                        one.remove(sub.name);
                    }
                }
                Place::Attr(Some(schema), attr, _) => {
                    if let Some(Value::Object(inner)) = kept.get_mut(schema.id) {
                        inner.remove(attr.name);
                    }
                }
                _ => {}
            }
        }
        for name in ["id", "schemas"] {
            if let Some(value) = map.get(name) {
                kept.insert(name.to_owned(), value.clone());
            }
        }
        kept
    }
}

fn values_of(value: Option<&mut Value>) -> Vec<&mut Map<String, Value>> {
    match value {
        Some(Value::Array(list)) => list.iter_mut().filter_map(Value::as_object_mut).collect(),
        Some(Value::Object(map)) => vec![map],
        _ => Vec::new(),
    }
}

/// Copies an attribute, or a part of it beside the parts that were copied before.
fn copy(from: &Map<String, Value>, to: &mut Map<String, Value>, name: &str, sub: Option<&str>) {
    let Some(value) = from.get(name) else { return };
    let Some(sub) = sub else {
        to.insert(name.to_owned(), value.clone());
        return;
    };
    let part = |one: &Value| one.get(sub).map_or(json!({}), |v| json!({ sub: v }));
    let parts = match value {
        Value::Array(list) => list.iter().map(part).collect(),
        one => part(one),
    };
    match to.get_mut(name) {
        None => {
            to.insert(name.to_owned(), parts);
        }
        there => {
            let new = match parts {
                Value::Array(list) => list,
                one => vec![one],
            };
            for (old, new) in values_of(there).into_iter().zip(new) {
                if let Value::Object(new) = new {
                    old.extend(new);
                }
            }
        }
    }
}

/// Answers a list.
pub fn run(scim: &Scim, call: &Call<'_>, kinds: &[Kind], params: &Params) -> Result<Done> {
    let faults = call.faults;
    if params.count.is_some() && faults.has(&NO_COUNT) {
        return Err(ScimError::new(500, "something went wrong"));
    }
    let base = base(call);
    let mut found: Vec<&Arc<Resource>> = Vec::new();
    for &kind in kinds {
        found.extend(fitting(scim, call, kind, kinds.len() > 1, params, &base)?);
    }
    if let Some(by) = params.sort_by.as_deref().filter(|_| !faults.has(&NO_SORT)) {
        sort(scim, &base, kinds, &mut found, by, params.descending);
    }
    if let Some(percent) = faults.value(&SHORT_LIST) {
        let shown = found.len() as u64 * percent.min(100) / 100;
        found.truncate(usize::try_from(shown).unwrap_or(usize::MAX));
    }
    let most = faults.value(&PAGE_CAP).map_or(PAGE_MAX, |cap| usize::try_from(cap).unwrap_or(PAGE_MAX).min(PAGE_MAX));
    let count = params.count.map_or(PAGE, |c| usize::try_from(c.max(0)).unwrap_or(PAGE_MAX)).min(most);
    let by_cursor = params.cursor.is_some() || faults.has(&CURSOR_ONLY);
    let from = if by_cursor {
        cursor(params.cursor.as_deref().unwrap_or_default(), faults.has(&EXPIRED_CURSOR))?
    } else {
        usize::try_from(params.start.max(1) - 1).unwrap_or(usize::MAX)
    };
    let from = if faults.has(&REPEATED_ITEM) && from > 0 && count > 1 { from - 1 } else { from };
    let page: Vec<Value> = found.iter().skip(from).take(count).map(|r| scim.show(call, r, params)).collect();
    let total = found.len() as u64;
    let total = match (faults.value(&WRONG_TOTAL), faults.value(&LOW_TOTAL)) {
        (Some(more), _) => total + more,
        (_, Some(fewer)) => total.saturating_sub(fewer),
        _ => total,
    };
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total, "itemsPerPage": page.len(), "Resources": page,
    });
    if let Some(map) = body.as_object_mut() {
        let next = from.saturating_add(page.len());
        if by_cursor {
            if next < found.len() && !page.is_empty() {
                map.insert("nextCursor".to_owned(), json!(cursor_text(next)));
            }
            if from > 0 {
                map.insert("previousCursor".to_owned(), json!(cursor_text(from.saturating_sub(count))));
            }
        } else {
            map.insert("startIndex".to_owned(), json!(from.saturating_add(1)));
        }
    }
    Ok(Done::of(body))
}

/// A cursor: nothing that a client could make sense of.
fn cursor_text(at: usize) -> String {
    format!("c{:08x}", at ^ 0x5c1_4d2e)
}

fn cursor(text: &str, expired: bool) -> Result<usize> {
    if text.is_empty() {
        return Ok(0);
    }
    let number = text.strip_prefix('c').filter(|t| t.len() >= 8).and_then(|t| usize::from_str_radix(t, 16).ok());
    match number {
        None => Err(ScimError::bad("invalidCursor", "this cursor was not given out here")),
        Some(_) if expired => Err(ScimError::bad("expiredCursor", "this cursor is too old: begin again")),
        Some(number) => Ok(number ^ 0x5c1_4d2e),
    }
}

/// What of a kind fits the filter, in the order of lists.
fn fitting<'s>(
    scim: &'s Scim,
    call: &Call<'_>,
    kind: Kind,
    several: bool,
    params: &Params,
    base: &str,
) -> Result<Vec<&'s Arc<Resource>>> {
    let store = &scim.store;
    let Some(text) = &params.filter else { return Ok(store.list(kind)) };
    if call.faults.has(&NO_FILTER) {
        return Err(refused(call.faults, &NO_FILTER, "a filter"));
    }
    if call.faults.has(&IGNORED_FILTER) {
        return Ok(store.list(kind));
    }
    let filter = filter::parse(text, kind, several)?;
    if call.faults.value(&FILTER_CAP).is_some_and(|cap| filter.size() > cap) {
        return Err(ScimError::bad("invalidFilter", "the filter has too many parts"));
    }
    if call.faults.has(&EMPTY_FILTER) {
        return Ok(Vec::new());
    }
    let fits = |r: &&Arc<Resource>| filter.fits(&Shown { resource: r, store, base });
    Ok(match candidate(scim, kind, &filter) {
        Some(one) => one.into_iter().filter(fits).collect(),
        None => store.list(kind).into_iter().filter(fits).collect(),
    })
}

/// The only resource that can fit, where a filter names one: nobody waits for ten thousand comparisons.
fn candidate<'s>(scim: &'s Scim, kind: Kind, filter: &Filter) -> Option<Option<&'s Arc<Resource>>> {
    let store = &scim.store;
    if let Some(id) = filter.must_equal("id") {
        return Some(store.seen(kind, id));
    }
    // A name that is hidden for a while is looked for among all.
    let id = filter.must_equal("userName").filter(|_| kind == Kind::User && !store.hides())?;
    Some(store.named(id).and_then(|id| store.seen(kind, id)))
}

fn sort(scim: &Scim, base: &str, kinds: &[Kind], found: &mut [&Arc<Resource>], by: &str, descending: bool) {
    let place = kinds.iter().find_map(|kind| match kind.find(by) {
        Place::Attr(extension, attr, sub) => Some(At { extension, attr, sub }),
        _ => None,
    });
    let Some(At { extension, attr, sub }) = place else { return };
    let key = |r: &Arc<Resource>| -> Option<String> {
        let shown = Shown { resource: r, store: &scim.store, base };
        let value = shown.value(extension, attr)?.into_owned();
        // Of several values, the main one or the first (RFC 7644, section 3.4.2.3).
        let value = match value {
            Value::Array(list) => list.iter().find(|v| super::schema::is_main(v)).or_else(|| list.first()).cloned()?,
            one => one,
        };
        let (leaf, exact) = match sub {
            Some(sub) => (value.get(sub.name).cloned()?, sub.exact),
            None => (value.get("value").cloned().unwrap_or(value), attr.exact),
        };
        let text = leaf.as_str().map_or_else(|| leaf.to_string(), str::to_owned);
        Some(if exact { text } else { text.to_lowercase() })
    };
    let mut keyed: Vec<(Option<String>, &Arc<Resource>)> = found.iter().map(|r| (key(r), *r)).collect();
    keyed.sort_by(|(a, _), (b, _)| match (a, b) {
        (Some(a), Some(b)) if descending => b.cmp(a),
        (Some(a), Some(b)) => a.cmp(b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    });
    for (place, (_, resource)) in found.iter_mut().zip(keyed) {
        *place = resource;
    }
}
