//! Plans on disk, and the digest that binds what was reviewed to what is carried out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::types::{FORMAT, Plan};
use super::{Edge, Step};
use crate::model::Change;

/// How many bytes of a saved plan are read: a plan of a million changes has a few hundred MiB.
pub const SIZE_MAX: usize = 512 * 1024 * 1024;

/// Why a saved plan is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Larger than [`SIZE_MAX`].
    #[error("the plan is larger than {} MiB", SIZE_MAX / 1024 / 1024)]
    TooLarge,
    /// Not JSON, or not a plan.
    #[error("this is no plan of rolecall: {0}")]
    Malformed(String),
    /// A plan of a version that this program does not know.
    #[error("the plan has the format `{0}`; this program reads `{FORMAT}`: make the plan again with this program")]
    UnknownFormat(String),
    /// The content is not what was sealed.
    #[error("the plan has been altered: its digest is {found}, and it says {said}; make it again")]
    Altered {
        /// The digest that it says it has.
        said: String,
        /// The digest that it has.
        found: String,
    },
    /// A plan between two revisions.
    #[error(
        "this is what changes between two revisions of the files: nothing live was read for it, and it cannot be \
         applied; save one with `rolecall plan --out`"
    )]
    Between,
    /// The steps contradict each other.
    #[error("the plan is broken: {0}; make it again")]
    Inconsistent(String),
}

/// The plan as a file: JSON for people and machines, with a newline at its end.
#[must_use]
pub fn save(plan: &Plan) -> Vec<u8> {
    // Every part of a plan can be written as JSON; a map with keys that are no texts does not occur.
    let mut bytes = serde_json::to_vec_pretty(plan).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Reads a plan that [`save`] has written.
///
/// # Errors
/// When the bytes are no plan, are of another format, have been altered, or contradict themselves.
pub fn load(bytes: &[u8]) -> Result<Plan, PlanError> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
    }
    if bytes.len() > SIZE_MAX {
        return Err(PlanError::TooLarge);
    }
    let malformed = |e: serde_json::Error| PlanError::Malformed(e.to_string());
    let head: Head = serde_json::from_slice(bytes).map_err(malformed)?;
    if head.format != FORMAT {
        return Err(PlanError::UnknownFormat(head.format));
    }
    let plan: Plan = serde_json::from_slice(bytes).map_err(malformed)?;
    let found = digest(&plan);
    if found != plan.digest {
        return Err(PlanError::Altered { said: plan.digest, found });
    }
    if plan.between.is_some() {
        return Err(PlanError::Between);
    }
    consistent(&plan)?;
    Ok(plan)
}

fn consistent(plan: &Plan) -> Result<(), PlanError> {
    let broken = |text: String| Err(PlanError::Inconsistent(text));
    let mut names = BTreeSet::new();
    for target in &plan.targets {
        if !names.insert(&target.target) {
            return broken(format!("target `{}` stands in it twice", target.target));
        }
        let mut wave = 1;
        for (index, step) in target.steps.iter().enumerate() {
            if step.id as usize != index + 1 {
                return broken(format!("step {} of target `{}` has the number {}", index + 1, target.target, step.id));
            }
            if step.wave < wave {
                return broken(format!("step {} of target `{}` runs in an earlier wave", step.id, target.target));
            }
            wave = step.wave;
            let earlier = |edge: &Edge| {
                let before = (edge.step as usize).checked_sub(1).and_then(|i| target.steps.get(i));
                before.is_some_and(|b| b.wave < step.wave)
            };
            if !step.after.iter().all(earlier) {
                return broken(format!(
                    "step {} of target `{}` waits for one that is not earlier",
                    step.id, target.target
                ));
            }
        }
    }
    Ok(())
}

/// The digest of a plan: `sha256:` and 64 hexadecimal digits, of the canonical JSON of what is sealed: format,
/// consents, and of each target its name, steps, what they touch and what was judged.
#[must_use]
pub fn digest(plan: &Plan) -> String {
    #[derive(Serialize)]
    struct SealedStep<'a> {
        id: u32,
        wave: u32,
        change: &'a Change,
        after: &'a [Edge],
    }
    let seal = |s: &'_ Step| piece(&SealedStep { id: s.id, wave: s.wave, change: &s.change, after: &s.after });
    let mut hash = Sha256::new();
    // The keys in their order, and one step at a time: all of it as one value would take more memory than
    // the plan.
    hash.update(format!(r#"{{"consents":{},"format":{},"targets":["#, piece(&plan.consents), piece(&plan.format)));
    for (i, target) in plan.targets.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        hash.update(format!(r#"{comma}{{"judged":{},"steps":["#, piece(&target.judged)));
        for (i, step) in target.steps.iter().enumerate() {
            hash.update(if i > 0 { "," } else { "" });
            hash.update(seal(step));
        }
        hash.update(format!(r#"],"target":{},"touched":{{"#, piece(&target.target)));
        for (i, (name, value)) in target.touched.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            hash.update(format!("{comma}{}:{}", piece(name), piece(value)));
        }
        hash.update("}}");
    }
    hash.update("]}");
    let mut digest = String::from("sha256:");
    for byte in hash.finalize() {
        for half in [byte >> 4, byte & 15] {
            digest.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
    digest
}

/// The canonical JSON of a part of a plan.
fn piece<T: Serialize>(part: &T) -> String {
    let mut text = String::new();
    canonical(&serde_json::to_value(part).unwrap_or_default(), &mut text);
    text
}

/// JSON without white space, with sorted keys: one text for one value. The depth is that of what
/// `serde_json` reads, 128 at most, or of our own types.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (i, (key, item)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                canonical(item, out);
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}
