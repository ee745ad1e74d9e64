//! Requests and answers against GitHub's own description of its API.

use std::sync::{Arc, Mutex};

use rolecall::targets::Task;
use rolecall::targets::http::{Answer, Lost, Request, Transport};
use serde_json::{Value, json};

/// Requests with their answers.
pub type Log = Arc<Mutex<Vec<(Request, Answer)>>>;

/// Hands requests on, and keeps them with their answers.
pub struct Recorded<T>(pub T, pub Log);

impl<T: Transport> Transport for Recorded<T> {
    fn send<'a>(&'a self, request: &'a Request) -> Task<'a, Result<Answer, Lost>> {
        Box::pin(async move {
            let result = self.0.send(request).await;
            if let Ok(answer) = &result {
                self.1.lock().unwrap().push((request.clone(), answer.clone()));
            }
            result
        })
    }

    fn scrub(&self, text: &str) -> String {
        self.0.scrub(text)
    }
}

/// GitHub's description, as far as it is used.
pub struct Description(Value);

impl Description {
    pub fn load() -> Self {
        Self(serde_json::from_str(&std::fs::read_to_string(super::other("openapi")).unwrap()).unwrap())
    }

    /// All operations: `GET /user`.
    pub fn operations(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (path, item) in self.0["paths"].as_object().unwrap() {
            let methods = item.as_object().unwrap().keys().filter(|m| *m != "parameters");
            all.extend(methods.map(|m| format!("{} {path}", m.to_uppercase())));
        }
        all
    }

    /// Holds an exchange against the description: the operation that it is, and what is wrong with it.
    pub fn check(&self, request: &Request, answer: &Answer) -> (String, Vec<String>) {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let method = request.method.word().to_lowercase();
        let all = self.0["paths"].as_object().unwrap();
        let fitting = all.iter().filter(|(template, item)| fits(template, path) && !item[&method].is_null());
        // The template with the fewest holes is meant.
        let Some((template, item)) = fitting.min_by_key(|(template, _)| template.matches('{').count()) else {
            return (format!("{method} {path}"), vec!["GitHub describes no such operation".to_owned()]);
        };
        let operation = &item[&method];
        let mut wrong = Vec::new();
        let parameters: Vec<&Value> = [&item["parameters"], &operation["parameters"]]
            .into_iter()
            .filter_map(Value::as_array)
            .flatten()
            .map(|p| self.follow(p))
            .collect();
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match parameters.iter().find(|p| p["in"] == "query" && p["name"] == name) {
                None => wrong.push(format!("there is no parameter `{name}`")),
                Some(found) => {
                    let number = value.parse::<u64>().ok().filter(|_| found["schema"]["type"] == "integer");
                    let value = number.map_or_else(|| json!(value), |n| json!(n));
                    wrong.extend(self.validate(&found["schema"], &value, &format!("parameter {name}")));
                }
            }
        }
        let wants = &operation["requestBody"]["content"]["application/json"]["schema"];
        match (&request.body, wants.is_null()) {
            (Some(_), true) => wrong.push("no body is wanted".to_owned()),
            (None, false) if operation["requestBody"]["required"] == true => wrong.push("a body is missing".to_owned()),
            (Some(body), false) => {
                let body: Value = serde_json::from_slice(body).unwrap();
                wrong.extend(self.validate(wants, &body, "body"));
                let known = self.properties(wants);
                for key in body.as_object().into_iter().flatten().map(|(k, _)| k) {
                    if !known.is_empty() && !known.contains(key) {
                        wrong.push(format!("body: `{key}` is not known"));
                    }
                }
            }
            (None, _) => {}
        }
        match operation["responses"].get(answer.status.to_string()) {
            // Statuses that every operation can have are not listed with each.
            None if matches!(answer.status, 401 | 403 | 404 | 429) => {}
            None => wrong.push(format!("there is no answer {}", answer.status)),
            Some(response) if (200..300).contains(&answer.status) => {
                let schema = &self.follow(response)["content"]["application/json"]["schema"];
                if schema.is_null() {
                    assert!(answer.body.is_empty() || answer.status == 204);
                } else {
                    let body: Value = serde_json::from_slice(&answer.body).unwrap();
                    wrong.extend(self.validate(schema, &body, "answer"));
                }
            }
            Some(_) => {}
        }
        (format!("{} {template}", method.to_uppercase()), wrong)
    }

    fn follow<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(at) => self.0.pointer(at.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    /// The names of a body, in all its variants.
    fn properties(&self, schema: &Value) -> Vec<String> {
        let schema = self.follow(schema);
        let mut names: Vec<String> =
            schema["properties"].as_object().into_iter().flatten().map(|(k, _)| k.clone()).collect();
        for key in ["oneOf", "anyOf", "allOf"] {
            for one in schema[key].as_array().into_iter().flatten() {
                names.extend(self.properties(one));
            }
        }
        names
    }

    fn validate(&self, schema: &Value, value: &Value, what: &str) -> Vec<String> {
        let schema = json!({"allOf": [schema], "components": self.0["components"]});
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors = validator.iter_errors(value);
        // What is missing is named; other errors may quote whole answers.
        let said = |e: &jsonschema::ValidationError<'_>| match e.kind().keyword() {
            "required" => e.to_string(),
            keyword => keyword.to_owned(),
        };
        errors.map(|e| format!("{what}{}: {}", e.instance_path(), said(&e))).collect()
    }
}

/// Whether a path is one of a template; `{ref}` may have slashes.
fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("{ref}"), Some(_)) if template.ends_with("{ref}") => return true,
            (Some(hole), Some(text)) if hole.starts_with('{') && !text.is_empty() => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}
