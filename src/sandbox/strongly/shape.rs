//! The two shapes of answers (fact sheet strongly, section 2.1), and pages.

use serde_json::{Map, Value, json};

use super::api::Cx;
use super::error::{Refusal, Result};
use super::faults::{LOW_TOTAL, NO_OFFSET, NO_TOTAL, PAGE_CAP, REPEATED_ITEM, SHAPE_D, SHORT_LIST, WRONG_TOTAL};

/// How many things a page has where nothing is said, and at most.
const PAGE: usize = 20;
const PAGE_MAX: usize = 100;

/// One thing.
pub fn one(cx: &Cx<'_>, body: Value) -> Value {
    if cx.has(&SHAPE_D) { body } else { json!({"success": true, "data": body}) }
}

fn number(cx: &Cx<'_>, name: &str) -> Result<Option<usize>> {
    let Some(text) = cx.param(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Refusal::bad(format!("{name} must be a number")))
}

/// A page of a list, which is called `name` in the older shape.
pub fn list(cx: &Cx<'_>, name: &str, mut all: Vec<Value>) -> Result<Value> {
    let faults = cx.call.faults;
    let limit = number(cx, "limit")?.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let offset = number(cx, "offset")?.unwrap_or(0);
    let of = |value: Option<u64>| usize::try_from(value.unwrap_or(0)).unwrap_or(usize::MAX);
    if let Some(percent) = faults.value(&SHORT_LIST) {
        all.truncate(all.len().saturating_mul(of(Some(percent.min(100)))) / 100);
    }
    let total = (all.len() + of(faults.value(&WRONG_TOTAL))).saturating_sub(of(faults.value(&LOW_TOTAL)));
    let size = faults.value(&PAGE_CAP).map_or(limit, |cap| limit.min(of(Some(cap.max(1)))));
    let from = if cx.has(&NO_OFFSET) { 0 } else { offset };
    let from = if cx.has(&REPEATED_ITEM) { from.saturating_sub(1) } else { from };
    let length = all.len();
    let page: Vec<Value> = all.into_iter().skip(from).take(size).collect();
    let said = !cx.has(&NO_TOTAL);
    if cx.has(&SHAPE_D) {
        let mut body = Map::new();
        if said {
            body.insert("count".to_owned(), json!(total));
        }
        body.insert("limit".to_owned(), json!(limit));
        body.insert("offset".to_owned(), json!(offset));
        body.insert(name.to_owned(), Value::Array(page));
        return Ok(Value::Object(body));
    }
    let mut body = json!({"success": true, "data": page});
    if said {
        let more = offset + size < length;
        body["pagination"] = json!({"total": total, "limit": limit, "offset": offset, "hasMore": more});
    }
    Ok(body)
}
