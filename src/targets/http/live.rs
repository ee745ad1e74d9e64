//! Requests over the network: TLS by rustls, time limits, a limit of size, and no redirections, which
//! could carry what opens the target to somebody else.

use std::sync::Once;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MATCH, RETRY_AFTER};

use super::message::{Answer, Lost, Method, Request, Transport};
use super::secret::{Authorization, Scrubber};
use crate::model::Moment;
use crate::targets::{TargetError, Task};

/// How long it may take to reach the server.
const CONNECT: Duration = Duration::from_secs(10);

/// Sends requests to one address.
pub struct Live {
    client: reqwest::Client,
    base: String,
    scrubber: Scrubber,
    body_max: usize,
}

impl Live {
    /// For the server at `base`, an `http://` or `https://` address. Answers larger than `body_max` bytes
    /// (unpacked) and those that take longer than `timeout` are given up.
    ///
    /// # Errors
    /// When the address is none, or no TLS can be set up.
    pub fn new(
        base: &str,
        authorization: &Authorization,
        timeout: Duration,
        body_max: usize,
    ) -> Result<Self, TargetError> {
        static PROVIDER: Once = Once::new();
        // Whoever embeds this library may have chosen another already.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let unusable = |what: &str| TargetError::Unavailable(what.to_owned());
        reqwest::Url::parse(base).map_err(|_| unusable("its address is no URL: write it whole, with `https://`"))?;
        let mut headers = HeaderMap::new();
        for (name, value, secret) in authorization.headers() {
            let mut value = HeaderValue::from_str(&value)
                .map_err(|_| unusable("what opens it holds characters that cannot be sent"))?;
            value.set_sensitive(secret);
            headers.insert(name, value);
        }
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(concat!("rolecall/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| TargetError::Unavailable(chain(&e.without_url())))?;
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { client, base, scrubber: Scrubber::new(authorization), body_max })
    }

    async fn exchange(&self, request: &Request) -> Result<Answer, Lost> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self.client.request(method, format!("{}{}", self.base, request.path));
        builder = builder.header(ACCEPT, request.media);
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_TYPE, request.media).body(body.clone());
        }
        if let Some(version) = &request.version {
            builder = builder.header(IF_MATCH, version.as_str());
        }
        if let Some((name, Some(value))) = &request.own {
            builder = builder.header(*name, value.as_str());
        }
        let mut response = builder.send().await.map_err(|e| self.lost(e))?;
        let text = |name| Some(response.headers().get(&name)?.to_str().ok()?.to_owned());
        let own = request.own.as_ref().and_then(|(name, _)| response.headers().get(*name)?.to_str().ok());
        let mut answer = Answer {
            status: response.status().as_u16(),
            retry_after: text(RETRY_AFTER).or_else(|| Self::reset(response.status().as_u16(), response.headers())),
            etag: text(ETAG),
            own: own.map(str::to_owned),
            body: Vec::new(),
        };
        while let Some(chunk) = response.chunk().await.map_err(|e| self.lost(e))? {
            if answer.body.len() + chunk.len() > self.body_max {
                return Err(Lost::TooLarge(self.body_max));
            }
            answer.body.extend_from_slice(&chunk);
        }
        // What a refusal says is shown, and may repeat what was sent. What a success says is the state: a name
        // that happens to hold the same letters stays as it is, and is never written back otherwise.
        if !(200..300).contains(&answer.status) {
            answer.body = self.scrubber.bytes(answer.body);
        }
        Ok(answer)
    }

    /// The seconds until a limit begins anew, of a refusal that names that second and not how long it is until
    /// then (GitHub: "Rate limits for the REST API").
    fn reset(status: u16, headers: &HeaderMap) -> Option<String> {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        let refused = matches!(status, 403 | 429) && number("x-ratelimit-remaining") == Some(0);
        let at = number("x-ratelimit-reset").filter(|_| refused)?;
        Some(at.saturating_sub(Moment::now().second()).max(0).saturating_add(1).to_string())
    }

    fn lost(&self, error: reqwest::Error) -> Lost {
        let sent = !(error.is_connect() || error.is_builder());
        let why = if error.is_timeout() { "no answer in time".to_owned() } else { chain(&error.without_url()) };
        let why = self.scrubber.text(&why);
        if sent { Lost::NoAnswer(why) } else { Lost::NotSent(why) }
    }
}

/// An error with everything beneath it: the first alone says little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(&format!(": {said}"));
        }
        next = cause.source();
    }
    text
}

impl Transport for Live {
    fn send<'a>(&'a self, request: &'a Request) -> Task<'a, Result<Answer, Lost>> {
        Box::pin(self.exchange(request))
    }

    fn scrub(&self, text: &str) -> String {
        self.scrubber.text(text)
    }
}
