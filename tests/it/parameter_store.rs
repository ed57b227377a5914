//! A stand-in for SSM with one parameter, as much of it as `GetParameter` needs.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

/// Stops when its runtime does.
pub struct ParameterStore {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    answer: Mutex<Answer>,
    /// Operation and body of each call.
    calls: Mutex<Vec<(String, Value)>>,
}

#[derive(Clone)]
struct Answer {
    /// The value, or the code of an error.
    value: Result<String, &'static str>,
    after: Duration,
}

impl ParameterStore {
    pub async fn start(value: impl Into<String>) -> Self {
        let value = value.into();
        crate::record::setting("SECRET", &value);
        let answer = Answer { value: Ok(value), after: Duration::ZERO };
        let inner = Arc::new(Inner { answer: Mutex::new(answer), calls: Mutex::default() });
        let router = Router::new().route("/", post(get_parameter)).with_state(inner.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// Overwrites the parameter.
    pub fn put(&self, value: impl Into<String>) {
        self.put_slow(value, Duration::ZERO);
    }

    /// The same, but answers with this value are so long on their way.
    pub fn put_slow(&self, value: impl Into<String>, after: Duration) {
        let value = value.into();
        crate::record::setting("SECRET", &value);
        *self.inner.answer.lock().unwrap() = Answer { value: Ok(value), after };
    }

    /// From now on every call fails with this code.
    pub fn fail(&self, code: &'static str) {
        let answer = Answer { value: Err(code), after: Duration::ZERO };
        *self.inner.answer.lock().unwrap() = answer;
    }

    pub fn calls(&self) -> Vec<(String, Value)> {
        self.inner.calls.lock().unwrap().clone()
    }
}

async fn get_parameter(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers["x-amz-target"].to_str().unwrap().to_owned();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let name = body["Name"].clone();
    // Read as the call comes in: what is put while the answer is on its way is not in it.
    let answer = inner.answer.lock().unwrap().clone();
    inner.calls.lock().unwrap().push((target, body));
    tokio::time::sleep(answer.after).await;
    let (status, body) = match answer.value {
        Ok(value) => (
            StatusCode::OK,
            json!({"Parameter": {"Name": name, "Type": "SecureString", "Value": value}}),
        ),
        Err(code) => (StatusCode::BAD_REQUEST, json!({"__type": code, "message": "no"})),
    };
    (status, [("content-type", "application/x-amz-json-1.1")], body.to_string()).into_response()
}
