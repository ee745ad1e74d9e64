//! `action.yml`: its steps as GitHub would run them, what it installs, and that its inputs and outputs are those of
//! `rolecall ci`, of the documentation and of the workflows to copy.

mod expression;
pub(crate) mod runner;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use rolecall::cli::ci::outputs::Output as Told;
use runner::{Ran, Runner, entries, yaml};
use serde_json::Value;
use tempfile::TempDir;

use super::common::{has, wait_until};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const ARCHIVE: &str = "rolecall-x86_64-unknown-linux-musl.tar.gz";

/// Inputs that are no options of `rolecall ci`.
const OWN: [&str; 5] = ["command", "working-directory", "version", "rolecall-path", "download-from"];

fn action() -> Value {
    yaml(&Path::new(ROOT).join("action.yml"))
}

/// A machine, and stubs to run on it.
struct Machine {
    folder: TempDir,
    runner: Runner,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("rolecall-action-").tempdir().unwrap();
        let (workspace, home) = (folder.path().join("work"), folder.path().join("home"));
        fs::create_dir_all(&workspace).unwrap();
        fs::create_dir_all(&home).unwrap();
        Self { runner: Runner::new(&workspace, &home), folder }
    }

    /// The action with other checksums: as it is in the commit of a release.
    fn with_checksums(lines: &str) -> Self {
        let mut machine = Self::new();
        let action = machine.folder.path().join("action");
        fs::create_dir_all(action.join("action")).unwrap();
        for file in ["action.yml", "action/install.sh"] {
            fs::copy(Path::new(ROOT).join(file), action.join(file)).unwrap();
        }
        // What stands for the source.
        for (file, text) in [("Cargo.toml", "# a"), ("Cargo.lock", "# b")] {
            fs::write(action.join(file), text).unwrap();
        }
        for folder in ["src", "schemas"] {
            fs::create_dir_all(action.join(folder)).unwrap();
        }
        fs::write(action.join("action/checksums.txt"), format!("# of a test\n{lines}\n")).unwrap();
        machine.runner.action = action;
        machine
    }

    /// A program of bash in a folder of its own.
    fn stub(&self, place: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(place);
        script(&path, text);
        path
    }

    /// A `cargo` that writes down what it was asked, and installs a stub.
    fn with_cargo(mut self) -> Self {
        let install = "#!/usr/bin/env bash\n\
             printf '%s\\n' \"$@\" >\"$HOME/cargo.txt\"\n\
             while [ \"$1\" != --root ]; do shift; done\n\
             mkdir -p \"$2/bin\"\n\
             printf '#!/usr/bin/env bash\\necho built from source\\n' >\"$2/bin/rolecall\"\n\
             chmod +x \"$2/bin/rolecall\"\n";
        let cargo = self.stub("bin/cargo", install);
        let path = format!("{}:{}", cargo.parent().unwrap().display(), std::env::var("PATH").unwrap());
        self.runner.env.insert("PATH".to_owned(), path);
        self
    }

    fn cargo_was_asked(&self) -> Option<Vec<String>> {
        let text = fs::read_to_string(self.runner.home.join("cargo.txt")).ok()?;
        Some(text.lines().map(str::to_owned).collect())
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.runner.workspace.join(name)).unwrap()
    }
}

fn script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

impl Ran {
    #[track_caller]
    fn failed_with(self, code: i32, texts: &[&str]) -> Self {
        assert_eq!(self.failed, Some(code), "{}", self.log);
        has(&self.log, texts);
        self
    }

    #[track_caller]
    fn went_well(self, texts: &[&str]) -> Self {
        assert_eq!(self.failed, None, "{}", self.log);
        has(&self.log, texts);
        self
    }
}

const BINARY: &str = env!("CARGO_BIN_EXE_rolecall");

#[test]
fn a_given_program_is_run_and_its_exit_code_is_the_steps() {
    let machine = Machine::new();
    let ran = machine.runner.run(&[("command", "plan"), ("rolecall-path", BINARY), ("comment", "sometimes")]);
    let ran = ran.failed_with(1, &["invalid value 'sometimes' for '--comment"]);
    assert_eq!(ran.outputs["rolecall-path"], BINARY);
    // It failed by itself, so nothing is known.
    assert_eq!(ran.outputs["changes"], "");
    let ran = machine.runner.run(&[("command", "perhaps"), ("rolecall-path", BINARY)]);
    ran.failed_with(1, &["unrecognized subcommand 'perhaps'"]);
    for command in ["compile", "plan", "apply", "drift", "reconcile"] {
        let ran = machine.runner.run(&[("command", command), ("rolecall-path", BINARY), ("out", "compiled.json")]);
        // The usual of every input is understood; this machine runs no workflow.
        ran.failed_with(1, &["GITHUB_EVENT_PATH is not set"]);
    }
}

#[test]
fn every_output_is_passed_on_also_after_a_failure() {
    let machine = Machine::new();
    let mut text = "#!/usr/bin/env bash\n".to_owned();
    for output in Told::ALL {
        let name = output.name();
        text += &format!("printf '{name}<<END-17\\n%s\\n%s\\nEND-17\\n' 'of {name}' 'line=2' >>\"$GITHUB_OUTPUT\"\n");
    }
    text += "echo '### All' >>\"$GITHUB_STEP_SUMMARY\"\nexit 4\n";
    machine.stub("work/tool/rolecall", &text);
    // A path that is not absolute begins in the workspace.
    let ran = machine.runner.run(&[("command", "apply"), ("rolecall-path", "tool/rolecall")]).failed_with(4, &[]);
    for output in Told::ALL {
        assert_eq!(ran.outputs[output.name()], format!("of {}\nline=2", output.name()));
    }
    assert_eq!(ran.summary, "### All\n");
}

#[test]
fn inputs_reach_the_program_as_they_are() {
    let machine = Machine::new();
    fs::create_dir_all(machine.runner.workspace.join("access")).unwrap();
    let dump = "#!/usr/bin/env bash\nprintf '%s\\n' \"$@\" >arguments.txt\nenv -0 >environment.txt\n";
    let program = machine.stub("bin/rolecall", dump);
    let hostile = "$(touch pwned) `touch pwned` \"; touch pwned; ' ${{ github.token }}\n::error::x\nA=b";
    let program = program.display().to_string();
    let mut with = vec![("command", hostile), ("rolecall-path", program.as_str()), ("working-directory", "access")];
    let action = action();
    let inputs = action["inputs"].as_object().unwrap();
    let others: Vec<&str> =
        inputs.keys().map(String::as_str).filter(|name| !with.iter().any(|(n, _)| n == name)).collect();
    with.extend(others.iter().map(|name| (*name, hostile)));
    with.retain(|(name, _)| !["version", "download-from"].contains(name));
    let ran = machine.runner.run(&with).went_well(&[]);
    assert!(!ran.log.contains("::error"), "{}", ran.log);
    assert_eq!(machine.read("access/arguments.txt"), format!("ci\n{hostile}\n"));
    let environment = machine.read("access/environment.txt");
    let environment: BTreeMap<&str, &str> = environment.split('\0').filter_map(|line| line.split_once('=')).collect();
    for (variable, input) in passed_by_env(&action) {
        let expected = if input == "rolecall-path" { program.as_str() } else { hostile };
        assert_eq!(environment.get(variable.as_str()).copied().unwrap_or_default(), expected, "{variable}");
    }
    let left: Vec<_> = fs::read_dir(machine.runner.workspace.join("access")).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn an_empty_input_is_the_usual_one() {
    let machine = Machine::new();
    let dump = "#!/usr/bin/env bash\nprintf '%s %s' \"$ROLECALL_FILE\" \"$ROLECALL_STORE\" >usual.txt\n";
    let program = machine.stub("bin/rolecall", dump).display().to_string();
    let with = [("command", "plan"), ("rolecall-path", program.as_str()), ("config", ""), ("store", "")];
    machine.runner.run(&with).went_well(&[]);
    assert_eq!(machine.read("usual.txt"), ". git:rolecall-store");
    // And the program understands the rest of them.
    let mut with = vec![("command", "apply"), ("rolecall-path", BINARY)];
    let action = action();
    let empty = action["inputs"].as_object().unwrap().keys().map(|name| (name.as_str(), ""));
    with.extend(empty.filter(|(name, _)| !["command", "rolecall-path"].contains(name)));
    machine.runner.run(&with).failed_with(1, &["GITHUB_EVENT_PATH is not set"]);
}

/// Which variable the program gets which input by.
fn passed_by_env(action: &Value) -> Vec<(String, String)> {
    let step = &action["runs"]["steps"].as_array().unwrap()[1];
    let input = |value: &Value| {
        let name = value.as_str().unwrap().strip_prefix("${{ inputs.")?.split(' ').next()?;
        Some(name.to_owned())
    };
    entries(&step["env"]).into_iter().filter_map(|(k, v)| Some((k.to_owned(), input(v)?))).collect()
}

#[test]
fn the_token_is_the_jobs_and_is_not_written_to_the_log() {
    let machine = Machine::new();
    let program = machine.stub("bin/rolecall", "#!/usr/bin/env bash\nprintf %s \"$ROLECALL_CI_TOKEN\" >token.txt\n");
    let program = program.display().to_string();
    let ran = machine.runner.run(&[("command", "plan"), ("rolecall-path", &program)]).went_well(&[]);
    assert_eq!(machine.read("token.txt"), "ghs_token-of-the-job");
    assert!(!ran.log.contains("ghs_"), "{}", ran.log);
}

#[cfg(unix)]
#[test]
fn signals_reach_the_program() {
    let mut machine = Machine::new();
    let ready = machine.runner.workspace.join("ready");
    let waiting = "#!/usr/bin/env bash\n\
         trap 'echo finished the change in flight; exit 5' TERM\n\
         touch ready\n\
         for _ in {1..600}; do sleep 0.1; done\n";
    let program = machine.stub("bin/rolecall", waiting).display().to_string();
    let steps = Mutex::new(0);
    machine.runner.started = Some(Box::new(move |id| {
        let mut step = steps.lock().unwrap();
        *step += 1;
        if *step == 2 {
            wait_until("the program runs", || ready.exists());
            assert!(Command::new("kill").args(["-TERM", &id.to_string()]).status().unwrap().success());
        }
    }));
    let ran = machine.runner.run(&[("command", "apply"), ("rolecall-path", &program)]);
    ran.failed_with(5, &["finished the change in flight"]);
}

// Installation.

/// A server of files, which counts what it is asked for.
struct Releases {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Releases {
    fn serve(files: &[(&str, u16, Vec<u8>)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let files: Vec<(String, u16, Vec<u8>)> =
            files.iter().map(|(path, status, body)| ((*path).to_owned(), *status, body.clone())).collect();
        let heard = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let first = lines.next().unwrap_or_default();
                while lines.next().is_some_and(|line| !line.is_empty()) {}
                let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                let found = files.iter().find(|(p, ..)| *p == path);
                heard.lock().unwrap().push(path);
                let (status, body) = found.map_or((404, &[][..]), |(_, status, body)| (*status, body.as_slice()));
                let head =
                    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).unwrap();
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// An archive of a release, with a program that says this, and its SHA-256.
fn archive(says: &str) -> (Vec<u8>, String) {
    let folder = tempfile::tempdir().unwrap();
    script(&folder.path().join("rolecall"), &format!("#!/usr/bin/env bash\necho {says} \"$@\"\n"));
    let packed = Command::new("tar").args(["-czf", ARCHIVE, "rolecall"]).current_dir(folder.path()).status().unwrap();
    assert!(packed.success());
    let sum = Command::new("sha256sum").arg(ARCHIVE).current_dir(folder.path()).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap().split(' ').next().unwrap().to_owned();
    (fs::read(folder.path().join(ARCHIVE)).unwrap(), sum)
}

fn release_path() -> String {
    format!("/v1.2.3/{ARCHIVE}")
}

#[test]
fn a_release_is_installed_when_it_is_what_the_action_expects() {
    let (body, sum) = archive("released");
    let releases = Releases::serve(&[(&release_path(), 200, body.clone())]);
    let machine = Machine::with_checksums(&format!("1.2.3 {ARCHIVE} {sum}"));
    let with = [("command", "plan"), ("download-from", releases.address.as_str())];
    let ran = machine.runner.run(&with).went_well(&["downloading", "released ci plan"]);
    assert!(ran.outputs["rolecall-path"].starts_with(machine.runner.temp().to_str().unwrap()));
    assert_eq!(releases.asked(), [release_path()]);

    // The second job on the same machine does not ask, by whichever name the version is given.
    for version in ["", "1.2.3", "v1.2.3"] {
        let with = [with[0], with[1], ("version", version)];
        machine.runner.run(&with).went_well(&["is in the tool cache, with the right checksum", "released ci plan"]);
    }
    assert_eq!(releases.asked().len(), 1);

    // What somebody has put into the cache is no reason to run it.
    let cached = machine.runner.tool_cache().join("rolecall/1.2.3/X64").join(ARCHIVE);
    fs::write(&cached, archive("tampered with").0).unwrap();
    machine.runner.run(&with).went_well(&["downloading", "released ci plan"]);
    assert_eq!(releases.asked().len(), 2);
    assert_eq!(fs::read(&cached).unwrap(), body);

    // Where nothing can be kept, what was downloaded does.
    fs::remove_dir_all(machine.runner.tool_cache()).unwrap();
    fs::create_dir_all(machine.runner.tool_cache()).unwrap();
    fs::write(machine.runner.tool_cache().join("rolecall"), "in the way").unwrap();
    machine.runner.run(&with).went_well(&["it could not be kept in the tool cache", "released ci plan"]);
}

#[test]
fn what_is_not_what_was_released_is_refused() {
    let (body, _) = archive("something else");
    let (_, sum) = archive("released");
    let releases = Releases::serve(&[(&release_path(), 200, body)]);
    let machine = Machine::with_checksums(&format!("1.2.3 {ARCHIVE} {sum}")).with_cargo();
    let ran = machine.runner.run(&[("command", "plan"), ("download-from", &releases.address)]);
    let ran = ran.failed_with(1, &["::error title=rolecall::", "It is not used: it is not what was released"]);
    assert!(!ran.log.contains("something else"), "{}", ran.log);
    assert_eq!(ran.outputs["rolecall-path"], "");
    assert!(!machine.runner.tool_cache().join("rolecall").exists());
    assert_eq!(machine.cargo_was_asked(), None);
}

#[test]
fn a_server_that_fails_is_no_reason_to_build() {
    let (body, sum) = archive("released");
    let releases = Releases::serve(&[(&release_path(), 403, body)]);
    let machine = Machine::with_checksums(&format!("1.2.3 {ARCHIVE} {sum}")).with_cargo();
    let ran = machine.runner.run(&[("command", "plan"), ("download-from", &releases.address)]);
    ran.failed_with(1, &["answered 403", "version: source"]);
    let ran = machine.runner.run(&[("command", "plan"), ("download-from", "http://127.0.0.1:1")]);
    ran.failed_with(1, &["could not be downloaded", "version: source"]);
    assert_eq!(machine.cargo_was_asked(), None);
}

#[test]
fn without_an_archive_the_source_is_built() {
    let (_, sum) = archive("released");
    let lines = format!("1.2.3 {ARCHIVE} {sum}");
    let releases = Releases::serve(&[]);
    let from = ("download-from", releases.address.as_str());
    let cases: [[&str; 4]; 5] = [
        ["", "", "X64", "this commit of the action belongs to no release"],
        [&lines, "source", "X64", "version: source is given"],
        [&lines, "", "X64", "the release 1.2.3 cannot be had"],
        [&lines, "", "ARM", "the release 1.2.3 has nothing for Linux on ARM"],
        [&lines, "1.2.3", "ARM", "the release 1.2.3 has nothing for Linux on ARM"],
    ];
    for [lines, version, arch, why] in cases {
        let mut machine = Machine::with_checksums(lines).with_cargo();
        machine.runner.env.insert("RUNNER_ARCH".to_owned(), arch.to_owned());
        let with = [("command", "plan"), ("version", version), from];
        let built = format!("{why}: building it from the action's own source");
        machine.runner.run(&with).went_well(&[&built, "built from source"]);
        let asked = machine.cargo_was_asked().unwrap();
        let source = machine.runner.action.canonicalize().unwrap().display().to_string();
        assert_eq!(asked[..4], ["install", "--locked", "--path", source.as_str()].map(str::to_owned));
        // The same source is built once, and another source again.
        fs::remove_file(machine.runner.home.join("cargo.txt")).unwrap();
        machine.runner.run(&with).went_well(&["it was built from this source before", "built from source"]);
        assert_eq!(machine.cargo_was_asked(), None);
        fs::write(machine.runner.action.join("src/lib.rs"), "// changed").unwrap();
        machine.runner.run(&with).went_well(&[&built]);
        assert!(machine.cargo_was_asked().is_some());
    }
}

#[test]
fn what_cannot_be_installed_is_said() {
    let (_, sum) = archive("released");
    let machine = Machine::with_checksums(&format!("1.2.3 {ARCHIVE} {sum}")).with_cargo();
    let ran = machine.runner.run(&[("command", "plan"), ("version", "9.9.9")]);
    ran.failed_with(1, &["carries checksums of 1.2.3, and none of 9.9.9", "at the tag v9.9.9"]);
    let ran = machine.runner.run(&[("command", "plan"), ("rolecall-path", "not/there%0A\n::warning::x")]);
    let ran = ran.failed_with(1, &["there is no program at not/there%250A%0A::warning::x"]);
    assert!(!ran.log.contains("\n::warning"), "{}", ran.log);
    assert_eq!(machine.cargo_was_asked(), None);

    // A folder with what the script needs, and without cargo.
    let mut machine = Machine::with_checksums("");
    let bin = machine.folder.path().join("few");
    fs::create_dir_all(&bin).unwrap();
    for tool in ["bash", "dirname", "cut", "sha256sum", "find", "sort", "tr", "xargs", "cat"] {
        let found = Command::new("bash").args(["-c", "command -v \"$0\"", tool]).output().unwrap().stdout;
        std::os::unix::fs::symlink(String::from_utf8(found).unwrap().trim(), bin.join(tool)).unwrap();
    }
    machine.runner.env.insert("PATH".to_owned(), bin.display().to_string());
    let ran = machine.runner.run(&[("command", "plan")]);
    ran.failed_with(1, &["belongs to no release, and there is no cargo to build it from source"]);
    let ran = machine.runner.run(&[("command", "plan"), ("version", "path")]);
    ran.failed_with(1, &["there is no rolecall in PATH"]);
    script(&bin.join("rolecall"), "#!/usr/bin/env bash\necho from the path \"$@\"\n");
    machine.runner.run(&[("command", "drift"), ("version", "path")]).went_well(&["from the path ci drift"]);
}

#[test]
fn this_commit_belongs_to_no_release() {
    // The checksums of a release are written into the commit of its tag, and into no other.
    let machine = Machine::new().with_cargo();
    let ran = machine.runner.run(&[("command", "plan")]);
    ran.went_well(&["this commit of the action belongs to no release", "built from source"]);
}

#[test]
fn a_release_writes_the_checksums_that_the_action_reads() {
    let machine = Machine::with_checksums("");
    let (root, dist) = (machine.runner.action.clone(), machine.folder.path().join("dist"));
    let text = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    fs::write(root.join("Cargo.toml"), text).unwrap();
    fs::copy(Path::new(ROOT).join("action/release.sh"), root.join("action/release.sh")).unwrap();
    fs::create_dir_all(&dist).unwrap();
    let (body, sum) = archive("released");
    fs::write(dist.join(ARCHIVE), &body).unwrap();
    fs::write(dist.join("rolecall-another.tar.gz"), "another").unwrap();
    let version = env!("CARGO_PKG_VERSION");

    // What GitHub would answer, and what it was asked.
    let gh = "#!/usr/bin/env bash\n\
         printf '%s\\n' \"$*\" >>\"$HOME/gh.txt\"\n\
         case \"$*\" in\n\
           *git/ref/tags*) exit \"$TAG_IS_MISSING\" ;;\n\
           *git/commits/c0ffee*) echo base ;;\n\
           *git/trees*) echo tree ;;\n\
           *git/commits*) echo d00d ;;\n\
         esac\n";
    let path = format!("{}:{}", machine.stub("bin/gh", gh).parent().unwrap().display(), std::env::var("PATH").unwrap());
    let output = machine.folder.path().join("output");
    let run = |step: &str, missing: &str| {
        let mut command = Command::new("bash");
        command.arg(root.join("action/release.sh")).arg(step).arg(&dist).env_clear();
        command.env("HOME", &machine.runner.home).env("PATH", &path).env("GITHUB_OUTPUT", &output);
        command.envs([("GITHUB_REPOSITORY", "rolecall/rolecall"), ("GITHUB_SHA", "c0ffee"), ("VERSION", version)]);
        super::common::Output::of(command.env("TAG_IS_MISSING", missing).output().unwrap())
    };
    run("checksums", "1").ended(0);
    assert_eq!(fs::read_to_string(&output).unwrap(), format!("version={version}\n"));
    has(&fs::read_to_string(dist.join("SHA256SUMS")).unwrap(), &[&format!("{sum}  {ARCHIVE}")]);
    let path_of = format!("/v{version}/{ARCHIVE}");
    let releases = Releases::serve(&[(&path_of, 200, body)]);
    let ran = machine.runner.run(&[("command", "plan"), ("download-from", &releases.address)]);
    ran.went_well(&["downloading", "released ci plan"]);

    run("publish", "1").ended(0);
    let asked = fs::read_to_string(machine.runner.home.join("gh.txt")).unwrap();
    let tag = format!("v{version}");
    has(
        &asked,
        &[
            "base_tree=base",
            "tree[][path]=action/checksums.txt",
            "parents[]=c0ffee",
            &format!("ref=refs/tags/{tag} --raw-field sha=d00d"),
            &format!("release create {tag} --repo rolecall/rolecall --verify-tag"),
            &format!("uses: rolecall/rolecall@d00d # {tag}"),
            "rolecall-another.tar.gz",
            "SHA256SUMS",
        ],
    );
    // Nothing is released twice.
    fs::remove_file(machine.runner.home.join("gh.txt")).unwrap();
    run("publish", "0").ended(1).says(&["is there already"]);
    let asked = fs::read_to_string(machine.runner.home.join("gh.txt")).unwrap();
    assert_eq!(asked.lines().count(), 1, "{asked}");
}

// Agreement.

/// An option of `rolecall ci`: its help and what it is without being said, by the commands that have it.
struct Known {
    help: String,
    usual: String,
    commands: BTreeSet<String>,
}

/// The options of `rolecall ci` by their variables.
fn options() -> BTreeMap<String, Known> {
    let definition = rolecall::cli::definition();
    let ci = definition.find_subcommand("ci").unwrap();
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    for command in ci.get_subcommands() {
        for argument in command.get_arguments() {
            let variable = argument.get_env().unwrap_or_else(|| panic!("{argument} has no variable"));
            let variable = variable.to_str().unwrap().to_owned();
            let usual: Vec<&str> = argument.get_default_values().iter().map(|v| v.to_str().unwrap()).collect();
            let (help, usual) = (argument.get_help().unwrap().to_string(), usual.join(","));
            let entry = known.entry(variable).or_insert_with(|| Known {
                help: help.clone(),
                usual: usual.clone(),
                commands: BTreeSet::new(),
            });
            assert_eq!((&entry.help, &entry.usual), (&help, &usual), "{argument} of {}", command.get_name());
            entry.commands.insert(command.get_name().to_owned());
        }
    }
    known
}

#[test]
fn inputs_are_the_options_of_the_program() {
    let action = action();
    let inputs = action["inputs"].as_object().unwrap();
    let mut options = options();
    let definition = rolecall::cli::definition();
    let global: BTreeSet<&str> =
        definition.get_arguments().filter_map(|a| a.get_env()).map(|v| v.to_str().unwrap()).collect();
    let passed = &action["runs"]["steps"][1]["env"];
    let mut seen: BTreeSet<String> = OWN.iter().map(|name| (*name).to_owned()).collect();
    for (variable, input) in passed_by_env(&action) {
        seen.insert(input.clone());
        let described = inputs[&input]["description"].as_str().unwrap();
        let usual = inputs[&input]["default"].as_str().unwrap_or_default();
        let variable = variable.as_str();
        match (input.as_str(), variable) {
            // The rest of the line.
            ("command", "ROLECALL_CI_COMMAND") => {
                for command in definition.find_subcommand("ci").unwrap().get_subcommands() {
                    assert!(described.contains(command.get_name()), "{}", command.get_name());
                }
            }
            // Never an argument.
            ("token", "ROLECALL_CI_TOKEN") => assert_eq!(usual, "${{ github.token }}"),
            // Of every command, which know nothing of empty texts.
            ("config", "ROLECALL_FILE") => {
                assert!(global.contains("ROLECALL_FILE"));
                assert_eq!(passed[variable], format!("${{{{ inputs.config || '{usual}' }}}}"));
            }
            ("store", "ROLECALL_STORE") => {
                assert_eq!(passed[variable], format!("${{{{ inputs.store || '{usual}' }}}}"));
            }
            (input, variable) => {
                let option = options.remove(variable).unwrap_or_else(|| panic!("nothing reads {variable}"));
                let named = variable.trim_start_matches("ROLECALL_CI_").trim_start_matches("ROLECALL_");
                assert_eq!(named.to_lowercase().replace('_', "-"), input);
                assert_eq!(described, option.help, "{input}");
                assert_eq!(usual, option.usual, "{input}");
            }
        }
    }
    assert!(options.is_empty(), "no input gives {:?}", options.keys());
    let all: BTreeSet<String> = inputs.keys().cloned().collect();
    assert_eq!(seen, all, "an input goes nowhere");
    // And each of the others is read in a step.
    let text = fs::read_to_string(Path::new(ROOT).join("action.yml")).unwrap();
    for name in OWN {
        assert!(text.contains(&format!("${{{{ inputs.{name} }}}}")), "{name}");
    }
}

#[test]
fn outputs_are_those_of_the_program() {
    let action = action();
    let outputs = entries(&action["outputs"]);
    let told: Vec<(&str, &str)> = Told::ALL.iter().map(|output| (output.name(), output.meaning())).collect();
    let mut described: Vec<(&str, &str)> = Vec::new();
    for (name, output) in outputs {
        let value = output["value"].as_str().unwrap();
        if name == "rolecall-path" {
            assert_eq!(value, "${{ steps.install.outputs.rolecall-path }}");
        } else {
            assert_eq!(value, format!("${{{{ steps.run.outputs.{name} }}}}"));
            described.push((name, output["description"].as_str().unwrap()));
        }
    }
    let sorted = |mut all: Vec<(&'static str, &'static str)>| {
        all.sort_unstable();
        all.into_iter().map(|(n, m)| (n.to_owned(), m.to_owned())).collect::<Vec<_>>()
    };
    let mut described: Vec<_> = described.into_iter().map(|(n, m)| (n.to_owned(), m.to_owned())).collect();
    described.sort_unstable();
    assert_eq!(described, sorted(told));
}

#[test]
fn no_input_is_part_of_a_script() {
    for step in action()["runs"]["steps"].as_array().unwrap() {
        assert!(!step["run"].as_str().unwrap().contains("${{"), "{step}");
    }
}

/// The table of the documentation between two marks.
fn table(name: &str) -> String {
    let readme = fs::read_to_string(Path::new(ROOT).join("examples/github/README.md")).unwrap();
    let (_, after) = readme.split_once(&format!("<!-- {name} -->\n")).unwrap_or_else(|| panic!("no mark {name}"));
    after.split_once(&format!("<!-- end of {name} -->")).unwrap().0.trim().to_owned()
}

#[test]
fn the_documentation_has_every_input_and_output() {
    let action = action();
    let options = options();
    let by_input: BTreeMap<String, String> = passed_by_env(&action).into_iter().map(|(v, i)| (i, v)).collect();
    // In the order of the file.
    let text = fs::read_to_string(Path::new(ROOT).join("action.yml")).unwrap();
    let (before, after) = text.split_once("\noutputs:\n").unwrap();
    let names = |part: &str, known: &Value| -> Vec<String> {
        let keys = part.lines().filter_map(|l| l.strip_prefix("  ")?.strip_suffix(':').map(str::to_owned));
        keys.filter(|name| known.get(name).is_some()).collect()
    };
    let mut inputs = "| input | for | without it | what it says |\n| --- | --- | --- | --- |\n".to_owned();
    for name in names(before, &action["inputs"]) {
        let input = &action["inputs"][&name];
        let commands = by_input.get(&name).and_then(|v| options.get(v)).map(|k| &k.commands);
        let commands = commands.filter(|c| c.len() < 5).map(|c| c.iter().cloned().collect::<Vec<_>>().join(", "));
        let usual = match input["default"].as_str() {
            _ if input["required"] == true => "required".to_owned(),
            Some(usual) => format!("`{usual}`"),
            None => String::new(),
        };
        let described = input["description"].as_str().unwrap();
        inputs += &format!("| `{name}` | {} | {usual} | {described} |\n", commands.unwrap_or("all".to_owned()));
    }
    assert_eq!(table("inputs"), inputs.trim(), "\nthe table of inputs is:\n{inputs}");
    let mut outputs = "| output | what it says |\n| --- | --- |\n".to_owned();
    for name in names(after, &action["outputs"]) {
        outputs += &format!("| `{name}` | {} |\n", action["outputs"][&name]["description"].as_str().unwrap());
    }
    assert_eq!(table("outputs"), outputs.trim(), "\nthe table of outputs is:\n{outputs}");
}

/// The workflows to copy.
fn workflows() -> Vec<(String, Value)> {
    let folder = Path::new(ROOT).join("examples/github");
    let mut all: Vec<(String, Value)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yml"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), yaml(&path)))
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn steps(workflow: &Value) -> Vec<&Value> {
    entries(&workflow["jobs"]).into_iter().flat_map(|(_, job)| job["steps"].as_array().unwrap()).collect()
}

#[test]
fn workflows_say_only_what_the_action_knows() {
    let action = action();
    let options = options();
    let by_input: BTreeMap<String, String> = passed_by_env(&action).into_iter().map(|(v, i)| (i, v)).collect();
    let outputs: BTreeSet<&str> = entries(&action["outputs"]).into_iter().map(|(name, _)| name).collect();
    let (mut pins, mut commands) = (BTreeSet::new(), BTreeSet::new());
    for (file, workflow) in workflows() {
        for step in steps(&workflow) {
            let Some(pin) = step["uses"].as_str().and_then(|uses| uses.strip_prefix("rolecall/rolecall@")) else {
                continue;
            };
            assert!(pin.len() == 40 && pin.bytes().all(|b| b.is_ascii_hexdigit()), "{file}: {pin} is no commit");
            pins.insert(pin.to_owned());
            let command = step["with"]["command"].as_str().unwrap_or_else(|| panic!("{file}: no command"));
            commands.insert(command.to_owned());
            for (input, _) in entries(&step["with"]) {
                assert!(action["inputs"].get(input).is_some(), "{file}: the action has no input `{input}`");
                if let Some(option) = by_input.get(input).and_then(|variable| options.get(variable)) {
                    assert!(option.commands.contains(command), "{file}: `{input}` says nothing to {command}");
                }
            }
            // What later steps take from it.
            let Some(id) = step["id"].as_str() else { continue };
            let text = fs::read_to_string(Path::new(ROOT).join("examples/github").join(&file)).unwrap();
            for after in text.split(&format!("steps.{id}.outputs.")).skip(1) {
                let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap();
                assert!(outputs.contains(&after[..end]), "{file}: the action has no output `{}`", &after[..end]);
            }
        }
    }
    assert_eq!(pins.len(), 1, "the workflows use different commits of the action: {pins:?}");
    let all = ["apply", "compile", "drift", "plan", "reconcile"].map(str::to_owned);
    assert_eq!(commands, BTreeSet::from(all), "each command has a workflow");
}

#[test]
fn strangers_meet_no_secret() {
    for (file, workflow) in workflows() {
        let text = fs::read_to_string(Path::new(ROOT).join("examples/github").join(&file)).unwrap();
        // YAML 1.1 takes `on` for true; YAML 1.2, which GitHub reads, does not.
        let on = workflow.get("on").or_else(|| workflow.get("true")).unwrap();
        assert!(on.get("pull_request_target").is_none(), "{file}");
        assert_eq!(workflow["permissions"], serde_json::json!({}), "{file}");
        for (name, job) in entries(&workflow["jobs"]) {
            let permissions = entries(&job["permissions"]);
            assert!(!permissions.is_empty(), "{file}: {name} says nothing of what its token may");
            let may_write = permissions.iter().any(|(what, how)| *how == "write" && *what != "security-events");
            // From a pull request, everything that is run and read can be a stranger's.
            if on.get("pull_request").is_some() {
                assert!(!may_write && job.get("environment").is_none(), "{file}: {name}");
                assert!(!text.contains("secrets."), "{file}");
            } else {
                // Secrets are those of an environment, which only the main branch may use.
                assert!(job["environment"].is_string() || job["environment"]["name"].is_string(), "{file}: {name}");
            }
            for step in job["steps"].as_array().unwrap() {
                let uses = step["uses"].as_str().unwrap_or_default();
                if uses.starts_with("actions/checkout@") {
                    assert_eq!(step["with"]["persist-credentials"], false, "{file}: {name}");
                    assert!(
                        step["with"].get("ref").is_none(),
                        "{file}: {name}: a stranger's files are an artifact only"
                    );
                }
            }
        }
    }
}
