//! Since when each difference has been seen: remembered in the store, and forgotten when it is gone.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{Difference, TargetDrift};
use crate::model::Moment;
use crate::store::{self, Store, Topic};

/// Fills in since when each difference of a target has been seen, and remembers those that are new.
///
/// # Errors
/// When the store cannot be read or written. What could be read is filled in all the same.
pub fn since(drift: &mut TargetDrift, store: &dyn Store, now: Moment) -> store::Result<()> {
    let known = store.recall(Topic::Drift, &drift.target)?;
    let mut news: BTreeMap<String, Option<String>> = known.keys().map(|key| (key.clone(), None)).collect();
    for difference in &mut drift.differences {
        let key = key(difference);
        let seen = known.get(&key).and_then(|text| Moment::parse(text).ok());
        difference.since = Some(seen.unwrap_or(now));
        match seen {
            Some(_) => drop(news.remove(&key)),
            None => drop(news.insert(key, Some(now.to_string()))),
        }
    }
    if news.is_empty() { Ok(()) } else { store.remember(Topic::Drift, &drift.target, &news) }
}

/// A text that is the same for the same difference on every run: what differs, on which side, and how.
fn key(difference: &Difference) -> String {
    let fields = serde_json::to_string(&difference.fields).unwrap_or_default();
    let digest = Sha256::digest(fields.as_bytes());
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{} {} {short}", difference.direction.word(), difference.object)
}
