//! Reading what servers send, which is seldom quite what the RFCs say: names of attributes in any case
//! (RFC 7643, section 2.1), numbers and booleans as strings, `null` and `[]` for what is not there
//! (section 2.5).

use serde_json::Value;

/// The attribute of that name, in any case; nothing where it is `null`.
pub fn get<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let map = value.as_object()?;
    let found = map.get(name).or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v));
    found.filter(|v| !v.is_null())
}

/// A text that is there and says something; a number counts as its digits.
pub fn text(value: &Value, name: &str) -> Option<String> {
    match get(value, name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A boolean, also as a text (`"False"`, as some send it).
pub fn boolean(value: &Value, name: &str) -> Option<bool> {
    match get(value, name)? {
        Value::Bool(b) => Some(*b),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A number, also as a text.
pub fn number(value: &Value, name: &str) -> Option<usize> {
    match get(value, name)? {
        Value::Number(number) => number.as_u64().and_then(|n| usize::try_from(n).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The values of a multi-valued attribute. One that stands without brackets counts.
pub fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    match get(value, name) {
        Some(Value::Array(items)) => items,
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => &[],
    }
}

/// A text in a filter (RFC 7644, section 3.4.2.2): JSON's quotes and escapes.
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_servers_send_is_understood() {
        let v = json!({"UserName": "ada", "active": "False", "n": "12", "m": 3, "none": null, "empty": [],
                       "one": {"value": 1}, "many": [1, 2], "blank": ""});
        assert_eq!(text(&v, "userName").as_deref(), Some("ada"));
        assert_eq!((boolean(&v, "active"), boolean(&v, "UserName")), (Some(false), None));
        assert_eq!((number(&v, "n"), number(&v, "m"), number(&v, "userName")), (Some(12), Some(3), None));
        assert_eq!((text(&v, "none"), text(&v, "blank"), text(&v, "m").as_deref()), (None, None, Some("3")));
        assert_eq!((list(&v, "none").len(), list(&v, "empty").len()), (0, 0));
        assert_eq!((list(&v, "one").len(), list(&v, "many").len()), (1, 2));
        assert_eq!(get(&json!("text"), "a"), None);
        assert_eq!(quoted("a\"b\\"), r#""a\"b\\""#);
    }
}
