//! Reading a list to its end: by items received and ids seen, never by what a server says of its pages
//! (fact sheet scim, section 2.2; RFC 7644, section 3.4.2.4; RFC 9865 for cursors).
//!
//! The first page says how large pages are and how much there is; the others are fetched at once. Where
//! one of them is not as expected, the list is read again, page by page. What does not add up in the end
//! is a doubt: then nothing may be removed because of what the list lacks.

use std::collections::HashSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use super::session::{Features, Session, refusal};
use super::value::{get, list, number, text};
use crate::targets::TargetError;
use crate::targets::http::encode;

/// How many things are asked for at a time where nobody says how many there may be.
const PAGE: usize = 100;

/// More than this nobody asks for at a time.
const PAGE_MAX: usize = 1000;

/// No list has more pages: a server that turns them for ever is not followed.
const PAGES_MAX: usize = 100_000;

/// A list, read to its end.
#[derive(Debug)]
pub struct Listing<T> {
    /// What it holds, each thing once, in the order of the server.
    pub items: Vec<T>,
    /// Why it may not be everything.
    pub doubts: Vec<String>,
}

/// One page.
struct Page<T> {
    /// The ids on it, with what is taken of each thing.
    items: Vec<(String, Option<T>)>,
    /// How many were on it, those without an id included.
    len: usize,
    total: Option<usize>,
    next: Option<String>,
}

/// A reading of one list.
struct Walk<'s, T, F> {
    session: &'s Session,
    endpoint: &'s str,
    take: F,
    /// How many to ask for; `None` where asking for a number is an error to the server.
    count: Option<usize>,
    seen: HashSet<String>,
    items: Vec<T>,
}

/// Reads everything at an endpoint (`/Users`), and keeps what `take` makes of it.
///
/// # Errors
/// When a page cannot be had: a part of a list is never handed out.
pub async fn everything<T, F>(session: &Session, endpoint: &str, take: F) -> Result<Listing<T>, TargetError>
where
    F: Fn(&Value) -> Option<T>,
{
    let features = session.features().await?;
    let count = session.settings.page.or(features.page_max).unwrap_or(PAGE).min(PAGE_MAX);
    let count = features.page_max.map_or(count, |most| count.min(most));
    let walk = Walk { session, endpoint, take, count: Some(count), seen: HashSet::new(), items: Vec::new() };
    walk.run(features).await
}

impl<T, F: Fn(&Value) -> Option<T>> Walk<'_, T, F> {
    async fn run(mut self, features: Features) -> Result<Listing<T>, TargetError> {
        if features.cursor {
            return self.by_cursor(None).await;
        }
        let first = match self.page(1).await {
            // Some cannot bear a `count`.
            Err(TargetError::Refused(_) | TargetError::Unavailable(_)) => {
                self.count = None;
                self.page(1).await?
            }
            page => page?,
        };
        // It turns pages by cursor without being asked to.
        if first.next.is_some() {
            return self.by_cursor(Some(first)).await;
        }
        let (step, total) = (first.len, first.total);
        self.add(first);
        match total {
            Some(total) if step > 0 && total > step => self.at_once(step, total).await?,
            // It ends exactly where a page ends: some give the number of the page for the total.
            // So it may where the server gives fewer than were asked for, and does not tell how many it gives.
            Some(total) if step == total && step > 0 && (self.count == Some(step) || features.page_max.is_none()) => {
                match self.one_by_one(step + 1, None).await {
                    // There is nothing there, says this one.
                    Err(TargetError::Refused(_) | TargetError::Gone(_)) => {}
                    read => read?,
                }
            }
            Some(total) if step >= total => {}
            _ if step == 0 => {}
            _ => self.one_by_one(step + 1, total).await?,
        }
        if total.is_some_and(|total| total != self.seen.len()) {
            // Something came or went while it was read, or the server cannot count: once more, slowly.
            self.restart();
            self.one_by_one(1, None).await?;
        }
        let mut doubts = Vec::new();
        if let Some(total) = total.filter(|total| *total != self.seen.len()) {
            doubts.push(format!(
                "the server says that there are {total} at {}, and lists {}",
                self.endpoint,
                self.seen.len()
            ));
        }
        Ok(Listing { items: self.items, doubts })
    }

    /// The pages after the first, several at a time.
    async fn at_once(&mut self, step: usize, total: usize) -> Result<(), TargetError> {
        let starts: Vec<usize> = (1 + step..=total).step_by(step).take(PAGES_MAX).collect();
        let width = self.session.client().limits().concurrency.max(1);
        let walk = &*self;
        let pages: Vec<Page<T>> =
            stream::iter(starts.iter().copied()).map(|start| walk.page(start)).buffered(width).try_collect().await?;
        let mut odd = false;
        for (start, page) in starts.into_iter().zip(pages) {
            let (before, new) = (self.seen.len(), page.items.len());
            odd |= page.len != step.min(total - start + 1);
            self.add(page);
            odd |= self.seen.len() != before + new;
        }
        if odd {
            self.restart();
            self.one_by_one(1, Some(total)).await?;
        }
        Ok(())
    }

    /// Page by page, from the item of that number: until a page is empty or holds nothing new, or all
    /// that were promised are there.
    async fn one_by_one(&mut self, mut start: usize, total: Option<usize>) -> Result<(), TargetError> {
        for _ in 0..PAGES_MAX {
            let page = self.page(start).await?;
            let (len, before) = (page.len, self.seen.len());
            self.add(page);
            if len == 0 || self.seen.len() == before || total.is_some_and(|t| self.seen.len() >= t) {
                return Ok(());
            }
            start += len;
        }
        Err(TargetError::Malformed(format!("the list at {} does not end", self.endpoint)))
    }

    async fn by_cursor(mut self, mut first: Option<Page<T>>) -> Result<Listing<T>, TargetError> {
        let mut cursor = String::new();
        let mut total = None;
        for _ in 0..PAGES_MAX {
            let count = self.count.map(|c| format!("&count={c}")).unwrap_or_default();
            let page = match first.take() {
                Some(first) => first,
                None => self.fetch(&format!("?cursor={}{count}", encode(&cursor))).await?,
            };
            total = page.total.or(total);
            let (before, len, next) = (self.seen.len(), page.len, page.next.clone());
            self.add(page);
            match next {
                Some(next) if next != cursor && (len == 0 || self.seen.len() > before) => cursor = next,
                _ => {
                    let seen = self.seen.len();
                    let wrong = total.filter(|total| *total != seen);
                    let say = |t| format!("the server says that there are {t} at {}, and lists {seen}", self.endpoint);
                    return Ok(Listing { doubts: wrong.map(say).into_iter().collect(), items: self.items });
                }
            }
        }
        Err(TargetError::Malformed(format!("the list at {} does not end", self.endpoint)))
    }

    async fn page(&self, start: usize) -> Result<Page<T>, TargetError> {
        let count = self.count.map(|c| format!("&count={c}")).unwrap_or_default();
        self.fetch(&format!("?startIndex={start}{count}")).await
    }

    async fn fetch(&self, query: &str) -> Result<Page<T>, TargetError> {
        let answer = self.session.get(&format!("{}{query}", self.endpoint)).await?;
        if !answer.is_good() {
            return Err(refusal(&answer));
        }
        let value = answer.json()?;
        let things = match &value {
            Value::Array(items) => items.as_slice(),
            // Where there is nothing, the key may be missing.
            Value::Object(_) => list(&value, "Resources"),
            _ => return Err(TargetError::Malformed(format!("what {} answers is no list", self.endpoint))),
        };
        let total = number(&value, "totalResults");
        let promised = total.is_some_and(|t| t > 0) && get(&value, "Resources").is_some_and(|r| !r.is_array());
        if promised || (total.is_none() && value.is_object() && get(&value, "Resources").is_none()) {
            return Err(TargetError::Malformed(format!("what {} answers is no list", self.endpoint)));
        }
        let items = things.iter().filter_map(|v| Some((text(v, "id")?, (self.take)(v)))).collect();
        Ok(Page { items, len: things.len(), total, next: text(&value, "nextCursor") })
    }

    fn add(&mut self, page: Page<T>) {
        for (id, item) in page.items {
            // What is not taken was seen all the same: the totals speak of all.
            if self.seen.insert(id) {
                self.items.extend(item);
            }
        }
    }

    fn restart(&mut self) {
        self.seen.clear();
        self.items.clear();
    }
}

/// Reads one thing for each path, as many at a time as the server takes; nothing for what is not there.
///
/// # Errors
/// When one of them cannot be had.
pub async fn each<T>(
    session: &Session,
    paths: Vec<String>,
    take: impl Fn(&Value) -> Option<T>,
) -> Result<Vec<Option<T>>, TargetError> {
    let width = session.client().limits().concurrency.max(1);
    let take = &take;
    stream::iter(paths)
        .map(|path| async move { Ok(session.get_one(&path).await?.as_ref().and_then(take)) })
        .buffered(width)
        .try_collect()
        .await
}
