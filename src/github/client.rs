//! Talking to GitHub's REST API: one repository, one token, the limits of GitHub.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{GithubError, said};
use crate::model::Moment;
use crate::render::text::name;
use crate::targets::http::{
    Answer, Authorization, Client, Limits, Live, Method, Request, Secret, Transport, WAIT_MAX, encode, encrypted,
    retry_after,
};

/// The version of the API that is spoken (GitHub: "API versions").
pub const API_VERSION: &str = "2022-11-28";

const MEDIA: &str = "application/vnd.github+json";

/// How long to wait after a refusal that does not say until when: "at least one minute" (GitHub: "Best
/// practices for using the REST API", secondary limits).
const PAUSE: Duration = Duration::from_secs(60);

/// So often a request that was refused for want of room is sent, the first time included.
const ATTEMPTS: u32 = 3;

/// So many things are asked for at a time: the most that GitHub gives.
const PAGE: usize = 100;

/// So many pages are followed.
const PAGES: usize = 200;

/// A repository: `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slug {
    /// The person or organization.
    pub owner: String,
    /// The repository.
    pub name: String,
}

impl Slug {
    /// Reads `owner/name`; `None` for a text that is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (owner, name) = text.split_once('/')?;
        let is_good = |part: &str| {
            let signs = part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            signs && !part.is_empty() && part.len() <= 100 && !matches!(part, "." | "..")
        };
        (is_good(owner) && is_good(name)).then(|| Self { owner: owner.to_owned(), name: name.to_owned() })
    }
}

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// Whom the token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// The name that its comments carry.
    pub login: String,
    /// Whether GitHub said so; otherwise it is the name that the tokens of workflows have.
    pub told: bool,
}

impl Me {
    /// Whether an account is this one. Names have no case.
    #[must_use]
    pub fn is(&self, login: &str) -> bool {
        self.login.eq_ignore_ascii_case(login)
    }
}

/// One repository at GitHub.
pub struct GitHub {
    client: Client,
    /// What the path of the API begins with: nothing, or `/api/v3` on a server of one's own.
    prefix: String,
    /// The repository.
    pub repository: Slug,
}

impl GitHub {
    /// For the repository, at this address of the API (`https://api.github.com`, `https://HOST/api/v3`).
    ///
    /// # Errors
    /// When the address is none, would carry the token unencrypted to another machine, or no TLS can be
    /// set up.
    pub fn new(api: &str, token: &Secret, repository: Slug) -> Result<Self, GithubError> {
        encrypted(api, "GitHub")?;
        let (host, prefix) = split(api);
        let authorization = Authorization::Headers {
            secret: vec![("authorization", Secret::new(format!("Bearer {}", token.expose())))],
            plain: vec![("x-github-api-version", API_VERSION.to_owned())],
            hidden: vec![token.clone()],
        };
        let limits = limits();
        let live = Live::new(host, &authorization, limits.timeout, limits.body_max)?;
        Ok(Self::over(Box::new(live), prefix, repository))
    }

    /// For the repository, over a transport that somebody else has made. `prefix` is what the path of the API
    /// begins with: nothing, or `/api/v3`.
    #[must_use]
    pub fn over(transport: Box<dyn Transport>, prefix: &str, repository: Slug) -> Self {
        let prefix = prefix.trim_end_matches('/').to_owned();
        Self { client: Client::new(transport, limits()), prefix, repository }
    }

    /// How many requests have been sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.client.sent()
    }

    /// Whose comments are ours. A token of a workflow may not ask for its user: then the other API of GitHub
    /// is asked who looks at it, and where that is not there, it is the name of all tokens of workflows.
    ///
    /// # Errors
    /// When GitHub does not know the token, or cannot be reached.
    pub async fn me(&self) -> Result<Me, GithubError> {
        #[derive(serde::Deserialize)]
        struct User {
            login: String,
        }
        match self.get::<User>("/user", "the user of the token").await {
            Ok(user) => return Ok(Me { login: user.login, told: true }),
            Err(GithubError::ReadOnly(_) | GithubError::Forbidden(_) | GithubError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        let path = if self.prefix.ends_with("/v3") { "/api/graphql" } else { "/graphql" };
        let query = serde_json::json!({"query": "query { viewer { login } }"});
        let request = Request::new(Method::Post, path, MEDIA).json(&query).reads();
        let answer = self.send(request).await.ok().filter(Answer::is_good);
        let login = answer.and_then(|a| a.json().ok()?["data"]["viewer"]["login"].as_str().map(str::to_owned));
        Ok(match login {
            Some(login) => Me { login, told: true },
            None => Me { login: "github-actions[bot]".to_owned(), told: false },
        })
    }

    /// A path below the repository. Whoever calls encodes what is not ours: [`segment`].
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/repos/{}{rest}", self.repository)
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, what: &str) -> Result<T, GithubError> {
        let answer = self.good(Request::new(Method::Get, self.full(path), MEDIA), what).await?;
        decode(&answer, what)
    }

    /// All things of a list, through all its pages.
    pub(super) async fn all<T: DeserializeOwned>(&self, path: &str, what: &str) -> Result<Vec<T>, GithubError> {
        self.all_in(path, None, what).await
    }

    /// The same of a list that lies in a field of the answer.
    pub(super) async fn all_in<T: DeserializeOwned>(
        &self,
        path: &str,
        field: Option<&str>,
        what: &str,
    ) -> Result<Vec<T>, GithubError> {
        let sign = if path.contains('?') { '&' } else { '?' };
        let mut next = Some(self.full(&format!("{path}{sign}per_page={PAGE}")));
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let Some(path) = next.take() else { return Ok(found) };
            let request = Request::new(Method::Get, path.clone(), MEDIA).own("link", None);
            let answer = self.good(request, what).await?;
            match field {
                None => found.extend(decode::<Vec<T>>(&answer, what)?),
                Some(field) => {
                    let mut body: Value = decode(&answer, what)?;
                    let list = body.get_mut(field).map(Value::take);
                    let list = list.ok_or_else(|| GithubError::Malformed(format!("{what}: `{field}` is missing")))?;
                    found.extend(typed::<Vec<T>>(list, what)?);
                }
            }
            next = answer.own.as_deref().and_then(next_page);
            if next.as_ref() == Some(&path) {
                return Err(GithubError::Malformed(format!("{what}: a page names itself as the next")));
            }
        }
        Err(GithubError::Malformed(format!("{what}: more than {} things", PAGES * PAGE)))
    }

    pub(super) async fn write<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        what: &str,
    ) -> Result<T, GithubError> {
        let answer = self.good(Request::new(method, self.full(path), MEDIA).json(body), what).await?;
        decode(&answer, what)
    }

    /// Takes something away; that it is gone already is as good.
    pub(super) async fn delete(&self, path: &str, what: &str) -> Result<(), GithubError> {
        let request = Request::new(Method::Delete, self.full(path), MEDIA);
        match self.good(request, what).await {
            Ok(_) | Err(GithubError::NotFound(_) | GithubError::Gone(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn full(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    async fn good(&self, request: Request, what: &str) -> Result<Answer, GithubError> {
        let writes = !request.repeats;
        let answer = self.send(request).await?;
        if answer.is_good() { Ok(answer) } else { Err(GithubError::of(&answer, what, writes)) }
    }

    /// Sends a request; a refusal for want of room is waited for, whatever the method: nothing was done. GitHub
    /// says so with 403 as well as with 429.
    async fn send(&self, request: Request) -> Result<Answer, GithubError> {
        let mut attempt = 1;
        loop {
            let answer = self.client.send(&request).await?;
            let Some(wait) = limited(&answer) else { return Ok(answer) };
            if attempt == ATTEMPTS || wait > WAIT_MAX {
                let seconds = wait.as_secs();
                return Err(GithubError::Limited(format!("{}; it asks to come back in {seconds} s", said(&answer))));
            }
            attempt += 1;
            tokio::time::sleep(wait).await;
        }
    }
}

fn limits() -> Limits {
    // "Make requests for a single user serially" (GitHub: "Best practices for using the REST API").
    Limits { concurrency: 1, attempts: ATTEMPTS, pause: Some(PAUSE), ..Limits::default() }
}

/// How long to wait, where an answer refuses for want of room.
fn limited(answer: &Answer) -> Option<Duration> {
    if answer.status != 403 {
        return None;
    }
    let asked = answer.retry_after.as_deref().and_then(|v| retry_after(v, Moment::now()));
    let said = said(answer).to_ascii_lowercase();
    let limited = said.contains("rate limit") || said.contains("abuse detection");
    asked.or_else(|| limited.then_some(PAUSE))
}

/// The address without its path, and the path.
fn split(api: &str) -> (&str, &str) {
    let api = api.trim_end_matches('/');
    let after = api.find("://").map_or(0, |at| at + 3);
    let end = api.get(after..).and_then(|rest| rest.find('/')).map_or(api.len(), |at| after + at);
    api.split_at(end)
}

/// The path and query of the next page (RFC 8288); never its host, which the token is not for.
fn next_page(link: &str) -> Option<String> {
    let next = link.split(',').find(|part| part.split(';').skip(1).any(|p| p.trim() == "rel=\"next\""))?;
    let url = next.trim().strip_prefix('<')?.split_once('>')?.0;
    let (_, path) = split_any(url);
    path.starts_with('/').then(|| path.to_owned())
}

fn split_any(url: &str) -> (&str, &str) {
    let after = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(after..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| after + at);
    url.split_at(end)
}

/// A name within a path.
pub(super) fn segment(text: &str) -> String {
    // A folder up, and here, would be taken for that.
    match text {
        "." | ".." => text.replace('.', "%2E"),
        text => encode(text),
    }
}

fn decode<T: DeserializeOwned>(answer: &Answer, what: &str) -> Result<T, GithubError> {
    serde_json::from_slice(&answer.body)
        .map_err(|e| GithubError::Malformed(format!("{what}: {}", name(&e.to_string()))))
}

fn typed<T: DeserializeOwned>(value: Value, what: &str) -> Result<T, GithubError> {
    serde_json::from_value(value).map_err(|e| GithubError::Malformed(format!("{what}: {}", name(&e.to_string()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        assert_eq!(split("https://api.github.com/"), ("https://api.github.com", ""));
        assert_eq!(split("https://ghe.example/api/v3"), ("https://ghe.example", "/api/v3"));
        assert_eq!(split("http://127.0.0.1:4801"), ("http://127.0.0.1:4801", ""));
        let link = r#"<https://api.github.com/repositories/1/issues?page=1>; rel="prev", <https://api.github.com/repositories/1/issues?page=3&per_page=100>; rel="next""#;
        assert_eq!(next_page(link).as_deref(), Some("/repositories/1/issues?page=3&per_page=100"));
        assert_eq!(next_page(r#"<https://x/y>; rel="last""#), None);
        assert_eq!(
            next_page(r#"<https://evil.example/z>; rel="next""#).as_deref(),
            Some("/z"),
            "asked of our own host"
        );
        assert_eq!(segment("../a b"), "..%2Fa%20b");
        assert_eq!(segment(".."), "%2E%2E");
        assert_eq!(Slug::parse("acme/access").map(|s| s.to_string()).as_deref(), Some("acme/access"));
        for bad in ["acme", "acme/", "/x", "a/b/c", "a b/c", "../x", "a/.."] {
            assert_eq!(Slug::parse(bad), None, "{bad}");
        }
    }
}
