//! The published schemas are those of the types.

use std::path::Path;

use rolecall::render::schemas;

#[test]
fn the_published_schemas_are_fresh() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for (name, schema) in [
        ("rolecall", schemas::declaration()),
        ("plan", schemas::plan()),
        ("diagnostics", schemas::diagnostics()),
        ("catalogue", schemas::catalogue()),
        ("review", schemas::review()),
        ("drift", schemas::drift()),
        ("rules", schemas::rules()),
        ("answers", schemas::answers()),
        ("blame", schemas::blame()),
    ] {
        let path = folder.join(format!("{name}.schema.json"));
        let published = std::fs::read_to_string(&path).unwrap();
        let fresh = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        assert!(published == fresh, "{} is stale: write it again with `rolecall schema`", path.display());
        jsonschema::meta::validate(&schema).unwrap();
    }
}

#[test]
fn every_key_is_documented() {
    // What an editor shows is the documentation: no property may be without it.
    fn walk(value: &serde_json::Value, path: &str, bare: &mut Vec<String>) {
        if let Some(properties) = value.get("properties").and_then(|p| p.as_object()) {
            for (key, schema) in properties {
                let described = schema.get("description").and_then(|d| d.as_str()).is_some_and(|d| !d.is_empty());
                if !described {
                    bare.push(format!("{path}.{key}"));
                }
            }
        }
        match value {
            serde_json::Value::Object(map) => map.iter().for_each(|(k, v)| walk(v, &format!("{path}/{k}"), bare)),
            serde_json::Value::Array(list) => list.iter().for_each(|v| walk(v, path, bare)),
            _ => {}
        }
    }
    let mut bare = Vec::new();
    walk(&schemas::declaration(), "", &mut bare);
    assert!(bare.is_empty(), "keys without a description: {bare:?}");
}
