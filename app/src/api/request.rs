//! JSON over fetch.

use gloo::net::http::{Request, RequestBuilder, Response};
use meet_api::ErrorBody;
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};

use super::ApiError;

type Headers = [(&'static str, String)];

pub(super) async fn fetch<T: DeserializeOwned>(url: &str, headers: &Headers) -> Result<T, ApiError> {
    read(send(Request::get(url), headers).await?).await
}

/// A `DELETE` whose answer tells nothing new.
pub(super) async fn remove(url: &str, headers: &Headers) -> Result<(), ApiError> {
    read::<IgnoredAny>(send(Request::delete(url), headers).await?).await.map(|_| ())
}

pub(super) async fn post<T: DeserializeOwned>(url: &str, body: &impl Serialize) -> Result<T, ApiError> {
    let request = Request::post(url).json(body).map_err(|_| ApiError::Unreadable)?;
    read(request.send().await.map_err(|_| ApiError::Unreachable)?).await
}

/// One path segment.
pub(super) fn encode(segment: &str) -> String {
    js_sys::encode_uri_component(segment).into()
}

async fn send(request: RequestBuilder, headers: &Headers) -> Result<Response, ApiError> {
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    request.send().await.map_err(|_| ApiError::Unreachable)
}

async fn read<T: DeserializeOwned>(answer: Response) -> Result<T, ApiError> {
    if answer.ok() {
        return answer.json().await.map_err(|_| ApiError::Unreadable);
    }
    let message = match answer.json::<ErrorBody>().await {
        Ok(body) => body.message,
        Err(_) => String::new(),
    };
    Err(ApiError::Refused { status: answer.status(), message })
}
