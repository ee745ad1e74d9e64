//! Runs a composite action as GitHub's runner does: its inputs and their defaults, expressions, conditions, a file
//! for each of the outputs, the environment, the path and the summary, and `bash` with the runner's flags. What it
//! does not know, it refuses.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::expression::Contexts;

/// The flags of `shell: bash`.
const BASH: [&str; 4] = ["--noprofile", "--norc", "-eo", "pipefail"];

/// A machine that runs an action.
pub struct Runner {
    /// The folder with `action.yml`.
    pub action: PathBuf,
    /// `github.workspace`.
    pub workspace: PathBuf,
    /// `runner.temp` and `runner.tool_cache` lie here.
    pub home: PathBuf,
    /// What the workflow sets: by `env:`, and by GitHub for the run.
    pub env: BTreeMap<String, String>,
    /// Called with the process of each step as it starts.
    pub started: Option<Box<dyn Fn(u32) + Send + Sync>>,
}

/// What a run of an action left.
#[derive(Debug, Default)]
pub struct Ran {
    /// The exit code of the step that failed first.
    pub failed: Option<i32>,
    /// The outputs of the action.
    pub outputs: BTreeMap<String, String>,
    /// Everything that was written to the log.
    pub log: String,
    /// The step summary.
    pub summary: String,
}

/// Reads a YAML file as plain data.
pub fn yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The keys and values of a map, which may be missing.
pub fn entries(value: &Value) -> Vec<(&str, &Value)> {
    value.as_object().map(|map| map.iter().map(|(k, v)| (k.as_str(), v)).collect()).unwrap_or_default()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

impl Runner {
    /// A Linux machine that runs the action of this repository.
    pub fn new(workspace: &Path, home: &Path) -> Self {
        Self {
            action: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
            workspace: workspace.to_owned(),
            home: home.to_owned(),
            env: BTreeMap::new(),
            started: None,
        }
    }

    pub fn temp(&self) -> PathBuf {
        self.home.join("temp")
    }

    pub fn tool_cache(&self) -> PathBuf {
        self.home.join("tools")
    }

    /// Runs the action with these inputs.
    #[track_caller]
    pub fn run(&self, with: &[(&str, &str)]) -> Ran {
        let action = yaml(&self.action.join("action.yml"));
        assert_eq!(action["runs"]["using"], "composite");
        let mut contexts = Contexts::new();
        contexts.set("github.token", "ghs_token-of-the-job");
        contexts.set("github.workspace", self.workspace.display().to_string());
        contexts.set("runner.os", "Linux");
        contexts.set("runner.arch", "X64");
        contexts.set("runner.temp", self.temp().display().to_string());
        self.set_inputs(&action, with, &mut contexts);

        let mut ran = Ran::default();
        let mut passed_on = BTreeMap::new();
        let mut paths = Vec::new();
        for step in action["runs"]["steps"].as_array().unwrap() {
            self.step(step, &mut contexts, &mut passed_on, &mut paths, &mut ran);
        }
        // Also after a failure.
        for (name, output) in entries(&action["outputs"]) {
            let value = contexts.fill(output["value"].as_str().unwrap()).unwrap();
            ran.outputs.insert(name.to_owned(), value);
        }
        ran
    }

    fn set_inputs(&self, action: &Value, with: &[(&str, &str)], contexts: &mut Contexts) {
        let known = action["inputs"].as_object().unwrap();
        for (name, _) in with {
            assert!(known.contains_key(*name), "the action has no input `{name}`");
        }
        for (name, input) in known {
            let given = with.iter().find(|(n, _)| n == name).map(|(_, value)| (*value).to_owned());
            assert!(given.is_some() || input["required"] != true, "the input `{name}` is required");
            let value = given.unwrap_or_else(|| contexts.fill(&text(&input["default"])).unwrap());
            contexts.set(format!("inputs.{name}"), value);
        }
    }

    fn step(
        &self,
        step: &Value,
        contexts: &mut Contexts,
        passed_on: &mut BTreeMap<String, String>,
        paths: &mut Vec<String>,
        ran: &mut Ran,
    ) {
        for (key, _) in entries(step) {
            assert!(
                ["name", "id", "if", "shell", "env", "working-directory", "run"].contains(&key),
                "this runner does not know `{key}:` of a step"
            );
        }
        assert_eq!(step["shell"], "bash", "this runner knows bash only");
        // What is not there is empty, also when the step did not run.
        if let Some(id) = step["id"].as_str() {
            contexts.open(format!("steps.{id}.outputs."));
        }
        if !contexts.condition(step["if"].as_str().unwrap_or("success()")).unwrap() {
            return;
        }
        let temp = self.temp();
        fs::create_dir_all(&temp).unwrap();
        fs::create_dir_all(self.tool_cache()).unwrap();
        let script = temp.join("step.sh");
        fs::write(&script, contexts.fill(step["run"].as_str().unwrap()).unwrap()).unwrap();
        let files = ["OUTPUT", "ENV", "PATH", "STEP_SUMMARY"].map(|name| {
            let path = temp.join(format!("file-{name}"));
            fs::write(&path, "").unwrap();
            (format!("GITHUB_{name}"), path)
        });

        let mut command = Command::new("bash");
        command.args(BASH).arg(&script).env_clear().stdin(Stdio::null());
        let path = std::env::var("PATH").unwrap();
        let path = self.env.get("PATH").cloned().unwrap_or(path);
        let path = [paths.clone(), vec![path]].concat().join(":");
        command.env("HOME", &self.home).envs(&self.env).env("PATH", path);
        command.envs([("CI", "true"), ("GITHUB_ACTIONS", "true"), ("RUNNER_OS", "Linux"), ("RUNNER_ARCH", "X64")]);
        command.env("GITHUB_WORKSPACE", &self.workspace).env("GITHUB_ACTION_PATH", &self.action);
        command.env("RUNNER_TEMP", &temp).env("RUNNER_TOOL_CACHE", self.tool_cache());
        command.envs(files.iter().map(|(name, path)| (name, path))).envs(passed_on.iter());
        // A machine of another kind.
        command.envs(self.env.iter().filter(|(name, _)| name.starts_with("RUNNER_")));
        for (name, value) in entries(&step["env"]) {
            command.env(name, contexts.fill(&text(value)).unwrap());
        }
        let folder = contexts.fill(&text(&step["working-directory"])).unwrap();
        command.current_dir(self.workspace.join(folder));

        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let id = child.id();
        let done = std::thread::scope(|scope| {
            scope.spawn(|| self.started.as_ref().inspect(|started| started(id)));
            child.wait_with_output().unwrap()
        });
        ran.log += &String::from_utf8(done.stdout).unwrap();
        ran.log += &String::from_utf8(done.stderr).unwrap();

        let read = |at: usize| fs::read_to_string(&files[at].1).unwrap();
        if let Some(id) = step["id"].as_str() {
            for (name, value) in assignments(&read(0)) {
                contexts.set(format!("steps.{id}.outputs.{name}"), value);
            }
        }
        passed_on.extend(assignments(&read(1)));
        read(2).lines().for_each(|line| paths.insert(0, line.to_owned()));
        ran.summary += &read(3);
        if !done.status.success() {
            contexts.success = false;
            ran.failed = ran.failed.or(Some(done.status.code().unwrap_or(-1)));
        }
    }
}

/// The assignments of a file like `GITHUB_OUTPUT`: `NAME=VALUE`, or `NAME<<MARK`, lines, `MARK`.
pub(crate) fn assignments(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let (plain, long) = (line.find('='), line.find("<<"));
        match (plain, long) {
            (Some(at), long) if long.is_none_or(|l| at < l) => {
                all.push((line[..at].to_owned(), line[at + 1..].to_owned()));
            }
            (_, Some(at)) => {
                let (name, mark) = (&line[..at], &line[at + 2..]);
                let mut value: Vec<&str> = Vec::new();
                loop {
                    match lines.next() {
                        Some(line) if line == mark => break,
                        Some(line) => value.push(line),
                        None => panic!("`{mark}` is missing after `{name}`"),
                    }
                }
                all.push((name.to_owned(), value.join("\n")));
            }
            _ => panic!("`{line}` is no assignment"),
        }
    }
    all
}

#[test]
fn assignments_of_both_forms() {
    let read = assignments("a=1\nb<<EOF\nx=y\n\nz\nEOF\nc=d<<e\n");
    let expected = [("a", "1"), ("b", "x=y\n\nz"), ("c", "d<<e")];
    assert_eq!(read, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
}
