//! JSON over fetch.

use gloo::net::http::{Request, RequestBuilder, Response};
use meet_api::ErrorBody;
use serde::{Serialize, de::DeserializeOwned};

use super::ApiError;

pub(super) async fn fetch<T: DeserializeOwned>(url: &str, headers: &[(&str, &str)]) -> Result<T, ApiError> {
    let request =
        headers.iter().fold(Request::get(url), |request, (name, value)| request.header(name, value));
    read(send(request).await?).await
}

pub(super) async fn post<T: DeserializeOwned>(url: &str, body: &impl Serialize) -> Result<T, ApiError> {
    let request = Request::post(url).json(body).map_err(|_| ApiError::Unreadable)?;
    read(request.send().await.map_err(|_| ApiError::Unreachable)?).await
}

/// One path segment.
pub(super) fn encode(segment: &str) -> String {
    js_sys::encode_uri_component(segment).into()
}

async fn send(request: RequestBuilder) -> Result<Response, ApiError> {
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
